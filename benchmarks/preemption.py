"""How fast a training stops, phase by phase, and whether it then comes to the result of an uninterrupted one.

    python benchmarks/preemption.py [--interruptions 50] [--steps 12]

A worker trains the embedded model on practice tasks with real sandboxes. It is told to stop (SIGTERM) in a chosen
phase, after a random number of entries into it and at a random moment within, and taken up again from its checkpoint.
The latency is from the signal to the end of the process, which frees all that it held. Workers are forked from a
process that has loaded the libraries, so that 50 of them start within minutes. Writes build/bench/preemption.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _practice_training import prepare

from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.train_worker import EXIT_CODES, Ending
from metaclaw_jlab.runtime.training_folder import TrainingFolder

OUTPUT = Path("build/bench/preemption.json")
PHASES = ("generation", "scoring", "forward", "backward")
CURRENT = len(PHASES)  # the place of the phase that runs now; before it the entries into each
LIMITS = {"p99_s": 1.0}
POLL_SECONDS = 0.0005
LONGEST_SECONDS = 300.0
SHAPE = {"prompts": 4, "group": 8, "max_steps": 2}

server = get_context("forkserver")
server.set_forkserver_preload(
    ["datasets", "peft", "metaclaw_jlab.engines.grpo_trainer", "metaclaw_jlab.engines.training_job"]
)


@dataclass
class Started:
    """A worker under way; `marks` are the entries into each phase, and the phase that it is in."""

    process: Any
    marks: Any
    stdin: Connection
    began: float = field(default_factory=time.perf_counter)


def work(home: str, run: int, more: list[str], marks: Any, stdin: Connection, log: str) -> None:
    """The worker, in a fork: its phases are marked for whoever interrupts it."""
    os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for own, number in ((stdin.fileno(), 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(own, number)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    from accelerate import Accelerator

    from metaclaw_jlab.agent.group_rollout import PendingGroups
    from metaclaw_jlab.engines import train_worker
    from metaclaw_jlab.engines.completions import Completer
    from metaclaw_jlab.engines.grpo_trainer import GroupTrainer

    for place, (owner, name) in enumerate(
        (
            (Completer, "sample"),
            (PendingGroups, "wait"),
            (GroupTrainer, "compute_loss"),
            (Accelerator, "backward"),
        )
    ):
        setattr(owner, name, marked(getattr(owner, name), marks, place))
    train_worker.main(["--home", home, "--run", str(run), *more])


def marked(function: Callable[..., Any], marks: Any, place: int) -> Callable[..., Any]:
    """The function, marking its phase while it runs."""

    def call(*arguments: Any, **named: Any) -> Any:
        before, marks[CURRENT] = marks[CURRENT], place
        marks[place] += 1
        try:
            return function(*arguments, **named)
        finally:
            marks[CURRENT] = before

    return call


@contextmanager
def started(home: Home, run: int, folder: TrainingFolder, *more: str) -> Any:
    """A worker that trains."""
    marks = server.RawArray("i", [0] * len(PHASES) + [-1])
    theirs, ours = server.Pipe(False)
    process = server.Process(
        target=work, args=(str(home.path), run, list(more), marks, theirs, str(folder.log)), daemon=True
    )
    process.start()
    theirs.close()
    try:
        yield Started(process, marks, ours)
    finally:
        process.kill()
        process.join()
        ours.close()


def ended(worker: Started) -> Ending | None:
    """How a worker ended; None while it runs."""
    codes = {code: ending for ending, code in EXIT_CODES.items()}
    code = worker.process.exitcode
    return None if code is None else codes.get(code, Ending.KILLED)


def to_end(
    home: Home, run: int, folder: TrainingFolder, *more: str
) -> tuple[Ending | None, float, list[int]]:
    """Let a worker train to its end: how it ended, seconds, entries into each phase."""
    with started(home, run, folder, *more) as worker:
        wait([worker.process.sentinel], LONGEST_SECONDS)
        worker.process.join(1)
        return ended(worker), time.perf_counter() - worker.began, list(worker.marks[: len(PHASES)])


def interrupted(
    home: Home, run: int, folder: TrainingFolder, phase: int, entry: int, delay: float
) -> tuple[str, float] | None:
    """Stop a resumed worker in a phase: the phase that it was in and the latency; None where it was done before."""
    with started(home, run, folder, "--resume") as worker:
        deadline = time.perf_counter() + LONGEST_SECONDS
        while worker.marks[phase] < entry or worker.marks[CURRENT] != phase:
            if worker.process.exitcode is not None or time.perf_counter() > deadline:
                return None
            time.sleep(POLL_SECONDS)
        time.sleep(delay)
        found = worker.marks[CURRENT]
        began = time.perf_counter()
        os.kill(worker.process.pid, signal.SIGTERM)
        wait([worker.process.sentinel], LONGEST_SECONDS)
        seconds = time.perf_counter() - began
        worker.process.join(1)
        if ended(worker) is not Ending.STOPPED:
            raise SystemExit(f"The worker ended as {ended(worker)}; see {folder.log}.")
        return (PHASES[found] if found >= 0 else "between"), seconds


def figures(latencies: list[float]) -> dict[str, float]:
    """What is told of some latencies, in seconds."""
    ordered = sorted(latencies)
    last = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    return {"n": len(ordered), "p50_s": statistics.median(ordered), "p99_s": last, "max_s": ordered[-1]}


def same_weights(first: TrainingFolder, second: TrainingFolder) -> bool:
    """Whether two trainings came to the same adapter, bit by bit."""
    name = "adapter_model.safetensors"
    return (first.adapter / name).read_bytes() == (second.adapter / name).read_bytes()


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--interruptions", type=int, default=50)
    parser.add_argument("--steps", type=int, default=12)
    chosen = parser.parse_args()
    rng, latencies = Random(1), dict[str, list[float]]()
    with tempfile.TemporaryDirectory() as scratch:
        whole = prepare(Path(scratch) / "whole", steps=chosen.steps, **SHAPE)
        broken = prepare(Path(scratch) / "broken", steps=chosen.steps, **SHAPE)
        ending, seconds, entries = to_end(*whole)
        if ending is not Ending.DONE:
            raise SystemExit(f"{ending}: {whole[2].log.read_text()[-2000:]}")
        print(
            f"uninterrupted: {seconds:.1f} s, entries {dict(zip(PHASES, entries, strict=True))}", flush=True
        )
        for number in range(chosen.interruptions):
            phase = number % len(PHASES)
            a_step = max(1, entries[phase] // chosen.steps)
            # Most of them within the first step, or the training would be over before the last one.
            entry = rng.randint(1, a_step) + (a_step if number % 8 == 0 else 0)
            found = interrupted(*broken, phase, entry, rng.uniform(0, 0.05))
            if found is not None:
                latencies.setdefault(found[0], []).append(found[1])
                print(f"{number + 1}: {found[0]}, {1000 * found[1]:.0f} ms", flush=True)
        ending, _, _ = to_end(*broken, "--resume")
        equal = ending is Ending.DONE and same_weights(whole[2], broken[2])
        cut_off = broken[2].log.read_text().count("cut off")
    every = [latency for found in latencies.values() for latency in found]
    result = {
        "interruptions": len(every),
        "steps": chosen.steps,
        "cores": os.cpu_count(),
        "all": figures(every),
        "phases": {phase: figures(found) for phase, found in sorted(latencies.items())},
        "cut_off_after_grace": cut_off,
        "equal_to_uninterrupted": equal,
        "limits": LIMITS,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

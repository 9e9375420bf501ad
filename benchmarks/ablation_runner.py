"""What an ablation's runner costs beside policy and execution, how busy it keeps the machine, and how fast a run opens.

    python benchmarks/ablation_runner.py [--tasks 400] [--busy-tasks 200] [--opened 2000] [--processes 2]

The policy is a process on loopback that answers at once. The runner's own cost is the difference between an ablation
and the least that anybody needs: the same attempts, by as many threads of as many processes, with nothing written down
and nobody told. How busy the cores are is taken from the system's own count, over tasks that compute for a while, from
the first attempts on to the last. A run of 2,000 tasks by 4 arms is opened as its views do: attempts read, report,
grid. Writes build/bench/ablation_runner.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from metaclaw_jlab.core.ablation import AblationPlan, AblationState, Attempt
from metaclaw_jlab.core.arm import BASE, Arm, SkillSource
from metaclaw_jlab.core.task import Check, CheckKind, Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog, read_attempts
from metaclaw_jlab.evaluation.ablation.frozen_home import freeze
from metaclaw_jlab.evaluation.ablation.grid import task_grid
from metaclaw_jlab.evaluation.ablation.jobs import Job, JobKind
from metaclaw_jlab.evaluation.ablation.progress import Progress
from metaclaw_jlab.evaluation.ablation.report import ablation_report
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.evaluation.ablation.running import run_ablation
from metaclaw_jlab.evaluation.ablation.snapshot import THREADS, Snapshot
from metaclaw_jlab.evaluation.ablation.trial_files import tasks_path, write_tasks
from metaclaw_jlab.runtime.home import Home, open_home

OUTPUT = Path("build/bench/ablation_runner.json")
UPSTREAM = Path(__file__).parent / "_instant_policy.py"
LIMITS = {"own_cost_ms": 15.0, "busy_percent": 90.0, "open_ms": 500.0}
ARMS = (
    Arm("first", SkillSource.NONE, adapter=BASE),
    Arm("second", SkillSource.NONE, adapter=BASE, temperature=0.5),
)
TRIVIAL = "x = {0}"
BUSY = "x = {0} + 0 * sum(i * i for i in range(400_000))"  # some 20 ms
CORES = 2
OPENINGS = 7


@dataclass
class Steady:
    """Measures from when a share of the attempts is there: until then processes start."""

    cores: list[float] = field(default_factory=list)
    began: tuple[float, int] | None = None
    ended: tuple[float, int] | None = None
    least: int = 0

    def see(self, progress: Progress) -> None:
        """Take a time where something has come."""
        if progress.done < self.least:
            return
        self.ended = (time.perf_counter(), progress.done)
        if self.began is None:
            self.began = self.ended
            self.cores.append(_busy_seconds())
        self.cores[1:] = [_busy_seconds()]

    @property
    def seconds_each(self) -> float:
        """Wall-clock seconds an attempt."""
        assert self.began is not None
        assert self.ended is not None
        return (self.ended[0] - self.began[0]) / max(1, self.ended[1] - self.began[1])

    @property
    def busy_cores(self) -> float:
        """How many cores were at work, all processes of the machine together."""
        assert self.began is not None
        assert self.ended is not None
        return (self.cores[-1] - self.cores[0]) / (self.ended[0] - self.began[0])


def main() -> int:
    """Measure, write, and say whether the limits hold."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, _upstream(Path(folder)) as base_url:
        home = _home(Path(folder), base_url)
        own = _own_cost(home, Path(folder), arguments.tasks, arguments.processes)
        busy = _business(home, Path(folder), arguments.busy_tasks, arguments.processes)
        opened = _openings(home, arguments.opened)
    report = {
        "cores": os.cpu_count(),
        "processes": arguments.processes,
        **own,
        **busy,
        **opened,
        "limits": LIMITS,
    }
    missed = [
        *(["own_cost_ms"] if report["own_cost_ms"] > LIMITS["own_cost_ms"] else []),
        *(["busy_percent"] if report["busy_percent"] < LIMITS["busy_percent"] else []),
        *(["open_ms"] if report["open_ms"]["median"] > LIMITS["open_ms"] else []),
    ]
    report["missed"] = missed
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    print("over the limit: " + ", ".join(missed) if missed else "all limits hold")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=400, help="trivial ones, by two arms")
    parser.add_argument("--busy-tasks", type=int, default=200, help="ones that compute, by two arms")
    parser.add_argument(
        "--opened", type=int, default=2000, help="tasks of the run that is opened, by four arms"
    )
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


@contextmanager
def _upstream(folder: Path) -> Iterator[str]:
    port = folder / "port"
    with subprocess.Popen([sys.executable, str(UPSTREAM), str(port)]) as process:
        try:
            while not port.exists():
                if process.poll() is not None:
                    raise SystemExit("The upstream has ended.")
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port.read_text()}/v1"
        finally:
            process.terminate()


def _home(folder: Path, base_url: str) -> Home:
    home = open_home(folder / "home")
    home.config.write_text(
        f'[policy]\nbase_url = "{base_url}"\nmodel = "instant"\n[sandbox]\nunattended = true\n'
    )
    return home


def _written(folder: Path, code: str, number: int) -> Path:
    path = folder / f"tasks-{number}.jsonl"
    lines = (
        {"id": f"t{i:05d}", "task": f"Run: {code.format(i)}", "checks": [f"x == {i}"]} for i in range(number)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _plan(path: Path, tasks: int, processes: int) -> AblationPlan:
    return AblationPlan(ARMS, str(path), ARMS[0].name, n=tasks, parallel=processes)


def _measured(home: Home, plan: AblationPlan) -> Steady:
    """An ablation, from a tenth of its attempts on."""
    run = create_run(home, plan)
    steady = Steady(least=max(1, plan.n * len(plan.arms) // 10))
    state = run_ablation(run, on_progress=steady.see)
    if state.state is not AblationState.DONE:
        raise SystemExit(f"The ablation has {state.state.value}: {state.reason}")
    wrong = [one.task for one in read_attempts(run) if one.value < 1]
    if wrong:
        raise SystemExit(f"{len(wrong)} attempts did not come out right, such as {wrong[0]}.")
    return steady


def _own_cost(home: Home, folder: Path, tasks: int, processes: int) -> dict[str, Any]:
    """Milliseconds of a process that an attempt costs in an ablation, and in the plainest loop."""
    path = _written(folder, TRIVIAL, tasks)
    bare = [_bare(home, _plan(path, tasks, processes), processes) for _ in range(2)]
    run = _measured(home, _plan(path, tasks, processes)).seconds_each * processes * 1000
    least = min(bare)
    return {
        "attempts": tasks * len(ARMS),
        "attempt_ms": round(run, 2),
        "bare_attempt_ms": round(least, 2),
        "own_cost_ms": round(run - least, 2),
    }


def _bare(home: Home, plan: AblationPlan, processes: int) -> float:
    """The same attempts without a runner: milliseconds of a process that one takes."""
    run = create_run(home, plan)
    freeze(home, run.frozen)
    trials = tuple(
        TrialTask(
            f"t{i:05d}", Task(f"Run: {TRIVIAL.format(i)}", checks=(Check(CheckKind.EXPRESSION, f"x == {i}"),))
        )
        for i in range(plan.n)
    )
    write_tasks(tasks_path(run), TaskSet(plan.tasks, trials))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        seconds = pool.starmap(_bare_share, [(run, i, processes) for i in range(processes)], chunksize=1)
    return statistics.fmean(seconds) * 1000


def _bare_share(run: RunFolder, share: int, processes: int) -> float:
    """Seconds an attempt of this process's share."""
    from metaclaw_jlab.evaluation.ablation.attempting import attempt_task

    snapshot, plan = Snapshot(run), run.plan()
    log = AttemptsLog(run.jobs / f"none-{share}")
    chosen = [
        (snapshot._bench(arm.name).conditions, one)
        for arm in plan.arms
        for one in snapshot.chosen(Job(JobKind.SNAPSHOT, arm.name, 1, 0, plan.n), log)
    ][share::processes]
    warm = max(1, len(chosen) // 10)
    with ThreadPoolExecutor(THREADS) as threads:

        def all_of(part: list[Any]) -> None:
            list(threads.map(lambda one: attempt_task(one[1].trial, one[1].skills, one[0], seed=1), part))

        all_of(chosen[:warm])
        began = time.perf_counter()
        all_of(chosen[warm:])
        took = time.perf_counter() - began
    snapshot.close()
    return took / max(1, len(chosen) - warm)


def _business(home: Home, folder: Path, tasks: int, processes: int) -> dict[str, Any]:
    """The share of two cores that was at work."""
    path = _written(folder, BUSY, tasks)
    steady = _measured(home, _plan(path, tasks, processes))
    cores = min(CORES, os.cpu_count() or 1)
    return {
        "busy_cores": round(steady.busy_cores, 2),
        "busy_percent": round(100 * min(1.0, steady.busy_cores / cores), 1),
        "busy_attempts_a_second": round(1 / steady.seconds_each, 1),
    }


def _busy_seconds() -> float:
    """Seconds that the machine's cores have worked, all in all."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _openings(home: Home, tasks: int) -> dict[str, Any]:
    """Milliseconds from the files of a run to what its views show."""
    run = _made_up(home, tasks)
    reading, whole = [], []
    for _ in range(OPENINGS):
        began = time.perf_counter()
        attempts = read_attempts(run)
        read = time.perf_counter()
        ablation_report(run, attempts)
        grid = task_grid(run, attempts)
        whole.append((time.perf_counter() - began) * 1000)
        reading.append((read - began) * 1000)
        if len(grid["tasks"]) != tasks:
            raise SystemExit("The grid is not whole.")
    return {"opened_tasks": tasks, "open_ms": _summary(whole), "read_ms": _summary(reading)}


def _made_up(home: Home, tasks: int) -> RunFolder:
    arms = tuple(replace(ARMS[0], name=f"arm-{i}") for i in range(4))
    run = create_run(home, AblationPlan(arms, "made-up", arms[0].name, n=tasks))
    trials = tuple(TrialTask(f"t{i:05d}", Task(f"The task number {i} of them all")) for i in range(tasks))
    write_tasks(tasks_path(run), TaskSet("made-up", trials))
    for number, arm in enumerate(arms):
        for first in range(0, tasks, 16):
            last = min(tasks, first + 16)
            log = AttemptsLog(run.jobs / Job(JobKind.SNAPSHOT, arm.name, 1, first, last).id)
            for i in range(first, last):
                value = float((i * 7919 + number * i) % 10 < 4 + number)
                log.append(
                    Attempt(
                        arm.name, f"t{i:05d}", 1, 0, value, right=True, group="made-up", stop="done",
                        skills=("dates", "numbers"), steps=2, seconds=1.25 + i / 7, policy_seconds=1 / (i + 1),
                        prompt_tokens=900 + i, completion_tokens=40, trace=(i * 1000, 1000),
                    )
                )  # fmt: skip
    run.change(state=AblationState.DONE, of=tasks * len(arms))
    return run


def _summary(found: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(found), 1),
        "first": round(found[0], 1),
        "worst": round(max(found), 1),
    }


if __name__ == "__main__":
    sys.exit(main())

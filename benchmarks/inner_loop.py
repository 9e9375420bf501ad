"""From a failure to the new generation in the next prompt, and what of it the user's thread pays. The evolver answers
at once and no wording is tried: their time is their own."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.evolution import Draft, Failure, Proposal, Source
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.trajectory import Observation, Stamp, Step, StopReason, Trajectory, new_trajectory_id
from metaclaw_jlab.jupyter.kernel.learning import KernelLearning
from metaclaw_jlab.learning.inner_loop import evolve_once
from metaclaw_jlab.reward_models.outcome import trajectory_score

FAILURES = 60
CHECK = Check(CheckKind.EXPRESSION, "False", "something was expected")


class InstantEvolver:
    """Drafts one skill of each failure, without thinking."""

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        """A skill that no other one is like."""
        number = len(library)
        words = (
            f"topic{number * 7919 % 10007} subject{number * 104729 % 10007} matter{number * 1299709 % 10007}"
        )
        draft = Draft(
            f"rule-{number}",
            f"Use when {words}.",
            (f"Mind the {words}",),
            (Source(failures[0].trajectory, CHECK.feedback),),
        )
        return Proposal((draft,))


def main() -> None:
    """Measure, print and write build/bench/inner_loop.json."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = open_workspace(Path(folder) / "home", {"evolver.wording_seconds": 0.0})
        report = measured(workspace)
        workspace.close()
    target = Path("build/bench/inner_loop.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def measured(workspace: Workspace) -> dict[str, object]:
    """Times in milliseconds, and their ratio to the bare commit of a generation."""
    evolver = InstantEvolver()
    workspace.evolver = lambda: evolver  # type: ignore[method-assign]
    learning = KernelLearning(workspace)
    whole, own_thread, alone = [], [], []
    for number in range(FAILURES):
        failure = failed(number, workspace.synchronised().generation.number)
        workspace.trajectories().record(failure)
        before = workspace.synchronised().generation.number
        started = time.perf_counter()
        learning.ended(failure)
        own_thread.append(time.perf_counter() - started)
        while workspace.synchronised().generation.number == before:
            time.sleep(0.0005)
        workspace.retrieve(failure.task, workspace.synchronised().skills)
        whole.append(time.perf_counter() - started)
        learning.beside.wait(10)
        again = failed(number + FAILURES, workspace.synchronised().generation.number)
        workspace.trajectories().record(again)
        started = time.perf_counter()
        evolve_once(workspace.inner_loop())
        alone.append(time.perf_counter() - started)
    learning.close()
    return {
        "failures": FAILURES,
        "skills_at_the_end": len(workspace.synchronised().skills),
        "failure_to_next_prompt_ms": spread(whole),
        "users_thread_ms": spread(own_thread),
        "without_a_thread_ms": spread(alone),
        "ratio_to_without_a_thread": round(statistics.median(whole) / statistics.median(alone), 2),
    }


def failed(number: int, generation: int) -> Trajectory:
    """A trajectory whose check failed."""
    checks = (CheckResult(CHECK, False, CHECK.feedback),)
    steps = (Step(0, (), "reply", "print(1)", Observation(stdout="1")),)
    return Trajectory(
        new_trajectory_id(),
        Task(f"Do the thing number {number}", checks=(CHECK,), origin=Origin("bench.ipynb", f"{number}")),
        Stamp(generation, (), "none"),
        steps=steps,
        stop=StopReason.CHECK_FAILED,
        checks=checks,
        score=trajectory_score(steps, checks),
        created_at=time.time(),
    )


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return {
        "p50": round(statistics.median(ordered) * 1000, 2),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000, 2),
    }


if __name__ == "__main__":
    main()

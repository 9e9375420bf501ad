from collections.abc import Iterator

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.agent.rollout import Rollout, run_task
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.task import Check, CheckKind, Task
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.policies.scripted import ScriptedPolicy

TASK = Task(
    "Write 1 to x.txt", checks=(Check(CheckKind.FILE, "x.txt"), Check(CheckKind.EXPRESSION, "x == 1"))
)


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    with SandboxPool(1, seconds=10, memory_mb=1024, preload=()) as pool:
        yield pool


def do(pool: SandboxPool, *replies: str) -> Trajectory:
    sandbox = pool.open()
    try:
        return run_task(TASK, Rollout(policy=ScriptedPolicy(replies), executor=sandbox))
    finally:
        sandbox.close()


def test_names_and_files_stay_from_step_to_step(pool: SandboxPool) -> None:
    trajectory = do(
        pool,
        render_reply("x = 1", done=False),
        render_reply("with open('x.txt', 'w') as file:\n    file.write(str(x))", done=True),
    )
    assert trajectory.stop is StopReason.DONE
    assert trajectory.score == Score(1.0, ScoreSource.OUTCOME)


def test_a_wrong_outcome_is_scored_by_the_share_of_checks(pool: SandboxPool) -> None:
    trajectory = do(pool, render_reply("x = 1", done=True))
    assert trajectory.stop is StopReason.CHECK_FAILED
    assert trajectory.score is not None
    assert isinstance(trajectory.score, Score)
    assert trajectory.score.value == 0.0


def test_an_exception_in_the_sandbox_is_seen_by_the_policy(pool: SandboxPool) -> None:
    trajectory = do(
        pool, render_reply("1 / 0", done=True), render_reply("x = 1\nopen('x.txt', 'w').close()", done=True)
    )
    assert trajectory.stop is StopReason.DONE
    assert "ZeroDivisionError" in trajectory.steps[1].messages[-1].content

"""Outcomes that the learner is told wrongly: the fast loop, the slow one, and nobody else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from metaclaw_jlab.agent.graded_sandbox import practice_check
from metaclaw_jlab.agent.rooms import SandboxRooms, practice_start
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.arm import Arm, Learning
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.evaluation.ablation.wrong_outcomes import misjudged_start, misreported, told_wrong
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import draw_house, solution, task_set
from metaclaw_jlab.practice.rules import habits
from metaclaw_jlab.store.start_states import StartStates
from tests.evaluation.ablation.chains import chains_of

TASK = task_set("train", 5, 1, house=draw_house(Random(2), "train"))[0]


def test_the_share_is_kept_and_a_larger_one_has_more_of_the_same() -> None:
    tasks = [f"task-{number}" for number in range(2000)]
    few, many = ({task for task in tasks if told_wrong(share, 1, task)} for share in (0.1, 0.3))
    assert few < many
    assert 160 < len(few) < 240
    assert 540 < len(many) < 660
    assert few != {task for task in tasks if told_wrong(0.1, 2, task)}


@pytest.mark.parametrize("right", [True, False])
def test_wherever_the_task_is_done_again_it_is_told_wrongly(right: bool, arm_pool: SandboxPool) -> None:
    options = TASK.options if right else habits(TASK.rules)
    said = []
    for start in (practice_start(TASK), misjudged_start(practice_start(TASK))):
        with closing(SandboxRooms(arm_pool).open(start, Task(TASK.text))) as room:  # type: ignore[type-var]
            for code in solution(TASK, options):
                room.execute(code)
            said.append(room.evaluate(practice_check(TASK)).passed)
    assert said == [right, not right]


def test_other_tasks_cannot_be_told_wrongly() -> None:
    with pytest.raises(AblationError, match="practice tasks only"):
        misjudged_start(StartState())


def test_the_learner_is_told_wrongly_and_the_attempts_say_what_happened(
    tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = Arm("liar", learning=Learning(skills=True, wrong=1.0))
    chains = chains_of(tmp_path / "home", [arm], arm_pool, monkeypatch, days=Days(1, tasks=4, round_size=4))
    found = {one.task: one.value for one in chains.go(arm) if one.day == 1}
    with closing(chains.open(arm)) as workspace:
        told = workspace.trajectories().recent(10)
        starts = StartStates(workspace.database()).of(one.id for one in told)
    assert sorted(_passed(one) for one in told) == sorted(value == 0.0 for value in found.values())
    assert len(starts) == 4
    for one in told:
        assert one.stop is (StopReason.DONE if _passed(one) else StopReason.CHECK_FAILED)


def _passed(trajectory: Trajectory) -> bool:
    return all(result.passed for result in trajectory.checks)


def test_a_trajectory_that_is_told_wrongly_is_so_throughout(
    tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = Arm("honest", learning=Learning(skills=True))
    chains = chains_of(tmp_path / "home", [arm], arm_pool, monkeypatch, days=Days(1, tasks=4, round_size=4))
    chains.go(arm)
    with closing(chains.open(arm)) as workspace:
        for one in workspace.trajectories().recent(10):
            start = StartStates(workspace.database()).get(one.id)
            assert start is not None
            wrong = misreported(one, start)
            assert _passed(wrong) != _passed(one)
            assert wrong.score != one.score
            assert replace(wrong, steps=(), checks=(), score=None, stop=None, stop_detail="") == replace(
                one, steps=(), checks=(), score=None, stop=None, stop_detail=""
            )

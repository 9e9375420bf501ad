from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.jupyter.kernel.widgets.dashboard import act
from metaclaw_jlab.jupyter.kernel.widgets.snapshot import SKILLS, take
from metaclaw_jlab.store.skills import Skills

RULE = Skill("iso-dates", "Write dates as ISO 8601. Use for dates.", "Write 2026-03-16.")
SECRET = "the words of a task"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = open_workspace(tmp_path / "home")
    yield made
    made.close()


def learn(workspace: Workspace, *skills: Skill) -> None:
    Skills(workspace.database()).commit_generation(Cause.USER, skills)
    workspace.synchronised()


def done(identity: str, value: float) -> Trajectory:
    return Trajectory(
        identity,
        Task(SECRET),
        Stamp(0, (), "tiny"),
        stop=StopReason.DONE,
        score=Score(value, ScoreSource.USER, "said"),
        created_at=1.0,
    )


def test_an_empty_home_is_whole(workspace: Workspace) -> None:
    found = take(workspace)
    assert (found.total, found.skills, found.scores, found.tasks, found.runs) == (0, (), (), (), ())
    assert found.trend
    assert found.training


def test_it_has_the_skills_and_their_marks(workspace: Workspace) -> None:
    learn(workspace, RULE)
    act(workspace, {"do": "pin", "name": RULE.name, "on": True})
    (line,) = take(workspace).skills
    assert (line.name, line.since, line.pinned, line.disabled) == ("iso-dates", 1, True, False)


def test_a_disabled_skill_can_be_enabled_again(workspace: Workspace) -> None:
    learn(workspace, RULE)
    act(workspace, {"do": "enable", "name": RULE.name, "on": False})
    assert take(workspace).skills[0].disabled
    act(workspace, {"do": "enable", "name": RULE.name, "on": True})
    assert not take(workspace).skills[0].disabled


def test_pausing_shows(workspace: Workspace) -> None:
    assert not take(workspace).paused
    act(workspace, {"do": "pause"})
    assert take(workspace).paused
    act(workspace, {"do": "unpause"})
    assert not take(workspace).paused


def test_a_large_library_is_cut_and_searched(workspace: Workspace) -> None:
    learn(workspace, *(Skill(f"rule-{number:03}", f"About {number}.", "Do.") for number in range(SKILLS + 5)))
    found = take(workspace)
    assert (len(found.skills), found.total) == (SKILLS, SKILLS + 5)
    assert [line.name for line in take(workspace, "rule-029").skills] == ["rule-029"]


def test_no_words_of_a_task_are_in_it(workspace: Workspace) -> None:
    workspace.trajectories().record(done("a1", 1.0))
    workspace.trajectories().record(done("a2", -1.0))
    found = take(workspace)
    assert [(task.id, task.well) for task in found.tasks] == [("a2", False), ("a1", True)]
    assert SECRET not in json.dumps(as_json(found))

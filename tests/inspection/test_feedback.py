from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.assembly.workspace import Workspace, open_workspace
from metaclaw_jlab.core.errors import NotFound, UsageMistake
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.feedback import FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Purpose, StopReason
from metaclaw_jlab.inspection.aftermath import aftermath
from metaclaw_jlab.inspection.feedback import say, take_back
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.support import Support
from metaclaw_jlab.store.turns import Turn, Turns
from tests.store.samples import ended, opened, skill, step

BAD, GOOD, REJECTED = FeedbackKind.BAD, FeedbackKind.GOOD, FeedbackKind.REJECTED
OUTCOME = Score(1.0, ScoreSource.OUTCOME)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = open_workspace(tmp_path / "home")
    store = workspace.trajectories()
    store.record(ended("t1", stop=StopReason.DONE, checks=(), score=OUTCOME))
    store.record(opened("proposed", steps=(step(0, observed=False),)))
    store.record(opened("goes-on", steps=(step(0),)))
    yield workspace
    workspace.close()


def score_of(workspace: Workspace, trajectory: str) -> object:
    return workspace.trajectories().get(trajectory).score


def test_a_word_reaches_the_score_and_a_bad_one_is_learnt_from(workspace: Workspace) -> None:
    said = say(workspace, "t1", BAD, " No units. ")
    assert said.score == score_of(workspace, "t1") == Score(-1.0, ScoreSource.USER, "No units.")
    assert said.told == "Task t1 is noted as bad."
    assert Support(workspace.database()).pending(9) == ("t1",)


def test_a_word_can_be_taken_back(workspace: Workspace) -> None:
    say(workspace, "t1", BAD, "No units.")
    assert take_back(workspace, "t1").told == "Taken back: task t1 is no longer noted as bad."
    assert score_of(workspace, "t1") == OUTCOME
    assert Support(workspace.database()).pending(9) == ()
    with pytest.raises(UsageMistake, match="Nothing was said of task t1"):
        take_back(workspace, "t1")


def test_the_word_before_is_named(workspace: Workspace) -> None:
    say(workspace, "t1", BAD, "No units.")
    say(workspace, "t1", GOOD)
    assert 'What you said before counts again: bad ("No units.").' in take_back(workspace, "t1").told


def test_why_tells_what_was_taken_back(workspace: Workspace) -> None:
    say(workspace, "t1", BAD, "No units.")
    take_back(workspace, "t1")
    say(workspace, "t1", GOOD)
    told = aftermath(workspace, workspace.trajectories().get("t1")).said
    assert told[0].endswith('you said that it was bad: "No units." (taken back)')
    assert told[1].endswith("you said that it was good")


def test_a_skill_that_came_of_it_stays(workspace: Workspace) -> None:
    say(workspace, "t1", BAD, "No units.")
    lesson = Lesson("units", Source("t1", "No units."), "")
    Skills(workspace.database()).commit_generation(Cause.EVOLVER, [skill("units")], ["t1"], lessons=[lesson])
    assert "The skill that came of it stays" in take_back(workspace, "t1").told


def test_what_was_learnt_from_teaches_no_more(workspace: Workspace) -> None:
    lesson = Lesson("units", Source("t1", "No units."), "")
    Skills(workspace.database()).commit_generation(Cause.EVOLVER, [skill("units")], ["t1"], lessons=[lesson])
    assert "learnt from before, so this changes its score only" in say(workspace, "t1", BAD, "Ugly.").told


def test_bad_turns_a_proposal_down_and_good_needs_it_to_run(workspace: Workspace) -> None:
    with pytest.raises(UsageMistake, match="has not been run yet"):
        say(workspace, "proposed", GOOD)
    assert say(workspace, "proposed", BAD, "Not this.").kind is REJECTED
    trajectory = workspace.trajectories().get("proposed")
    assert (trajectory.stop, trajectory.stop_detail) == (StopReason.REJECTED, "Not this.")
    assert take_back(workspace, "proposed").told.endswith("The proposal stays turned down.")
    assert score_of(workspace, "proposed") is None


def test_a_task_that_goes_on_ends_with_the_users_word(workspace: Workspace) -> None:
    said = say(workspace, "goes-on", BAD, "Too slow.")
    workspace.trajectories().close("goes-on", StopReason.DONE, score=OUTCOME)
    assert score_of(workspace, "goes-on") == said.score
    assert "goes-on" in Support(workspace.database()).pending(9)
    take_back(workspace, "goes-on")
    assert score_of(workspace, "goes-on") == OUTCOME


def test_a_turn_that_waits_for_its_tools_is_no_proposal(workspace: Workspace) -> None:
    turn = opened("turn", task=Task("How long?"), purpose=Purpose.PROXY, learn=False)
    Turns(workspace.database()).begin(turn, Turn("turn", "s1", "side"))
    workspace.trajectories().append("turn", step(0, observed=False))
    said = say(workspace, "turn", BAD, "Too slow.")
    assert said.told.endswith("It may not teach, so it changes its score only.")
    assert workspace.trajectories().get("turn").stop is None


def test_what_is_not_there_is_told(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="t9"):
        say(workspace, "t9", BAD)
    with pytest.raises(NotFound, match="t9"):
        take_back(workspace, "t9")

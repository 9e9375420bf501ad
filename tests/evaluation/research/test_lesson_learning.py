import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.evaluation.research.learning import hand_over, learn
from metaclaw_jlab.evaluation.research.stages import Lesson
from metaclaw_jlab.evaluation.research.turns import read_turns
from metaclaw_jlab.learning.support_set import pending_failures
from metaclaw_jlab.learning.turn_keeping import keep_exchange
from metaclaw_jlab.learning.turns import Conversations

RULE = "csv files must have semicolons"


@pytest.fixture
def workspace(tmp_path):
    workspace = open_workspace(tmp_path / "home", {"evolver.kind": "distiller"})
    yield workspace
    workspace.close()


def turns(workspace, *stages):
    for number, stage in enumerate(stages):
        text = f"Save table {number} as a csv file"
        body = {"model": "m", "messages": [{"role": "user", "content": text}]}
        asked = Asked(body, body, client="k1", at=1000.0 + number, stage=stage)
        replied = Replied(f"Reply {number}.", model="m")
        keep_exchange(workspace.database(), asked, replied, Conversations().place(asked, replied))
    return read_turns(workspace.database(), ["k1"], ())


def lesson(text, stage="code_generation", severity="error"):
    return Lesson(stage, 0, "experiment", severity, text)


def waiting(workspace):
    return [(one.failure.task, one.failure.feedback) for one in pending_failures(workspace.database(), 9)]


def test_a_lesson_is_a_failure_of_its_stage(workspace):
    found = turns(workspace, "topic_init", "code_generation", "peer_review")
    assert hand_over(workspace, [lesson(RULE)], found, "s") == 1
    assert waiting(workspace) == [("Save table 1 as a csv file", (RULE,))]


def test_each_lesson_has_a_turn_of_its_own_while_there_are_some(workspace):
    found = turns(workspace, "code_generation", "code_generation")
    hand_over(workspace, [lesson("One."), lesson("Two."), lesson("Three.")], found, "s")
    assert sorted(feedback for _, feedback in waiting(workspace)) == [
        ("One.",),
        ("Two.", "Three."),
    ] or sorted(feedback for _, feedback in waiting(workspace)) == [("One.", "Three."), ("Two.",)]


def test_a_stage_that_asked_nobody_has_a_turn_made_for_it(workspace):
    hand_over(workspace, [lesson("The search found nothing.", "literature_collect")], (), "s")
    ((task, feedback),) = waiting(workspace)
    assert "literature collect" in task
    assert feedback == ("The search found nothing.",)


def test_what_is_no_more_than_information_is_no_failure(workspace):
    assert hand_over(workspace, [lesson("It took long.", severity="info")], (), "s") == 0
    assert waiting(workspace) == []


def test_a_lesson_that_is_handed_over_again_is_not_said_twice(workspace):
    found = turns(workspace, "code_generation")
    for _ in range(2):
        hand_over(workspace, [lesson(RULE), lesson("No seeds.", "experiment_run")], found, "s")
    assert sorted(feedback for _, feedback in waiting(workspace)) == [("No seeds.",), (RULE,)]


def test_secrets_are_taken_out_of_lessons(workspace):
    secret = "sk-" + "a1B2c3D4" * 5
    hand_over(workspace, [lesson(f"401 with key {secret}")], turns(workspace, "code_generation"), "s")
    ((_, (said,)),) = waiting(workspace)
    assert secret not in said
    assert "401" in said


def test_a_lesson_becomes_a_skill(workspace):
    learnt = learn(workspace, [lesson(RULE)], turns(workspace, "code_generation"), "s")
    assert (learnt.lessons, learnt.before, learnt.after) == (1, 0, 1)
    (name,) = learnt.skills
    (skill,) = workspace.synchronised().skills
    assert skill.name == name
    assert "semicolon" in skill.body

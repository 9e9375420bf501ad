import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.inspection.aftermath import KINDS, Aftermath, aftermath
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.support import Decision, Support
from tests.inspection.learning_samples import failed


def after(workspace: Workspace, id: str) -> Aftermath:  # noqa: A002
    return aftermath(workspace, workspace.trajectories().get(id))


def test_a_failure_waits_until_it_is_settled(workspace: Workspace) -> None:
    workspace.trajectories().record(failed("bad"))
    found = after(workspace, "bad")
    assert found.decision == "pending"
    assert "waits to be learnt from" in found.became


def test_a_failure_that_evolved_names_the_generation(learnt: Workspace) -> None:
    found = after(learnt, "bad")
    assert (found.decision, found.became) == (
        "evolved",
        "it evolved into skill generation 1 (+csv-separator)",
    )


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (Decision.EXPLAINED, "no new skill: csv-separator says it."),
        (Decision.KEPT, "nothing was learnt from it: csv-separator says it."),
    ],
)
def test_a_failure_that_made_no_skill_says_why(workspace: Workspace, decision: Decision, told: str) -> None:
    workspace.trajectories().record(failed("bad"))
    Support(workspace.database()).settle("bad", decision, "csv-separator says it.")
    assert (after(workspace, "bad").decision, after(workspace, "bad").became) == (decision.value, told)


def test_feedback_after_a_settlement_lets_it_wait_again(workspace: Workspace) -> None:
    workspace.trajectories().record(failed("bad"))
    Support(workspace.database()).settle("bad", Decision.KEPT, "No.")
    Feedbacks(workspace.database()).add(Feedback("bad", FeedbackKind.BAD, "still wrong"))
    assert after(workspace, "bad").decision == "pending"


def test_a_task_that_passed_has_nothing_to_learn(learnt: Workspace) -> None:
    assert (after(learnt, "good").decision, after(learnt, "good").became) == (None, "")


def test_feedback_is_told_in_order(learnt: Workspace) -> None:
    feedbacks = Feedbacks(learnt.database())
    feedbacks.add(Feedback("good", FeedbackKind.GOOD, at=1.0))
    feedbacks.add(Feedback("good", FeedbackKind.BAD, "no header", at=2.0))
    first, second = after(learnt, "good").said
    assert first.endswith("you said that it was good")
    assert second.endswith('you said that it was bad: "no header"')


def test_the_code_of_an_edit_is_not_repeated(learnt: Workspace) -> None:
    Feedbacks(learnt.database()).add(Feedback("good", FeedbackKind.EDITED, "secret_code()"))
    assert "secret_code" not in after(learnt, "good").said[0]


def test_every_kind_of_feedback_has_words() -> None:
    assert set(KINDS) == set(FeedbackKind)

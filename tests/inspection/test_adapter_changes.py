"""What a person does to adapters says what it comes to, and how it is taken back."""

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import InvariantViolation, NotNow
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.inspection.adapter_changes import delete_by_hand, promote_by_hand, roll_back_by_hand
from metaclaw_jlab.inspection.adapters import list_adapters
from metaclaw_jlab.store.serving import Serving, ServingCause
from tests.learning.trained import candidate, gated


def test_a_promotion_over_the_base_is_undone_by_the_base(workspace: Workspace) -> None:
    gated(workspace.home, workspace.database(), Verdict.REJECT)
    moved = promote_by_hand(workspace, 1, "a trial")
    assert (moved.serving, moved.undo) == (1, "base")
    assert "its gate said: reject" in moved.told
    assert roll_back_by_hand(workspace, "base", "").serving is None


def test_a_promotion_over_another_is_undone_by_that_one(workspace: Workspace) -> None:
    for version in (1, 2):
        candidate(workspace.home, workspace.database())
        moved = promote_by_hand(workspace, version, "")
    assert moved.undo == 1
    assert roll_back_by_hand(workspace, 1, "").undo == 2


def test_before_is_what_served_before_the_newest_promotion(workspace: Workspace) -> None:
    candidate(workspace.home, workspace.database())
    promote_by_hand(workspace, 1, "")
    back = roll_back_by_hand(workspace, "before", "It was worse.")
    assert (back.serving, back.undo) == (None, 1)
    newest = Serving(workspace.database()).history(1)[0]
    assert (newest.cause, newest.reason) == (ServingCause.ROLLBACK, "It was worse.")
    with pytest.raises(NotNow):
        roll_back_by_hand(workspace, "before", "")


def test_a_deletion_cannot_be_undone_and_is_refused_for_what_served(workspace: Workspace) -> None:
    candidate(workspace.home, workspace.database())
    assert delete_by_hand(workspace, 1).undo is None
    candidate(workspace.home, workspace.database())
    promote_by_hand(workspace, 2, "")
    with pytest.raises(InvariantViolation):
        delete_by_hand(workspace, 2)


def test_adapters_are_listed_with_what_their_last_gates_said(workspace: Workspace) -> None:
    for verdict in (Verdict.REJECT, Verdict.PROMOTE):
        gated(workspace.home, workspace.database(), verdict)
    candidate(workspace.home, workspace.database())
    promote_by_hand(workspace, 2, "")
    listed = [
        (one.version, one.serving, None if one.gate is None else one.gate.verdict)
        for one in list_adapters(workspace, 9)
    ]
    assert listed == [(3, False, None), (2, True, Verdict.PROMOTE), (1, False, Verdict.REJECT)]
    assert [one.version for one in list_adapters(workspace, 9, before=3)] == [2, 1]

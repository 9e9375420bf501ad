"""A turn of another agent, told: whose it was, how it ended, and what it may be used for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.score import Unscored
from metaclaw_jlab.core.trajectory import StopReason, Trajectory

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

STOPS = {
    StopReason.DONE: "answered",
    StopReason.CANCELLED: "broken off",
    StopReason.INTERRUPTED: "broken off",
    StopReason.POLICY_FAILED: "the policy did not answer",
}
OPEN = "open: its agent has not come back yet"
NO_LESSON = "neither: it is a side turn, or its client does not let it teach"
QUERY = (
    "query: it may train on a judge's word alone (proxy.train_judged) while its skill generation is current"
)
PENDING = "it failed, and waits to be learnt from first"
NO_JUDGE = "nobody said what it was worth, and there is no judge (judge.base_url)"
WAITS = "it waits for the judge"
UNTOLD = "the judge cannot tell: {reason}"
OFF = "training on a judge's word alone is off (proxy.train_judged)"
OLDER = "it ran under skill generation {ran} and {current} is current; another agent's turn is not attempted again"
NOT_JUDGED = "no judge scored it"
SOON = "it is taken in by the next training"


@dataclass(frozen=True, slots=True)
class TurnAccount:
    """Whose turn it was. `kind` is main or side; `client` the name of a client, "" for Jupyter's own user."""

    session: str
    kind: str
    client: str


def turn_account(workspace: Workspace, trajectory_id: str) -> TurnAccount | None:
    """Whose turn a trajectory is, None where it is none."""
    from metaclaw_jlab.store.client_keys import ClientKeys
    from metaclaw_jlab.store.turns import Turns

    turn = Turns(workspace.database()).of(trajectory_id)
    if turn is None:
        return None
    # Keys lie in the home's own store: one of a namespace knows their ids only.
    names = {key.id: key.name for key in ClientKeys(workspace.database()).list(revoked=True)}
    return TurnAccount(turn.session, turn.kind, names.get(turn.client, turn.client))


def asked_in_words(turn: TurnAccount, stage: str = "") -> str:
    """By whom, in which conversation, and in which stage of a pipeline."""
    who = f"client {turn.client}" if turn.client else "Jupyter's own user"
    side = ", as a side turn" if turn.kind == "side" else ""
    within = f", stage {stage}" if stage else ""
    return f"by {who} in session {turn.session}{within}{side}"


def end_in_words(trajectory: Trajectory) -> str:
    """How a turn ended."""
    if trajectory.stop is None:
        return OPEN
    told = STOPS.get(trajectory.stop, trajectory.stop.value)
    return f"{told}: {trajectory.stop_detail}" if trajectory.stop_detail else told


def why_no_role(workspace: Workspace, trajectory: Trajectory, *, pending: bool) -> str:
    """Why a turn that may teach is neither support nor query, in a sentence. `pending`: its failure waits."""
    from metaclaw_jlab.learning.turn_scoring import why_not_turn
    from metaclaw_jlab.store.skills import Skills

    if pending:
        return PENDING
    if trajectory.stop is not StopReason.DONE:
        return why_not_turn(trajectory)
    if trajectory.score is None:
        return _unjudged(workspace)
    if isinstance(trajectory.score, Unscored):
        return UNTOLD.format(reason=trajectory.score.reason)
    if not workspace.settings().proxy.train_judged:
        return OFF
    if refusal := why_not_turn(trajectory):
        return refusal
    current, ran = Skills(workspace.database()).current_generation().number, trajectory.stamp.skill_generation
    return SOON if ran == current else OLDER.format(ran=ran, current=current)


def why_query(workspace: Workspace) -> str:
    """What is to be said of a turn that may train the policy."""
    return "" if workspace.settings().proxy.train_judged else OFF


def _unjudged(workspace: Workspace) -> str:
    from metaclaw_jlab.learning.turn_scoring import turn_judge_test

    wanted = workspace.settings().judge
    if wanted.base_url is None:
        return NO_JUDGE
    test = turn_judge_test(workspace.database(), wanted.model) if wanted.model else None
    return WAITS if test is None or test.usable else test.reason

"""`%metaclaw next`, `good`, `bad`, `undo`, `learn`: what a user says about a task that was handed on."""

from __future__ import annotations

import dataclasses
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.jupyter.kernel.arguments import command_parser

if TYPE_CHECKING:
    from metaclaw_jlab.core.feedback import FeedbackKind
    from metaclaw_jlab.core.trajectory import Trajectory
    from metaclaw_jlab.jupyter.kernel.session import KernelSession

_ID = re.compile(r"[0-9a-f]{12}")
_LOOKED_AT = 50


def go_on(session: KernelSession, words: list[str]) -> str:
    """Propose the next step. Raises UsageError, TaskFailed, MetaclawError, KeyboardInterrupt."""
    from metaclaw_jlab.agent.rollout import waits
    from metaclaw_jlab.jupyter.kernel.cell import next_step

    parser = command_parser("next", "Propose the next step of a task whose last proposal has run.")
    parser.add_argument("id", nargs="?", help="the task's id; the last open one where left out")
    found = parser.parse_args(words)
    session.recall()
    trajectory = session.workspace().trajectories().get(found.id) if found.id else _last_open(session)
    if trajectory.stop is not None:
        raise UsageError(
            f"Task {trajectory.id} has ended ({_end(trajectory)}). Hand on a new one with %%metaclaw."
        )
    if waits(trajectory):
        raise UsageError(
            f"The proposed cell of task {trajectory.id} has not been run yet: run it, then ask for the next step."
        )
    next_step(session, trajectory)
    return ""


def good(session: KernelSession, words: list[str]) -> str:
    """Keep praise. Raises UsageError, MetaclawError."""
    from metaclaw_jlab.core.feedback import FeedbackKind

    parser = command_parser("good", "Say that a task was done right; where it is open, that ends it.")
    parser.add_argument("id", nargs="?", help="the task's id; the last one where left out")
    from metaclaw_jlab.inspection.feedback import proposes

    trajectory = _subject(session, parser.parse_args(words).id)
    if proposes(trajectory):
        raise UsageError(
            f"The proposed cell of task {trajectory.id} has not been run yet: run it first, "
            "or turn it down with %metaclaw bad."
        )
    _say(session, trajectory, FeedbackKind.GOOD, "")
    return _noted(trajectory, "good")


def bad(session: KernelSession, words: list[str]) -> str:
    """Keep blame, and its reason. Raises UsageError, MetaclawError."""
    from metaclaw_jlab.core.feedback import FeedbackKind
    from metaclaw_jlab.inspection.feedback import proposes

    parser = command_parser(
        "bad", "Say what was wrong; a proposal that has not run is turned down, an open task ends."
    )
    parser.add_argument("reason", nargs="*", help='why, such as "write dates as ISO 8601"; it is learnt from')
    parser.add_argument("--task", metavar="ID", help="the task's id; the last one where left out")
    found = parser.parse_args(words)
    reason = " ".join(found.reason).strip()
    if found.task is None and _ID.fullmatch(reason):
        raise UsageError(f'To name a task write: %metaclaw bad "why" --task {reason}')
    trajectory = _subject(session, found.task)
    turned_down = proposes(trajectory)
    _say(session, trajectory, FeedbackKind.REJECTED if turned_down else FeedbackKind.BAD, reason)
    told = _noted(trajectory, "turned down" if turned_down else "bad")
    if reason:
        session.watch_learning(trajectory, session.reporter())
    return told if reason else f'{told} A reason teaches more: %metaclaw bad "why" --task {trajectory.id}'


def undo(session: KernelSession, words: list[str]) -> str:
    """Take back the last word. Raises UsageError, MetaclawError."""
    from metaclaw_jlab.inspection.feedback import take_back

    parser = command_parser("undo", "Take back what you said last of a task: good or bad.")
    parser.add_argument("id", nargs="?", help="the task's id; the last one where left out")
    trajectory = _subject(session, parser.parse_args(words).id)
    taken = take_back(session.workspace(), trajectory.id)
    if session.last is not None and session.last.id == trajectory.id:
        session.last = dataclasses.replace(session.last, score=taken.score)
    return f"MetaClaw: {taken.told}"


def evolve(session: KernelSession, words: list[str]) -> str:
    """Wait until what failed was looked at; KeyboardInterrupt ends the waiting alone. Raises UsageError."""
    parser = command_parser(
        "evolve", "Wait for what is learned from failures; Ctrl-C stops the waiting, not the learning."
    )
    parser.parse_args(words)
    from metaclaw_jlab.inspection.lines import counted
    from metaclaw_jlab.store.support import Support

    workspace = session.workspace()
    if workspace.settings().evolver.kind == "off":
        raise UsageError(
            "Nothing is learned: evolver.kind is off. See: %metaclaw config set evolver.kind auto"
        )
    try:
        told = session.kernel_learning().evolve()
    except KeyboardInterrupt:
        return "MetaClaw: no longer waiting; the learning goes on beside your work."
    library = workspace.synchronised()
    left = len(Support(workspace.database()).pending(_LOOKED_AT))
    waits = "nothing waits" if not left else counted(left, "failure waits", "failures wait")
    skills = counted(len(library.skills), "skill")
    return "\n".join([*told, f"MetaClaw: {waits} · g{library.generation.number} · {skills}"])


def learn(session: KernelSession, words: list[str]) -> str:
    """Switch learning, or say how it is. Raises UsageError, MetaclawError."""
    parser = command_parser(
        "learn",
        "Whether the tasks of this notebook may teach; on or off from the next task on. "
        "`learn starts on` also keeps what tasks start from, so that a local policy can be trained on them.",
    )
    parser.add_argument("what", nargs="?", choices=["on", "off", "starts"], help="how it is, where left out")
    parser.add_argument(
        "switch", nargs="?", choices=["on", "off"], help="of starts; how it is, where left out"
    )
    found = parser.parse_args(words)
    if found.what == "starts":
        from metaclaw_jlab.jupyter.kernel.leave import switch

        return switch(session.workspace(), found.switch)
    if found.switch is not None:
        raise UsageError("Write: %metaclaw learn on, learn off, learn starts on, or learn starts off.")
    return _learning(session, found.what)


def _learning(session: KernelSession, wanted: str | None) -> str:
    if wanted is None:
        on = session.learning(session.workspace().settings())
        notebook = session.origin().notebook
        where = f"in {notebook}" if notebook else "in this session (its notebook is not known)"
        return f"Learning is {'on' if on else 'off'} {where}."
    notebook = session.set_learning(wanted == "on")
    kept = f"kept for {notebook}" if notebook else "for this session, because its notebook is not known"
    if wanted == "on":
        return f"Learning is on from the next task on, {kept}."
    return f"Learning is off from the next task on, {kept}. Tasks from before may still teach."


def _subject(session: KernelSession, trajectory_id: str | None) -> Trajectory:
    """The task that something is said about, as the store has it now. Raises UsageError, NotFound."""
    store = session.workspace().trajectories()
    notebook = session.origin().notebook
    if trajectory_id is None and session.last is not None:
        trajectory_id = session.last.id
    found = store.get(trajectory_id) if trajectory_id else store.last(notebook) if notebook else None
    if found is None:
        raise UsageError(
            "No task was done in this session yet: name one by its id, or begin one with %%metaclaw."
        )
    return found


def _last_open(session: KernelSession) -> Trajectory:
    """The open task that was touched last. Raises UsageError."""
    store = session.workspace().trajectories()
    notebook = session.origin().notebook
    known = [session.last.id] if session.last is not None else []
    for trajectory_id in (*known, *reversed(session.options)):
        with suppress(NotFound):  # forgotten since
            if (trajectory := store.get(trajectory_id)).stop is None:
                return trajectory
    for trajectory in store.recent(_LOOKED_AT, notebook) if notebook else ():
        if trajectory.stop is None:
            return trajectory
    if session.last is not None:
        ended = (
            f"Task {session.last.id} has ended ({_end(store.get(session.last.id))}), and no other is open."
        )
        raise UsageError(f"{ended} Hand on a new one with %%metaclaw.")
    raise UsageError("No task is open in this session: name one by its id, or begin one with %%metaclaw.")


def _say(session: KernelSession, trajectory: Trajectory, kind: FeedbackKind, reason: str) -> None:
    """Keep the feedback and the user's score. An open task ends with it."""
    from metaclaw_jlab.agent.rollout import conclude
    from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
    from metaclaw_jlab.core.trajectory import Purpose, StopReason
    from metaclaw_jlab.inspection.feedback import SAID_SO, say, user_score

    praised = kind is FeedbackKind.GOOD
    if trajectory.stop is not None or trajectory.purpose is Purpose.PROXY:
        said = say(session.workspace(), trajectory.id, kind, reason)
        session.ended(dataclasses.replace(trajectory, score=said.score))
        return
    score = user_score(kind, reason)
    # Before the end, so that whoever learns from it has what was said too.
    session.feedbacks().add(Feedback(trajectory.id, kind, reason))
    stop = StopReason.REJECTED if kind is FeedbackKind.REJECTED else StopReason.CANCELLED
    rollout = session.without_policy(trajectory, session.reporter())
    scored = dataclasses.replace(trajectory, score=score)
    conclude(scored, StopReason.DONE if praised else stop, reason or SAID_SO, rollout)


def _noted(trajectory: Trajectory, word: str) -> str:
    teaches = "" if trajectory.learn else " Learning was off when it began, so it teaches nothing."
    return f"MetaClaw: task {trajectory.id} is noted as {word}.{teaches}"


def _end(trajectory: Trajectory) -> str:
    from metaclaw_jlab.inspection.why import STOPS

    return STOPS[trajectory.stop] if trajectory.stop else "open"

"""Links the cells that a user runs to the proposals behind them, and takes their outcomes down.

Cells that can be no proposal pass with one look. Whatever goes wrong here is told in a line and never reaches the cell.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.jupyter.kernel.likeness import Doubt, Proposals
from metaclaw_jlab.jupyter.kernel.proposed_cell import (
    Mark,
    code_of,
    does_nothing,
    marks_in,
    parses,
    same_code,
)

if TYPE_CHECKING:
    from metaclaw_jlab.core.trajectory import Observation, Trajectory
    from metaclaw_jlab.jupyter.kernel.capture import Capture
    from metaclaw_jlab.jupyter.kernel.session import KernelSession

logger = logging.getLogger(__name__)

_INTERRUPTED = (KeyboardInterrupt, asyncio.CancelledError)


@dataclass(slots=True)
class _Watched:
    """A cell under way that may be a proposal. `inner` is the last cell that ran inside it."""

    code: str
    mark: Mark
    marked: bool
    capture: Capture
    thread: int
    inner: Any = None


class Linking:
    """Watches the cells of one session. `proposals` are those that it waits for."""

    def __init__(self, session: KernelSession) -> None:
        self.proposals = Proposals()
        self._session = session
        self._watched: _Watched | None = None
        self._depth = 0
        self._told: set[tuple[str, object]] = set()

    def before(self, info: Any) -> None:
        """A cell is about to run."""
        if self._watched is not None:
            self._depth += self._watched.thread == threading.get_ident()
        elif self.proposals or "metaclaw:" in info.raw_cell:
            try:
                self._watched = self._watch(info.raw_cell)
            except Exception as error:  # noqa: BLE001 - the user's cell comes first
                self._tell_failure(error)

    def after(self, result: Any) -> None:
        """A cell has run; `result` is None where it was cut off."""
        watched = self._watched
        if watched is None or watched.thread != threading.get_ident():
            return
        if result is not None and not result.info.raw_cell.strip():
            return  # an empty cell inside this one: its beginning is not told
        if self._depth:
            self._depth -= 1
            watched.inner = result
            return
        self._watched = None
        try:
            watched.capture.stop()
            self._take_in(watched, result)
        except KeyboardInterrupt:
            self._session.reporter().note("MetaClaw: stopped by the user · %metaclaw why")
        except Exception as error:  # noqa: BLE001 - the user's cell comes first
            self._tell_failure(error)

    def _watch(self, source: str) -> _Watched | None:
        if threading.current_thread() is not threading.main_thread():
            return None
        marks, code = marks_in(source), code_of(source)
        if len(marks) > 1:
            self._could_not_tell(code, "it has the marks of several proposals")
            return None
        mark: Mark | Doubt | None = marks[0] if marks else None
        if mark is None and not source.lstrip().startswith(("%metaclaw", "%%metaclaw")):
            mark = self.proposals.source_of(code, self._session.shell.transform_cell)
        if isinstance(mark, Doubt):
            self._could_not_tell(code, "it is like more than one of them, and has no mark")
        if not isinstance(mark, Mark):
            return None
        from metaclaw_jlab.jupyter.kernel.capture import Capture

        chars = self._session.workspace().settings().agent.observation_chars
        capture = Capture(self._session.shell, chars)
        capture.start()
        return _Watched(code, mark, bool(marks), capture, threading.get_ident())

    def _take_in(self, watched: _Watched, result: Any) -> None:
        """Close the step with its outcome, if it waits for one and there is one."""
        from metaclaw_jlab.core.errors import NotFound

        mark, session = watched.mark, self._session
        try:
            trajectory = session.workspace().trajectories().get(mark.trajectory)
        except NotFound:
            self.proposals.settle(mark)
            self._say_once(
                "unknown", mark, f"no task {mark.trajectory} is known here: this run is linked to none"
            )
            return
        session.recall()
        if (known := _known_outcome(trajectory, mark)) is not None:
            self.proposals.settle(mark)
            self._say_once("known", mark, f"{known}: this run changes nothing")
            return
        transform = session.shell.transform_cell
        same = same_code(watched.code, trajectory.steps[mark.position].action, transform)
        observation = _observation(watched, result)
        broken = not same and not parses(watched.code, transform)
        if observation is None or broken or does_nothing(watched.code, transform):
            why = "it was interrupted" if observation is None else "no code was run"
            session.reporter().note(f"MetaClaw: {why}, so its step is still open · run the cell again")
            return
        self._close_step(watched, trajectory, observation, None if same else watched.code)

    def _close_step(
        self, watched: _Watched, trajectory: Trajectory, observation: Observation, ran: str | None
    ) -> None:
        from metaclaw_jlab.agent.rollout import observe
        from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
        from metaclaw_jlab.jupyter.kernel.cell import failed
        from metaclaw_jlab.jupyter.kernel.task_line import task_line

        session, reporter = self._session, self._session.reporter()
        self.proposals.settle(watched.mark, ran)
        if ran is not None:
            # Before the end, so that whoever learns from it has the edit too.
            session.feedbacks().add(Feedback(trajectory.id, FeedbackKind.EDITED, ran, time.time()))
        trajectory = observe(trajectory, observation, session.without_policy(trajectory, reporter), ran=ran)
        session.last = trajectory
        more = [] if ran is None else ["as you edited it"]
        more += [] if watched.marked else ["known by its likeness, for its mark is gone"]
        reporter.line(task_line(trajectory, session.workspace().home.id, *more))
        session.tell_if_out_of_its_depth(trajectory, reporter)
        if failed(trajectory) or (ran is not None and trajectory.stop is not None):
            session.watch_learning(trajectory, reporter)

    def _could_not_tell(self, code: str, why: str) -> None:
        self._say_once(
            "doubt", code, f"could not tell which proposal this cell is ({why}): nothing is recorded"
        )

    def _say_once(self, kind: str, about: object, sentence: str) -> None:
        if (kind, about) not in self._told:
            self._told.add((kind, about))
            self._session.reporter().note(f"MetaClaw: {sentence}")

    def _tell_failure(self, error: Exception) -> None:
        from metaclaw_jlab.core.errors import MetaclawError

        logger.warning("A cell could not be linked to its proposal.", exc_info=error)
        cause = error if isinstance(error, MetaclawError) else f"{type(error).__name__}: {error}"
        self._session.reporter().note(f"MetaClaw: this run could not be recorded. {cause}")


def _known_outcome(trajectory: Trajectory, mark: Mark) -> str | None:
    """Why this cell's outcome is not waited for; None where it is."""
    from metaclaw_jlab.inspection.why import STOPS

    if mark.position >= len(trajectory.steps):
        return f"task {trajectory.id} has no step {mark.position + 1}"
    if trajectory.steps[mark.position].observation is not None:
        return "the outcome of this cell was recorded when it ran first"
    if trajectory.stop is not None:
        return f"the task of this cell has ended ({STOPS[trajectory.stop]})"
    return None


def _observation(watched: _Watched, result: Any) -> Observation | None:
    """What the cell did; None where it was cut off."""
    if result is None:
        return None
    inner = watched.inner
    if result.success and inner is not None and code_of(inner.info.raw_cell) == watched.code:
        result = inner  # a magic around the code keeps its errors to itself
    error = result.error_before_exec or result.error_in_exec
    if isinstance(error, _INTERRUPTED):
        return None
    return watched.capture.observation(result.result, error)

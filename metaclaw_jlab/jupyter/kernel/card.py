"""One line about the task that is under way, kept up to date in one place, which ends as the line about the task."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from metaclaw_jlab.inspection.lines import counted, plain, some

if TYPE_CHECKING:
    from metaclaw_jlab.core.trajectory import Step, Trajectory

UPDATE_SECONDS = 0.2
NAMES = 3
Later = Callable[[float, Callable[[], None]], Callable[[], None]]


def later(seconds: float, do: Callable[[], None]) -> Callable[[], None]:
    """Do it later, in a thread of its own; what is returned calls it off."""
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()
    return timer.cancel


class Card:
    """What a task is doing now. `show` gets one line, at most five times a second, never two threads at once.

    What changes in between is shown a little later, so that the line is never behind for long.
    """

    def __init__(
        self,
        show: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Later = later,
    ) -> None:
        self._show = show
        self._clock = clock
        self._later = later
        self._lock = threading.RLock()
        self._shown_at = float("-inf")
        self._call_off: Callable[[], None] | None = None
        self._ended = False
        self._doing = ""
        self._step = 0
        self._seen = False  # what the step did was seen: the next piece is of the next one
        self._tokens = 0
        self._under: tuple[str, ...] = ()

    def seeks(self) -> None:
        """Skills are looked for."""
        self._now("looking for skills")

    def begun(self, trajectory: Trajectory) -> None:
        """The task has begun, or goes on; its policy is asked."""
        skills = [skill.name for skill in trajectory.stamp.skills]
        self._under = (
            f"skills: {some(skills, NAMES)}" if skills else "no skill injected",
            f"g{trajectory.stamp.skill_generation}",
        )
        self._step = len(trajectory.steps) + 1
        self._now(f"asks {trajectory.stamp.model}")

    def piece(self) -> None:
        """A piece of the reply has come: a token or so."""
        self._tokens += 1
        self._step += self._seen
        self._seen = False
        self._now("writes")

    def runs(self, step: Step) -> None:
        """The code of a step is about to run."""
        self._now(f"runs {counted(len(step.action.splitlines()), 'line')} of code")

    def observed(self, step: Step) -> None:
        """The code of a step has run; the policy is asked again, where that was not the end."""
        self._step, self._seen = step.index + 1, True
        self._now("looks at what came of it")

    def end(self) -> None:
        """Show nothing more."""
        with self._lock:
            self._ended = True
            if self._call_off is not None:
                self._call_off()

    def _now(self, doing: str) -> None:
        with self._lock:
            self._doing = doing
            if self._ended or self._call_off is not None:
                return
            wait = UPDATE_SECONDS - (self._clock() - self._shown_at)
            if wait > 0:
                self._call_off = self._later(wait, self._catch_up)
            else:
                self._put()

    def _catch_up(self) -> None:
        with self._lock:
            self._call_off = None
            if not self._ended:
                self._put()

    def _put(self) -> None:
        self._shown_at = self._clock()
        self._show(self._line())

    def _line(self) -> str:
        step = [f"step {self._step}"] if self._step else []
        tokens = [f"about {counted(self._tokens, 'token')}"] if self._tokens else []
        line = " · ".join([f"MetaClaw: {self._doing}", *step, *tokens, *self._under])
        return plain(" ".join(line.split()))

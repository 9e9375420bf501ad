"""The user's own tasks go first: what else asks the same policy stops for them at once, and goes on after them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling


class Precedence:
    """Who goes first in one process. From any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._tasks = 0
        self._since = 0.0
        self._spent = 0.0

    @contextmanager
    def first(self) -> Iterator[None]:
        """A task of the user is being done."""
        with self._changed:
            if not self._tasks:
                self._since = self._clock()
            self._tasks += 1
        try:
            yield
        finally:
            with self._changed:
                self._tasks -= 1
                if not self._tasks:
                    self._spent += self._clock() - self._since
                    self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether a task of the user is being done."""
        with self._changed:
            return self._tasks > 0

    def clock(self) -> float:
        """Seconds that run only while no task of the user is done: what has time is measured by it."""
        with self._changed:
            return (self._since if self._tasks else self._clock()) - self._spent

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no task of the user is done; False where the time ended before."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._tasks, seconds)

    def yielding(self, policy: Policy) -> Policy:
        """The policy as it is asked beside the user's tasks."""
        return _Yielding(policy, self)


@dataclass(frozen=True, slots=True)
class _Yielding:
    """Asks only while no task of the user is done; an answer that one cut off is asked for again after it."""

    policy: Policy
    precedence: Precedence

    @property
    def model(self) -> str:
        return self.policy.model

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """As Policy.complete; `on_text` gets the answer in one piece."""
        while (completion := self._asked(messages, sampling)) is None:
            pass
        if on_text is not None:
            on_text(completion.text)
        return completion

    def _asked(self, messages: tuple[Message, ...], sampling: Sampling) -> Completion | None:
        cut_off = False

        def arrived(_: str) -> None:
            nonlocal cut_off
            if self.precedence.busy:
                cut_off = True
                raise InterruptedError

        self.precedence.wait()
        try:
            return self.policy.complete(messages, sampling, on_text=arrived)
        except InterruptedError:
            if cut_off:
                return None
            raise

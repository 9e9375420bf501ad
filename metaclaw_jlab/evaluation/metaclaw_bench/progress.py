"""How far a run of the benchmark is, in a line, with the time that the rest may take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult, RoundResult


@dataclass
class Course:
    """Hears of rounds and days from any thread. `of`: rounds in all; `say` gets a line at the end of each day, and
    `show` one after each round, which the next line takes the place of."""

    of: int
    say: Callable[[str], None]
    show: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _done: int = 0
    _ran: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def round(self, arm: str, result: RoundResult) -> None:
        """A round that was run."""
        with self._lock:
            self._done += 1
            self._ran += 1
            self.show(f"{arm} {result.round}: {'right' if result.right else 'wrong'} · {self._rest()}")

    def day(self, arm: str, result: DayResult, ran: bool) -> None:
        """A day that is over: run now, or kept from before."""
        with self._lock:
            if not ran:
                self._done += len(result.rounds)
            right = sum(one.right for one in result.rounds)
            before = "" if ran else ", kept from before"
            self.say(f"{arm} {result.day}: {right} of {len(result.rounds)} right{before} · {self._rest()}")

    def _rest(self) -> str:
        far = f"{self._done} of {self.of} rounds"
        if not self._ran or self._done >= self.of:
            return far
        seconds = (self.clock() - self._began) / self._ran * (self.of - self._done)
        return f"{far}, about {_span(seconds)} left"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"

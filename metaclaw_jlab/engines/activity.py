"""What is under way in a server, and since when nothing is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Activity:
    """Counts requests. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._under_way = 0
        self._last = clock()

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request, from its arrival to its end."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._last = self._clock()

    @property
    def under_way(self) -> int:
        """How many requests have not ended."""
        return self._under_way

    def idle_seconds(self) -> float:
        """Seconds since the last request ended; 0 while one is under way."""
        return 0.0 if self._under_way else self._clock() - self._last

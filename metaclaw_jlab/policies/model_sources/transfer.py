"""A file on its way to this machine: what is wanted, how far it is, and what every source can do."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from metaclaw_jlab.core.errors import FetchStopped

CHUNK = 1 << 20
REPORT_SECONDS = 0.25
RATE_SECONDS = 10.0

Stage = Literal["waiting", "fetching", "making", "checking"]


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file of a model: its path within the model's folder, bytes and hashes as far as they are known.

    `blob` is git's hash of it, which the hub tells for small files where it has no SHA-256.
    """

    name: str
    size: int | None = None
    sha256: str | None = None
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is: bytes, bytes a second, seconds left; None where it is not known."""

    stage: Stage
    source: str
    done: int
    total: int | None
    rate: float | None
    remaining: float | None


class Source(Protocol):
    """A way to get a file. `room`: bytes that it takes on the disk meanwhile, beside the file."""

    @property
    def name(self) -> str:
        """As people call it."""
        ...

    @property
    def room(self) -> int:
        """Bytes."""
        ...

    def fetch(self, file: WantedFile, draft: Path, meter: Meter) -> None:
        """Go on with `draft`, whose bytes are the beginning of the file. Raises FetchFailed, FetchStopped, OSError."""
        ...


class Meter:
    """Counts the bytes of a model, tells of them now and then, and stops the fetch where `cancelled` says so."""

    def __init__(
        self,
        total: int | None,
        report: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self.source = ""
        self.stage: Stage = "fetching"
        self._report = report
        self._cancelled = cancelled
        self._clock = clock
        self._before = 0
        self._done = 0
        self._told: float | None = None
        self._seen: deque[tuple[float, int]] = deque()

    def begin(self, stage: Stage, source: str, before: int) -> None:
        """From now on bytes are counted from `before`, which other files of the model have already."""
        self.stage, self.source, self._before, self._done = stage, source, before, before
        self._told = None
        self._seen.clear()

    def at(self, done: int) -> None:
        """So many bytes of the current file are here. Raises FetchStopped."""
        if self._cancelled is not None and self._cancelled():
            raise FetchStopped(
                "The fetch was stopped; what has arrived is kept.", "Ask for it again and it goes on."
            )
        now = self._clock()
        self._done = max(self._done, self._before + done)
        if not self._seen or now - self._seen[-1][0] >= REPORT_SECONDS:
            self._seen.append((now, self._done))
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        if self._report is None or (self._told is not None and now - self._told < REPORT_SECONDS):
            return
        self._told = now
        rate = self._rate()
        left = (self.total - self._done) / rate if rate and self.total is not None else None
        self._report(Progress(self.stage, self.source, self._done, self.total, rate, left and max(0.0, left)))

    def _rate(self) -> float | None:
        (first, begun), (last, done) = self._seen[0], self._seen[-1]
        return (done - begun) / (last - first) if last > first and done > begun else None

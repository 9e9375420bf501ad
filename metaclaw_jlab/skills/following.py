"""Keeps vectors in step with a library that changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.dense import DenseRetriever

_CLOSE_SECONDS = 30.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Library:
    """The skills that may be found, of those that were given, with the texts of tasks that they served."""

    skills: tuple[Skill, ...]
    texts: Mapping[str, Sequence[str]]
    given: tuple[Skill, ...] = ()

    @property
    def size(self) -> int:
        """How many texts are indexed of it."""
        return len(self.skills) + sum(map(len, self.texts.values()))


class Following:
    """A dense retriever that follows a library on a thread of its own where there is more to embed than a little."""

    def __init__(self, retriever: DenseRetriever, *, at_once: int, close: Callable[[], None]) -> None:
        self.retriever = retriever
        self._at_once = at_once
        self._close = close
        self._change = threading.Condition()
        self._wanted: Library | None = None
        self._held: Library | None = None
        self._error: MetaclawError | None = None
        self._running = False

    def follow(self, library: Library, seconds: float) -> None:
        """Take up a library. Waits at most `seconds` for a new one; raises what went wrong since the last time."""
        with self._change:
            if self._held is library:
                return
            seconds = 0.0 if self._running and self._wanted is library else seconds
            self._wanted = library
            if library.size <= self._at_once and not self._running:
                self.retriever.synchronise(library.skills, library.texts)
                self._held = library
                return
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="metaclaw-vectors", daemon=True).start()
            self._change.wait_for(lambda: self._held is library or self._error is not None, seconds)
            error, self._error = self._error, None
        if error is not None:
            raise error

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is being embedded; whether that is so."""
        with self._change:
            return self._change.wait_for(lambda: not self._running, seconds)

    def close(self) -> None:
        """Give back what was opened, and wait a little for what is being written."""
        with self._change:
            self._wanted = self._held
        self._close()
        self.settle(_CLOSE_SECONDS)

    def _run(self) -> None:
        while True:
            with self._change:
                wanted = self._wanted
                if wanted is None or wanted is self._held:
                    self._running = False
                    self._change.notify_all()
                    return
            error = self._synchronised(wanted)
            with self._change:
                if error is not None:
                    self._error, self._wanted = error, self._held
                else:
                    self._held = wanted
                self._change.notify_all()

    def _synchronised(self, wanted: Library) -> MetaclawError | None:
        try:
            self.retriever.synchronise(wanted.skills, wanted.texts)
        except MetaclawError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the thread's boundary
            _log.exception("Vectors could not be made.")
            return MetaclawError(f"Vectors could not be made ({type(error).__name__}).", "See the log.")
        return None

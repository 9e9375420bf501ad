"""Retrieval by words over a library that changes: a large index is rebuilt beside, and what is newer is scanned."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.retrieval import BM25Retriever, FreshScan, ranked
from metaclaw_jlab.skills.words import clause_words

SMALL = 1000  # documents that are indexed anew in some 20 ms
_log = logging.getLogger(__name__)

Texts = Mapping[str, Sequence[str]]


def _beside(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="metaclaw-index", daemon=True).start()


@dataclass(frozen=True, slots=True)
class _Library:
    """What is to be found."""

    skills: tuple[Skill, ...]
    texts: Texts
    threshold: float

    def entries(self) -> dict[str, tuple[Skill, tuple[str, ...]]]:
        return {skill.name: (skill, tuple(self.texts.get(skill.name, ()))) for skill in self.skills}

    def index(self) -> BM25Retriever:
        return BM25Retriever(self.skills, self.threshold, self.texts)


@dataclass(frozen=True, slots=True)
class _Searched:
    """An index, which of its skills are still there (None: all), and a scan of those that it does not have."""

    index: BM25Retriever
    valid: Any | None = None
    fresh: FreshScan | None = None

    def search(self, query: str, limit: int, threshold: float) -> tuple[Match, ...]:
        if self.fresh is None:
            return self.index.search(query, limit)
        skills = (*self.index.skills, *self.fresh.skills)
        clauses = clause_words(query) if skills and limit > 0 else []
        return ranked(skills, map(self._relevances, clauses), threshold, limit)

    def _relevances(self, clause: Sequence[str]) -> Any:
        import numpy as np

        assert self.fresh is not None
        return np.concatenate((self.index.relevances(clause) * self.valid, self.fresh.relevances(clause)))


class LiveIndex:
    """Finds the skills of the last `update`, at once. Up to `small` documents are indexed anew then and there.

    A larger library is indexed on the thread that `beside` starts; until that is done changed skills are scanned under
    the statistics of the old index, and those that are gone are not found.
    """

    def __init__(self, *, small: int = SMALL, beside: Callable[[Callable[[], None]], None] = _beside) -> None:
        self._small = small
        self._beside = beside
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._wanted = _Library((), {}, 0.0)
        self._indexed = self._wanted
        self._searched = _Searched(self._wanted.index())
        self._building = False

    def update(self, skills: Iterable[Skill], texts: Texts, threshold: float) -> None:
        """Take up a library; the first large one is indexed before this returns."""
        wanted = _Library(tuple(skills), texts, threshold)
        documents = len(wanted.skills) + sum(map(len, texts.values()))
        with self._lock:
            self._wanted = wanted
            if documents <= self._small or not self._indexed.skills or threshold != self._indexed.threshold:
                self._indexed, self._searched = wanted, _Searched(wanted.index())
                return
            self._searched = self._overlaid()
            if self._building or self._searched.fresh is None:
                return
            self._building = True
        self._beside(self._rebuild)

    def search(self, query: str, limit: int) -> tuple[Match, ...]:
        """As `BM25Retriever.search`."""
        return self._searched.search(query, limit, self._wanted.threshold)

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is being rebuilt; whether that is so."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._building, seconds)

    def _overlaid(self) -> _Searched:
        """The index that there is, with what has changed since put over it."""
        import numpy as np

        index = self._searched.index
        had, have = self._indexed.entries(), self._wanted.entries()
        valid = np.array([have.get(skill.name) == had[skill.name] for skill in index.skills], dtype=bool)
        fresh = [skill for skill in self._wanted.skills if had.get(skill.name) != have[skill.name]]
        if not fresh and valid.all():
            return _Searched(index)
        texts = {skill.name: have[skill.name][1] for skill in fresh}
        scan = FreshScan(fresh, self._wanted.threshold, texts, index.statistics())
        return _Searched(index, valid, scan)

    def _rebuild(self) -> None:
        try:
            while not self._take_up(self._wanted):
                pass
        except Exception:  # noqa: BLE001 - the thread's boundary; the old index with its scan goes on
            _log.exception("The index of skills could not be rebuilt.")
            with self._idle:
                self._stopped()

    def _take_up(self, wanted: _Library) -> bool:
        """Index a library; whether it is still the last one."""
        index = wanted.index()
        with self._idle:
            if self._wanted.threshold == wanted.threshold:
                self._indexed, self._searched = wanted, _Searched(index)
                self._searched = self._overlaid()
            if self._searched.fresh is not None:
                return False
            self._stopped()
            return True

    def _stopped(self) -> None:
        self._building = False
        self._idle.notify_all()

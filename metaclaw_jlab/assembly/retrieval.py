"""What a workspace finds skills with: words, and vectors where they have earned a weight."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.host import ask, published
from metaclaw_jlab.skills.following import Library
from metaclaw_jlab.skills.live_index import LiveIndex

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.config import SkillSettings
    from metaclaw_jlab.skills.dense import DenseRetriever
    from metaclaw_jlab.skills.following import Following

SCANNED_TEXTS = 2000  # as many vectors are scanned in less than a millisecond; an index takes two
HOST_SECONDS = 0.3
CATCH_UP_SECONDS = 0.1
PAUSE_SECONDS = 60.0
_ASKED_CHARS, _ASKED_SKILLS = 100_000, 50  # what the host takes
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The dense part's weight, and the likeness under which it finds nothing."""

    weight: float
    likeness: float


# Chosen on validation queries by benchmarks/retrieval_fusion.py, for `model` with all-MiniLM-L6-v2. No endpoint was
# measured: there vectors count only where the user gives them a weight.
VALIDATED: Mapping[str, Calibration] = {
    "shipped": Calibration(0.5, 0.3),
    "model": Calibration(0.1, 0.3),
    "endpoint": Calibration(0.0, 0.3),
}


def search(workspace: Workspace, query: str, limit: int) -> tuple[Match, ...]:
    """At most `limit` skills of the current generation that bear on a query, the best first; none where none does."""
    return workspace.retrieval().search(workspace.synchronised().skills, query, limit)


def dense_weight(wanted: SkillSettings) -> float:
    """The share of vectors in retrieval: as it is set, else as it was validated."""
    return VALIDATED[wanted.embedder].weight if wanted.dense_weight is None else wanted.dense_weight


class Retrieval:
    """Finds skills for one workspace; it may be used from several threads.

    Where vectors have a weight, those of a library of ordinary size and the shipped embedder are scanned, which is
    exact and faster than any index. Of a larger one the home's host is asked, which has them in Chroma. Who finds no
    host scans the shipped embedder's vectors, or goes by words alone where another embedder is configured: a kernel
    neither loads a model for this nor sends a whole library to an endpoint. What goes wrong with vectors is logged, and
    words go on alone for a minute.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        clock: Callable[[], float] = time.monotonic,
        catch_up_seconds: float = CATCH_UP_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._clock = clock
        self._catch_up_seconds = catch_up_seconds
        self._lock = threading.RLock()
        self._lexical = LiveIndex()
        self._library: tuple[tuple[int, float | None, frozenset[str]], Library] | None = None
        self._read_at = 0.0
        self._dense: tuple[object, Following | None] = (None, None)
        self._scan: Following | None = None
        self._silent_until = 0.0  # the host
        self._paused_until = 0.0  # the dense part

    def search(
        self,
        skills: tuple[Skill, ...],
        query: str,
        limit: int,
        *,
        seconds_old: float = 0.0,
        by_words: bool = False,
    ) -> tuple[Match, ...]:
        """At most `limit` of these skills, the best first, none under the thresholds. What the store says of them may
        have been read so long ago. `by_words`: no vectors, whatever their weight is."""
        from metaclaw_jlab.skills.fusion import HybridRetriever

        wanted = self._workspace.settings().skills
        library = self._known(skills, wanted.threshold, seconds_old)
        if library is None:
            library = self._take_up(skills, wanted.threshold)
        weight = 0.0 if by_words else dense_weight(wanted)
        if weight == 0 or limit < 1 or not library.skills:
            return self._lexical.search(query, limit)
        small = wanted.embedder == "shipped" and not wanted.chroma_url and library.size <= SCANNED_TEXTS
        host = None if small else self._asked(library, query, limit)
        if host is not None:
            return host
        try:
            dense = self._scanned(library, wanted) if small else self._followed(library, wanted)
            if dense is not None:
                likeness = VALIDATED[wanted.embedder].likeness
                return HybridRetriever(self._lexical, dense, weight, likeness).search(query, limit)
        except MetaclawError as error:
            self._pause(error)
        return self._lexical.search(query, limit)

    def close(self) -> None:
        """Let go of vectors and lease."""
        with self._lock:
            opened = self._dense[1]
            self._dense = (None, None)
        if opened is not None:
            opened.close()

    def _known(
        self, skills: tuple[Skill, ...], threshold: float | None, seconds_old: float
    ) -> Library | None:
        """The library of these skills, where it was read no longer ago."""
        with self._lock:
            if self._library is None or self._clock() - self._read_at >= seconds_old:
                return None
            (_, kept, _), library = self._library
            return library if library.given is skills and kept == threshold else None

    def _take_up(self, skills: tuple[Skill, ...], threshold: float | None) -> Library:
        """The library of these skills as the store stands, indexed by words."""
        from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD
        from metaclaw_jlab.store.index_texts import IndexTexts
        from metaclaw_jlab.store.marks import Mark, Marks

        database = self._workspace.database()
        store = IndexTexts(database)
        marks = Marks(database).all()
        out = frozenset(name for name, found in marks.items() if Mark.QUARANTINED in found)
        state = (store.version(), threshold, out)
        with self._lock:
            self._read_at = self._clock()
            if self._library is not None:
                known, library = self._library
                if known == state and library.given is skills:
                    return library
            texts = {name: tuple(entry.text for entry in found) for name, found in store.of_all().items()}
            active = tuple(skill for skill in skills if skill.name not in out)
            library = Library(active, {s.name: texts[s.name] for s in active if s.name in texts}, skills)
            self._lexical.update(
                library.skills, library.texts, DEFAULT_THRESHOLD if threshold is None else threshold
            )
            self._library = (state, library)
            return library

    def _asked(self, library: Library, query: str, limit: int) -> tuple[Match, ...] | None:
        """What the host finds. None where there is none but this process, or it has another library.

        It is not asked of a namespace, since its route answers for the home itself, nor where settings of retrieval
        hold for this session alone.
        """
        home = self._workspace.home
        own = any(name.startswith("skills.") for name in self._workspace.overrides)
        if own or home.namespace or self._clock() < self._silent_until:
            return None
        host = published(home)
        if host is None or host.pid == os.getpid():
            return None
        body = {"text": query[:_ASKED_CHARS], "limit": min(limit, _ASKED_SKILLS)}
        answer = ask(home, "retrieve", body, seconds=HOST_SECONDS)
        if answer is None:
            self._silent_until = self._clock() + PAUSE_SECONDS
        return matches(answer, library.skills)

    def _followed(self, library: Library, wanted: SkillSettings) -> DenseRetriever | None:
        """The dense part with this library, as far as it has come; None where there is none here."""
        if self._clock() < self._paused_until:
            return None
        from metaclaw_jlab.assembly.vectors import open_dense

        owner = self._is_host()
        chosen = (owner, wanted.embedder, wanted.embedder_model, wanted.embedder_url, wanted.chroma_url)
        with self._lock:
            known, dense = self._dense
            if known != chosen:
                if dense is not None:
                    dense.close()
                dense = open_dense(self._workspace, wanted, owner)
                self._dense = (chosen, dense)
        if dense is None:
            return None
        dense.follow(library, self._catch_up_seconds)
        return dense.retriever

    def _scanned(self, library: Library, wanted: SkillSettings) -> DenseRetriever | None:
        """An exact scan; None for a while after something went wrong."""
        from metaclaw_jlab.assembly.vectors import open_dense

        if self._clock() < self._paused_until:
            return None
        with self._lock:
            if self._scan is None:
                self._scan = open_dense(self._workspace, wanted, owner=False)
        if self._scan is None:
            return None
        self._scan.follow(library, self._catch_up_seconds)
        return self._scan.retriever

    def _is_host(self) -> bool:
        """Whether this process is the home's active host, which owns the vectors of its namespaces too."""
        host = published(Home(self._workspace.home.root))
        return host is not None and host.pid == os.getpid()

    def _pause(self, error: MetaclawError) -> None:
        self._paused_until = self._clock() + PAUSE_SECONDS
        _log.warning("Skills are found by words alone for a while. %s", error)


def matches(answer: object, skills: Sequence[Skill]) -> tuple[Match, ...] | None:
    """The host's answer in terms of one's own skills; None where it is none, or speaks of other skills."""
    by_hash = {skill.name: skill for skill in skills}
    try:
        found = answer["skills"]  # type: ignore[index]
        named = [(by_hash[item["name"]], item["sha256"], float(item["relevance"])) for item in found]
    except (KeyError, TypeError, ValueError):
        return None
    if any(skill.sha256 != sha256 for skill, sha256, _ in named):
        return None
    return tuple(Match(skill, relevance) for skill, _, relevance in named)

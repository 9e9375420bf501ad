"""Finds skills by vectors: what a skill says is one text, each text of a task that it served is another."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from metaclaw_jlab.core.embedder import Embedder
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.words import clauses

_SERVED_PER_MATCH = 4  # several of the nearest texts may be one skill's
_FEWEST_NEIGHBOURS = 16


class Vectors(Protocol):
    """Holds the vectors of texts, by ids that are the texts' own hashes."""

    @property
    def embedder(self) -> Embedder:
        """What embeds the texts, and queries for them."""

    def synchronise(self, texts: Mapping[str, str]) -> int:
        """Hold these texts and no others; how many had to be embedded. Raises EmbedderError."""

    def search(self, vectors: Sequence[Sequence[float]], limit: int) -> list[list[tuple[str, float]]]:
        """For each vector the ids of the nearest texts and their cosine similarities, the best first."""


class DenseRetriever:
    """Skills by the likeness of their nearest text to a clause of the query, none under the threshold.

    A text is known by its hash: where one skill changes, one text is embedded. `synchronise` may run on another thread
    than `search`, which meanwhile finds what was there before.
    """

    def __init__(self, vectors: Vectors, threshold: float = -1.0) -> None:
        self.threshold = threshold
        self._vectors = vectors
        self._lock = threading.Lock()
        self._holders: Mapping[str, tuple[Skill, ...]] = {}

    def synchronise(self, skills: Iterable[Skill], texts: Mapping[str, Sequence[str]] | None = None) -> int:
        """Hold these skills with the texts of tasks that they served; how many texts were embedded."""
        wanted: dict[str, str] = {}
        holders: dict[str, tuple[Skill, ...]] = {}
        for skill in skills:
            for text in dict.fromkeys((spoken(skill), *(texts or {}).get(skill.name, ()))):
                key = text_id(text)
                wanted[key] = text
                holders[key] = (*holders.get(key, ()), skill)
        with self._lock:
            embedded = self._vectors.synchronise(wanted)
            self._holders = holders
        return embedded

    def search(self, query: str, limit: int) -> tuple[Match, ...]:
        """At most `limit` skills; `relevance` is a cosine similarity. Raises EmbedderError."""
        asked = clauses(query)
        holders = self._holders
        if limit < 1 or not asked or not holders:
            return ()
        parts = asked if len(asked) == 1 else [query, *asked]
        vectors = self._vectors.embedder.embed(parts)
        found: dict[str, tuple[float, Skill]] = {}
        neighbours = max(_FEWEST_NEIGHBOURS, _SERVED_PER_MATCH * limit)
        for nearest in self._vectors.search(vectors, neighbours):
            for key, likeness in nearest:
                for skill in holders.get(key, ()):
                    if likeness >= self.threshold and likeness > found.get(skill.name, (-2.0, skill))[0]:
                        found[skill.name] = (likeness, skill)
        order = sorted(found, key=lambda name: (-found[name][0], name))
        return tuple(Match(found[name][1], found[name][0]) for name in order[:limit])


def spoken(skill: Skill) -> str:
    """What is indexed of a skill itself: its name, description and body."""
    return f"{skill.name}\n{skill.description}\n{skill.body}"


def text_id(text: str) -> str:
    """The id of a text: a hash of it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

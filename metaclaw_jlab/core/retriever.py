"""What a retriever is: something that finds the skills that bear on a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from metaclaw_jlab.core.skill import Skill


@dataclass(frozen=True, slots=True)
class Match:
    """A skill that was found, and its relevance to the query (higher is better, scale of the retriever's own)."""

    skill: Skill
    relevance: float


class Retriever(Protocol):
    """Finds skills for a query."""

    def search(self, query: str, limit: int) -> tuple[Match, ...]:
        """At most `limit` matches, best first, none under the abstain threshold."""

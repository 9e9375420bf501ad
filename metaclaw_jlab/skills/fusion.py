"""Retrieval by words and by vectors together: two rankings, fused by reciprocal rank."""

from __future__ import annotations

from collections.abc import Sequence

from metaclaw_jlab.core.retriever import Match, Retriever

CANDIDATES = 24  # of each; what both place further back is in no prompt
_RANK_OFFSET = 60  # Cormack, Clarke and Buettcher 2009


class HybridRetriever:
    """Asks two retrievers. `weight` is the share of the dense one, from 0 (words alone) to 1 (vectors alone).

    The dense one ranks without a threshold: what words found is not to fall behind because it is no near neighbour. But
    what vectors alone find is left out under the `likeness`; so where both abstain nothing is found.
    """

    def __init__(self, lexical: Retriever, dense: Retriever, weight: float, likeness: float) -> None:
        self.lexical = lexical
        self.dense = dense
        self.weight = weight
        self.likeness = likeness

    def search(self, query: str, limit: int) -> tuple[Match, ...]:
        """At most `limit` matches. `relevance` is 1 for what is first in both. Raises EmbedderError."""
        wanted = max(limit, CANDIDATES) if 0 < self.weight < 1 else limit
        lexical = self.lexical.search(query, wanted) if self.weight < 1 else ()
        dense = self.dense.search(query, wanted) if self.weight > 0 else ()
        return fuse_admitted(lexical, dense, self.weight, self.likeness)[:limit]


def fuse_admitted(
    lexical: Sequence[Match], dense: Sequence[Match], weight: float, likeness: float
) -> tuple[Match, ...]:
    """`fuse` without what is in the dense ranking alone and under the likeness."""
    admitted = {match.skill.name for match in lexical}
    admitted |= {match.skill.name for match in dense if match.relevance >= likeness}
    return tuple(match for match in fuse(lexical, dense, weight) if match.skill.name in admitted)


def fuse(lexical: Sequence[Match], dense: Sequence[Match], weight: float) -> tuple[Match, ...]:
    """The union of two rankings of skills, by the weighted sum of their reciprocal ranks; of equals by name."""
    scores: dict[str, float] = {}
    skills = {match.skill.name: match.skill for match in (*dense, *lexical)}
    for share, matches in ((1 - weight, lexical), (weight, dense)):
        for rank, match in enumerate(matches):
            gained = share * (_RANK_OFFSET + 1) / (_RANK_OFFSET + 1 + rank)
            scores[match.skill.name] = scores.get(match.skill.name, 0.0) + gained
    order = sorted(scores, key=lambda name: (-scores[name], name))
    return tuple(Match(skills[name], scores[name]) for name in order if scores[name] > 0)

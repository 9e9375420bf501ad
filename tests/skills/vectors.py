"""An embedder whose vectors a test can foresee: a dimension for each of a few words."""

from __future__ import annotations

import math
from collections.abc import Sequence

WORDS = ("date", "plot", "price", "chart", "money", "day")


class WordVectors:
    """Counts of words, and a small constant; it keeps what it was asked for."""

    name = "words"
    dimensions = len(WORDS) + 1

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += texts
        return [self._vector(text.lower()) for text in texts]

    def _vector(self, text: str) -> list[float]:
        counts = [float(text.count(word)) for word in WORDS] + [0.1]
        norm = math.sqrt(sum(count * count for count in counts))
        return [count / norm for count in counts]

"""What an embedder is: something that maps texts to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Maps texts to vectors of length 1. Vectors of embedders with different names are never compared."""

    @property
    def name(self) -> str:
        """Which embedder, and which version of it."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text. Raises EmbedderError."""

"""The embedder that comes with the package: a row for each word and for its groups of letters, added up.

It needs numpy alone. `metaclaw practice embedder` makes its file; `shipped_embedder.md` beside it says from what.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import EmbedderError
from metaclaw_jlab.skills.words import words

FILE = Path(__file__).with_name("shipped_embedder.npz")
WORD_ROWS = 12_288
GROUP_ROWS = 8_192
_GROUPS = (3, 4, 5)
_MOST_WORDS = 400
_CACHED_WORDS = 2**15


class ShippedEmbedder:
    """Embeds with the file that `save_rows` wrote. Raises EmbedderError where that is missing or damaged."""

    def __init__(self, path: Path = FILE) -> None:
        self._path = path
        self._known: dict[str, Any] = {}

    @cached_property
    def _loaded(self) -> tuple[Any, str]:
        import numpy as np

        try:
            content = self._path.read_bytes()
            with np.load(self._path, allow_pickle=False) as file:
                rows = file["rows"].astype(np.float32) * file["scales"].astype(np.float32)[:, None]
        except (OSError, ValueError, KeyError, EOFError, zlib.error) as error:
            raise EmbedderError(
                f"The embedder's file {self._path.name} cannot be read ({type(error).__name__}).",
                f"Install the package again, or make it: metaclaw practice embedder --output {self._path}",
            ) from error
        if rows.ndim != 2 or len(rows) != WORD_ROWS + GROUP_ROWS:
            raise EmbedderError(
                f"The embedder's file {self._path.name} is of another version.",
                f"Make it again: metaclaw practice embedder --output {self._path}",
            )
        return rows, hashlib.sha256(content).hexdigest()

    @property
    def name(self) -> str:
        """`shipped-` and the beginning of its file's hash."""
        return f"shipped-{self._loaded[1][:12]}"

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._loaded[0].shape[1])

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text."""
        return [self._vector(text).tolist() for text in texts]

    def _vector(self, text: str) -> Any:
        import numpy as np

        total = np.sum([self._word(word) for word in telling_words(text)], axis=0)
        return total / max(float(np.linalg.norm(total)), 1e-9)

    def _word(self, word: str) -> Any:
        vector = self._known.get(word)
        if vector is None:
            rows = self._loaded[0]
            own, groups = word_rows(word)
            vector = rows[own] + rows[list(groups)].mean(axis=0)
            if len(self._known) >= _CACHED_WORDS:
                self._known.clear()
            self._known[word] = vector
        return vector


def telling_words(text: str) -> tuple[str, ...]:
    """The words of a text that are embedded, each once; an empty word where there is none."""
    return tuple(dict.fromkeys(words(text)))[:_MOST_WORDS] or ("",)


@lru_cache(_CACHED_WORDS)
def word_rows(word: str) -> tuple[int, tuple[int, ...]]:
    """The row of a word, and the rows of its groups of three to five letters."""
    marked = f"<{word}>"
    groups = {marked[at : at + size] for size in _GROUPS for at in range(max(1, len(marked) - size + 1))}
    return _hash(word) % WORD_ROWS, tuple(sorted(WORD_ROWS + _hash(group) % GROUP_ROWS for group in groups))


def save_rows(rows: Any, path: Path) -> None:
    """Write float rows as bytes with a scale each; the same rows make the same file."""
    import numpy as np

    scales = (np.abs(rows).max(axis=1) / 127).clip(min=1e-6).astype(np.float16)
    quantised = np.rint(rows / scales.astype(np.float32)[:, None]).clip(-127, 127).astype(np.int8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, rows=quantised, scales=scales)


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())

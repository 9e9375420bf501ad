"""An exact scan over the vectors of texts: every one is compared. It forgets with its process."""

from __future__ import annotations

import threading
from collections.abc import Container, Mapping, Sequence
from typing import Any

from metaclaw_jlab.core.embedder import Embedder

Neighbour = tuple[str, float]
_BATCH = 1024


class ExactScan:
    """Vectors of texts by their ids. It may be used from several threads; a search sees a whole state."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._lock = threading.Lock()
        self._state: tuple[tuple[str, ...], Any] = ((), None)

    def __len__(self) -> int:
        return len(self._state[0])

    def synchronise(self, texts: Mapping[str, str]) -> int:
        """Hold these texts and no others; how many had to be embedded. Raises EmbedderError."""
        held = set(self._state[0])
        new = [id_ for id_ in texts if id_ not in held]
        for at in range(0, len(new), _BATCH):
            batch = new[at : at + _BATCH]
            self.put(batch, self.embedder.embed([texts[id_] for id_ in batch]))
        self.keep(texts)
        return len(new)

    def put(self, ids: Sequence[str], vectors: Sequence[Sequence[float]]) -> None:
        """Add vectors, of length 1, under ids that are not there yet."""
        import numpy as np

        if not ids:
            return
        added = np.asarray(vectors, dtype=np.float32)
        with self._lock:
            held, matrix = self._state
            whole = added if matrix is None else np.concatenate((matrix, added))
            self._state = ((*held, *ids), whole)

    def keep(self, ids: Container[str]) -> None:
        """Remove all but these."""
        with self._lock:
            held, matrix = self._state
            places = [at for at, id_ in enumerate(held) if id_ in ids]
            if len(places) < len(held):
                left = tuple(held[at] for at in places)
                self._state = (left, matrix[places] if places else None)

    def search(self, vectors: Sequence[Sequence[float]], limit: int) -> list[list[Neighbour]]:
        """For each vector the ids of the nearest texts and their cosine similarities, the best first."""
        import numpy as np

        ids, matrix = self._state
        if not ids or limit < 1:
            return [[] for _ in vectors]
        scores = np.asarray(vectors, dtype=np.float32) @ matrix.T
        return [[(ids[at], float(row[at])) for at in _best(row, limit)] for row in scores]


def _best(scores: Any, limit: int) -> list[int]:
    """Places of the highest scores, the best first; of equal ones the earlier."""
    import numpy as np

    near = np.arange(len(scores))
    if limit < len(scores):
        near = np.argpartition(-scores, limit - 1)[:limit]
    order: list[int] = near[np.lexsort((near, -scores[near]))].tolist()
    return order

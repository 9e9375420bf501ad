"""Vectors of texts in Chroma: in a folder of which this process is the one owner, or on a `chroma run` server.

Two processes on one folder read stale vectors, so whoever opens a folder holds the home's lease for it.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from metaclaw_jlab.core.embedder import Embedder
from metaclaw_jlab.core.errors import MissingExtra, VectorsUnavailable
from metaclaw_jlab.skills.exact_scan import ExactScan, Neighbour

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

# With the default settings 2 % of the nearest of 100,000 vectors were missed, with these none.
_HNSW = {"space": "cosine", "ef_construction": 400, "ef_search": 400, "max_neighbors": 32}
_BATCH = 500
_log = logging.getLogger(__name__)


class ChromaVectors:
    """A collection for each home and embedder. What is not written yet is found by an exact scan meanwhile.

    `place` is a folder or the URL of a server, `owner` a home's id. It may be used from several threads; nothing is
    loaded or opened before the first call. Every method raises VectorsUnavailable, MissingExtra.
    """

    def __init__(self, embedder: Embedder, place: Path | str, owner: str) -> None:
        self.embedder = embedder
        self._place = place
        self._prefix = f"metaclaw-{owner[:32]}-"
        self._writing = threading.Lock()
        self._opening = threading.Lock()
        self._pending = ExactScan(embedder)
        self._closed = False

    def __len__(self) -> int:
        return len(self._ids) + len(self._pending)

    def synchronise(self, texts: Mapping[str, str]) -> int:
        """Hold these texts and no others; how many had to be embedded. Raises EmbedderError too."""
        with self._writing:
            gone = [id_ for id_ in self._ids if id_ not in texts]
            for at in range(0, len(gone), _BATCH):
                batch = gone[at : at + _BATCH]
                with self._explained():
                    self._collection.delete(ids=batch)
                self._ids.difference_update(batch)
            self._pending.keep(texts)
            new = [id_ for id_ in texts if id_ not in self._ids]
            for at in range(0, len(new), _BATCH):
                self._add(new[at : at + _BATCH], texts)
            return len(new)

    def _add(self, ids: Sequence[str], texts: Mapping[str, str]) -> None:
        vectors = self.embedder.embed([texts[id_] for id_ in ids])
        self._pending.put(ids, vectors)
        try:
            with self._explained():
                self._collection.upsert(ids=list(ids), embeddings=vectors)
            self._ids.update(ids)
        finally:
            self._pending.keep(())

    def search(self, vectors: Sequence[Sequence[float]], limit: int) -> list[list[Neighbour]]:
        """For each vector the ids of the nearest texts and their cosine similarities, the best first."""
        newer = self._pending.search(vectors, limit)
        count = min(limit, len(self._ids))
        if count < 1 or not vectors:
            return newer
        with self._explained():
            found = self._collection.query(
                query_embeddings=[list(vector) for vector in vectors], n_results=count, include=["distances"]
            )
        older = [
            [(id_, 1 - float(distance)) for id_, distance in zip(ids, distances, strict=True)]
            for ids, distances in zip(found["ids"], found["distances"], strict=True)
        ]
        return [_merged(one, other, limit) for one, other in zip(older, newer, strict=True)]

    def close(self) -> None:
        """Let go of the folder or server; what is being written ends after the texts that are under way."""
        self._closed = True
        with self._writing, self._opening:
            opened = self.__dict__.pop("_opened", None)
        if opened is not None and (close := getattr(opened[0], "close", None)) is not None:
            close()

    @property
    def _collection(self) -> Any:
        return self._open_once()[1]

    @property
    def _ids(self) -> set[str]:
        return self._open_once()[2]

    def _open_once(self) -> tuple[ClientAPI, Any, set[str]]:
        with self._opening:
            if self._closed:
                raise VectorsUnavailable("The vectors of this home are closed.", "Open the home again.")
            return self._opened

    @cached_property
    def _opened(self) -> tuple[ClientAPI, Any, set[str]]:
        try:
            import chromadb  # noqa: F401 - whether it is there
        except ImportError as error:
            raise MissingExtra("chromadb", "chroma") from error
        try:
            with self._explained():
                return self._open()
        except VectorsUnavailable as error:
            if isinstance(self._place, str) or not self._place.is_dir():
                raise
            # They can all be made again of the texts.
            _log.warning("The folder of vectors is damaged and is made again (%s).", error.__cause__)
            shutil.rmtree(self._place, ignore_errors=True)
        with self._explained():
            return self._open()

    def _open(self) -> tuple[ClientAPI, Any, set[str]]:
        client = open_client(_inner(self._place) if isinstance(self._place, Path) else self._place)
        configuration: Any = {"hnsw": _HNSW}
        name = f"{self._prefix}{self.embedder.name}"
        for other in client.list_collections():
            if other.name.startswith(self._prefix) and other.name != name:
                client.delete_collection(other.name)  # of another embedder
        collection = client.get_or_create_collection(
            name, configuration=configuration, embedding_function=None
        )
        return client, collection, set(collection.get(include=[])["ids"])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        import httpx
        from chromadb.errors import ChromaError

        try:
            yield
        except VectorsUnavailable:
            raise
        except (ChromaError, httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
            raise VectorsUnavailable(
                f"The vectors {self._where()} cannot be used ({type(error).__name__}: {error}).",
                "Look whether `chroma run` answers there, or unset skills.chroma_url."
                if isinstance(self._place, str)
                else "Look whether the home's folder runtime/vectors can be written; it may be deleted.",
            ) from error

    def _where(self) -> str:
        return f"at {self._place}" if isinstance(self._place, str) else "of this home"


def open_client(place: Path | str) -> ClientAPI:
    """A client of a folder or of a server's URL, which tells nobody that it is used."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if isinstance(place, Path):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return chromadb.PersistentClient(path=str(place), settings=settings)
    parts = urlsplit(place if "://" in place else f"http://{place}")
    secure = parts.scheme == "https"
    return chromadb.HttpClient(
        host=parts.hostname or "localhost",
        port=parts.port or (443 if secure else 8000),
        ssl=secure,
        settings=settings,
    )


def _inner(folder: Path) -> Path:
    """The one folder in a folder. A new one gets a name of its own: Chroma remembers those that it could not open."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = sorted(path for path in folder.iterdir() if path.is_dir())
    return there[0] if there else folder / secrets.token_hex(4)


def _merged(older: Sequence[Neighbour], newer: Sequence[Neighbour], limit: int) -> list[Neighbour]:
    found = {**dict(older), **dict(newer)}
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))[:limit] if newer else list(older)

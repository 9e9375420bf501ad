"""Where a workspace keeps its vectors, and what embeds texts for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import LeaseHeld, MissingExtra

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.config import SkillSettings
    from metaclaw_jlab.core.embedder import Embedder
    from metaclaw_jlab.skills.dense import Vectors
    from metaclaw_jlab.skills.following import Following

LEASE = "vectors"
FOLDER = "vectors"
AT_ONCE = 2000  # texts that the shipped embedder embeds in about a tenth of a second
_log = logging.getLogger(__name__)


def open_dense(workspace: Workspace, wanted: SkillSettings, owner: bool) -> Following | None:
    """The dense part for these settings; None for a process without vectors of its own. Raises MetaclawError."""
    from metaclaw_jlab.skills.dense import DenseRetriever
    from metaclaw_jlab.skills.following import Following

    if not owner and wanted.embedder != "shipped":
        return None
    embedder = _embedder(workspace, wanted)
    with ExitStack() as stack:
        vectors = _chroma(workspace, wanted, embedder, stack) if owner else None
        if vectors is None:
            from metaclaw_jlab.skills.exact_scan import ExactScan

            retriever = DenseRetriever(ExactScan(embedder))
            at_once = AT_ONCE if wanted.embedder == "shipped" else 0
            return Following(retriever, at_once=at_once, close=lambda: None)
        held = stack.pop_all()
    return Following(DenseRetriever(vectors), at_once=0, close=held.close)


def _chroma(
    workspace: Workspace, wanted: SkillSettings, embedder: Embedder, stack: ExitStack
) -> Vectors | None:
    """Chroma's vectors; None where it is not installed or another process has the folder open."""
    from importlib.util import find_spec

    if find_spec("chromadb") is None:
        _log.info("%s Vectors are kept in memory.", MissingExtra("chromadb", "chroma"))
        return None
    from metaclaw_jlab.engines.chroma import ChromaVectors
    from metaclaw_jlab.runtime.leases import lease

    home = workspace.home
    if not wanted.chroma_url:
        try:
            stack.enter_context(lease(home, LEASE))
        except LeaseHeld as error:
            _log.warning("The vectors of this home are not opened: %s", error)
            return None
    vectors = ChromaVectors(embedder, wanted.chroma_url or home.runtime / FOLDER, home.id)
    stack.callback(vectors.close)
    return vectors


def _embedder(workspace: Workspace, wanted: SkillSettings) -> Embedder:
    from metaclaw_jlab.engines.embedders import open_embedder

    embedder = open_embedder(wanted)
    if wanted.embedder != "endpoint":
        return embedder
    return RedactedEmbedder(embedder, workspace.known_secrets())


class RedactedEmbedder:
    """Takes secrets out of texts before another embedder, which may send them elsewhere, sees them."""

    def __init__(self, embedder: Embedder, known: Sequence[str]) -> None:
        self._embedder = embedder
        self._known = tuple(known)

    @property
    def name(self) -> str:
        """The other's."""
        return self._embedder.name

    @property
    def dimensions(self) -> int:
        """The other's."""
        return self._embedder.dimensions

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text. Raises EmbedderError."""
        from metaclaw_jlab.redaction import redact

        return self._embedder.embed([redact(text, known=self._known).text for text in texts])

"""Embedders that are configured: a sentence-transformers model on this machine, or an OpenAI-compatible endpoint."""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.embedder import Embedder
from metaclaw_jlab.core.errors import ConfigError, EmbedderError, MissingExtra

if TYPE_CHECKING:
    from openai import OpenAI

    from metaclaw_jlab.core.config import SkillSettings
    from metaclaw_jlab.settings.secrets import Secret

_BATCH = 64
_ENDPOINT_BATCH = 256
_MOST_TOKENS = 256
_ENDPOINT_SECONDS = 30.0
_CHOOSE = "Choose another with the setting skills.embedder, or set it to shipped."


def open_embedder(wanted: SkillSettings) -> Embedder:
    """The configured embedder; nothing is loaded or asked yet. Raises ConfigError, SecretError, UsageMistake."""
    match wanted.embedder:
        case "model":
            if not wanted.embedder_model:
                raise ConfigError(
                    "skills.embedder is a model, and none is named.",
                    "Set skills.embedder_model to its folder or hub id.",
                )
            return SentenceModel(wanted.embedder_model)
        case "endpoint":
            if not wanted.embedder_url or not wanted.embedder_model:
                raise ConfigError(
                    "skills.embedder is an endpoint, and its address or model is missing.",
                    "Set skills.embedder_url and skills.embedder_model.",
                )
            from metaclaw_jlab.settings.secrets import key_for

            key = key_for(wanted.embedder_url, wanted.embedder_key_env)
            return EndpointEmbedder(wanted.embedder_url, wanted.embedder_model, key)
        case _:
            from metaclaw_jlab.skills.shipped_embedder import ShippedEmbedder

            return ShippedEmbedder()


class SentenceModel:
    """A sentence-transformers model by folder or hub id: mean or first-token pooling, as its folder says."""

    def __init__(self, name: str) -> None:
        self._source = name
        self._lock = threading.Lock()

    @cached_property
    def _loaded(self) -> tuple[Any, Any, bool]:
        try:
            import transformers.utils.logging
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise MissingExtra("transformers", "train") from error
        bars: Any = transformers.utils.logging
        bars.disable_progress_bar()
        try:
            tokenizer = AutoTokenizer.from_pretrained(self._source)
            model = AutoModel.from_pretrained(self._source).eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EmbedderError(
                f"The embedding model {self._source!r} cannot be loaded ({type(error).__name__}).", _CHOOSE
            ) from error
        return tokenizer, model, _pools_first_token(Path(self._source))

    @cached_property
    def name(self) -> str:
        """The model's own name and a hash of its weights where they are in a folder."""
        folder = Path(self._source)
        weights = next(
            (folder / n for n in ("model.safetensors", "pytorch_model.bin") if (folder / n).is_file()), None
        )
        if weights is None:
            return f"model-{_short(self._source.encode())}"
        with weights.open("rb") as file:
            return f"model-{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._loaded[1].config.hidden_size)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text."""
        with self._lock:
            batches = [texts[at : at + _BATCH] for at in range(0, len(texts), _BATCH)]
            return [vector for batch in batches for vector in self._embed(list(batch))]

    def _embed(self, texts: list[str]) -> list[list[float]]:
        import torch

        tokenizer, model, first = self._loaded
        read = tokenizer(texts, padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            states = model(**read).last_hidden_state
        mask = read["attention_mask"].unsqueeze(-1).to(states.dtype)
        pooled = states[:, 0] if first else (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        found: list[list[float]] = torch.nn.functional.normalize(pooled.float(), dim=1).tolist()
        return found


class EndpointEmbedder:
    """Asks `/embeddings` of an OpenAI-compatible endpoint. The key goes to that origin alone."""

    def __init__(
        self, base_url: str, model: str, key: Secret | None = None, *, timeout: float = _ENDPOINT_SECONDS
    ) -> None:
        from metaclaw_jlab.settings.address import normalise

        self._base_url = normalise(base_url)
        self._model = model
        self._key = key
        self._timeout = timeout
        self._dimensions: int | None = None

    @cached_property
    def _client(self) -> OpenAI:
        from metaclaw_jlab.policies.client import open_client

        return open_client(self._base_url, self._key, self._timeout)

    @property
    def name(self) -> str:
        """The model's name at its address."""
        return f"endpoint-{_short(f'{self._base_url} {self._model}'.encode())}"

    @property
    def dimensions(self) -> int:
        """Length of a vector; the endpoint is asked where it has not answered yet."""
        if self._dimensions is None:
            self.embed(["dimensions"])
        return self._dimensions or 0

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text."""
        batches = [texts[at : at + _ENDPOINT_BATCH] for at in range(0, len(texts), _ENDPOINT_BATCH)]
        return [vector for batch in batches for vector in self._ask(list(batch))]

    def _ask(self, texts: list[str]) -> list[list[float]]:
        from metaclaw_jlab.policies.client import transport_errors

        given = [text if text.strip() else " ." for text in texts]  # empty inputs are refused
        try:
            answer = self._client.embeddings.create(model=self._model, input=given, encoding_format="float")
            rows = sorted(answer.data, key=lambda row: row.index)
            return self._checked([list(map(float, row.embedding)) for row in rows], len(texts))
        except transport_errors() as error:
            raise EmbedderError(
                f"The embedding endpoint {self._base_url} does not answer ({type(error).__name__}).",
                "Look whether it runs and knows the model. " + _CHOOSE,
            ) from error
        except (ValueError, TypeError, AttributeError) as error:
            raise self._nonsense() from error

    def _checked(self, vectors: list[list[float]], wanted: int) -> list[list[float]]:
        lengths = {len(vector) for vector in vectors} | ({self._dimensions} if self._dimensions else set())
        norms = [math.sqrt(sum(value * value for value in vector)) for vector in vectors]
        if len(vectors) != wanted or len(lengths) > 1 or not all(0 < norm < math.inf for norm in norms):
            raise self._nonsense()
        self._dimensions = len(vectors[0]) if vectors else self._dimensions
        return [[value / norm for value in vector] for vector, norm in zip(vectors, norms, strict=True)]

    def _nonsense(self) -> EmbedderError:
        return EmbedderError(
            f"The endpoint {self._base_url} answered with something that is no list of vectors.",
            f"Look whether {self._model!r} is an embedding model. " + _CHOOSE,
        )


def _pools_first_token(folder: Path) -> bool:
    try:
        said = json.loads((folder / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(said.get("pooling_mode_cls_token")) if isinstance(said, dict) else False


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]

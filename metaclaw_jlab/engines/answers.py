"""The OpenAI shapes of answers: whole, in chunks, and errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from metaclaw_jlab.engines.local_models import LocalModel
from metaclaw_jlab.engines.rows import Piece
from metaclaw_jlab.engines.text_stream import REPLACEMENT, TokenScore

Json = dict[str, Any]


class Shape(Protocol):
    """How one kind of request is answered."""

    def whole(self, piece: Piece) -> Json:
        """A choice, from the only piece of its row."""

    def opening(self, index: int) -> Json | None:
        """The chunk's choice that opens a row, where there is one."""

    def delta(self, piece: Piece) -> Json:
        """A chunk's choice."""


@dataclass(frozen=True, slots=True)
class ChatShape:
    """Choices of /v1/chat/completions."""

    served: LocalModel

    def whole(self, piece: Piece) -> Json:
        """A choice with its message."""
        return {
            "index": piece.index,
            "message": {"role": "assistant", "content": piece.text, "refusal": None},
            "logprobs": self._logprobs(piece.scores),
            "finish_reason": piece.finish_reason,
        }

    def opening(self, index: int) -> Json | None:
        """The role comes first."""
        delta = {"role": "assistant", "content": ""}
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}

    def delta(self, piece: Piece) -> Json:
        """A choice with the text since the last."""
        return {
            "index": piece.index,
            "delta": {"content": piece.text} if piece.text else {},
            "logprobs": self._logprobs(piece.scores),
            "finish_reason": piece.finish_reason,
        }

    def _logprobs(self, scores: Sequence[TokenScore]) -> Json | None:
        if not scores:
            return None
        return {
            "content": [
                {
                    **self._entry(score.token, score.logprob),
                    "top_logprobs": [self._entry(*other) for other in score.alternatives],
                }
                for score in scores
            ],
            "refusal": None,
        }

    def _entry(self, token: int, logprob: float) -> Json:
        text = token_text(self.served, token)
        # A token that is part of a character has no text of its own, so its bytes are not told.
        known = None if REPLACEMENT in text else list(text.encode())
        return {"token": text, "logprob": logprob, "bytes": known}


@dataclass(frozen=True, slots=True)
class CompletionShape:
    """Choices of /v1/completions."""

    served: LocalModel

    def whole(self, piece: Piece) -> Json:
        """A choice with its text."""
        return {
            "index": piece.index,
            "text": piece.text,
            "logprobs": self._logprobs(piece.scores),
            "finish_reason": piece.finish_reason,
        }

    def opening(self, index: int) -> Json | None:  # noqa: ARG002 - part of the protocol
        """Nothing opens a row."""
        return None

    def delta(self, piece: Piece) -> Json:
        """A choice with the text since the last."""
        return self.whole(piece)

    def _logprobs(self, scores: Sequence[TokenScore]) -> Json | None:
        if not scores:
            return None
        return {
            "tokens": [token_text(self.served, score.token) for score in scores],
            "token_logprobs": [score.logprob for score in scores],
            "top_logprobs": [
                {token_text(self.served, token): logprob for token, logprob in score.alternatives}
                for score in scores
            ],
            "text_offset": [score.offset for score in scores],
        }


def token_text(served: LocalModel, token: int) -> str:
    """The text of one token, special ones by their names."""
    # A model's vocabulary may be larger than its tokenizer's: those tokens have no text.
    return served.decode([token]) or served.tokenizer.convert_ids_to_tokens(token) or ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every answer to one request carries: id, kind ("chat.completion" or "text_completion"), time, model."""

    id: str
    kind: str
    created: int
    model: str
    prompt_tokens: int
    shape: Shape
    counts: dict[int, int] = field(default_factory=dict)

    def count(self, piece: Piece) -> None:
        """Remember how many tokens a row has."""
        self.counts[piece.index] = piece.tokens

    def usage(self) -> Json:
        """Tokens so far. Prompts count once, whatever n is."""
        answered = sum(self.counts.values())
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": answered,
            "total_tokens": self.prompt_tokens + answered,
        }

    def answer(self, pieces: Sequence[Piece]) -> bytes:
        """The whole answer."""
        ordered = sorted(pieces, key=lambda piece: piece.index)
        return encoded(
            {
                **self._head(self.kind),
                "choices": [self.shape.whole(piece) for piece in ordered],
                "usage": self.usage(),
            }
        )

    def chunk(self, choices: Sequence[Json], usage: Json | None, *, with_usage: bool) -> bytes:
        """One event of a stream."""
        kind = "chat.completion.chunk" if self.kind == "chat.completion" else self.kind
        body = {**self._head(kind), "choices": list(choices)}
        if with_usage:
            body["usage"] = usage
        return event(encoded(body))

    def _head(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def error_body(sentence: str, kind: str, param: str | None = None, code: str | None = None) -> bytes:
    """An error as OpenAI's clients read it."""
    return encoded({"error": {"message": sentence, "type": kind, "param": param, "code": code}})


def event(data: bytes) -> bytes:
    """A server-sent event."""
    return b"data: " + data + b"\n\n"


def encoded(body: Json) -> bytes:
    """Compact JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

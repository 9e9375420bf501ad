"""What a request to the decoder is, and the rows (one per completion) that it becomes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.engines.text_stream import Released, TextStream, TokenScore

if TYPE_CHECKING:
    from metaclaw_jlab.engines.adapter_bank import LoadedAdapter


@dataclass(frozen=True, slots=True)
class Parameters:
    """How to decode. `temperature` 0 is greedy; `top_k` 0 keeps all; `logprobs` counts alternatives, None: none."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """News of one completion: text and scores since the last piece; `tokens` counts all so far.

    The last piece of a row has a `finish_reason` ("stop", "length") or an `error`.
    """

    index: int
    text: str = ""
    scores: tuple[TokenScore, ...] = ()
    tokens: int = 0
    finish_reason: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """`n` completions for each prompt. `deliver` is called by the decoder's thread and must not block.

    With `stream` false each row delivers a single piece, at its end. `continues` is true where the answer goes on in
    the prompt's own text rather than in a new message. `adapter` is what decodes it from the first token to the last;
    None is the base model alone.
    """

    prompts: tuple[tuple[int, ...], ...]
    parameters: Parameters
    deliver: Callable[[Piece], None]
    n: int = 1
    seed: int | None = None
    stream: bool = True
    continues: bool = False
    adapter: LoadedAdapter | None = None


CONTEXT_TOKENS = 5  # enough of the prompt to decode the first token in its context


class Row:
    """One completion while it is decoded."""

    __slots__ = (
        "_pending",
        "_stream",
        "_text",
        "adapter",
        "cancelled",
        "deliver",
        "finished",
        "index",
        "parameters",
        "prompt",
        "rng",
        "tokens",
    )

    def __init__(
        self, request: Request, prompt: tuple[int, ...], index: int, decode: Callable[[Sequence[int]], str]
    ) -> None:
        self.prompt = prompt
        self.adapter = request.adapter
        self.parameters = request.parameters
        self.index = index
        self.deliver = request.deliver
        # A generator of its own: what a row draws does not depend on the rows beside it.
        self.rng = random.Random() if request.seed is None else random.Random(f"{request.seed}/{index}")
        self.tokens: list[int] = []
        self.cancelled = False
        self.finished = False
        self._stream = request.stream
        context = prompt[-CONTEXT_TOKENS:] if request.continues else ()
        self._text = TextStream(decode, request.parameters.stop, context)
        self._pending: list[Released] = []

    @property
    def length(self) -> int:
        """Tokens of the prompt and the answer so far."""
        return len(self.prompt) + len(self.tokens)

    def take(self, token: int, score: TokenScore | None, eos: frozenset[int]) -> None:
        """Take the next token; deliver what became certain; `finished` says whether it was the last."""
        self.tokens.append(token)
        if token in eos and not self.parameters.ignore_eos:
            self.finish("stop")
            return
        released = self._text.push(token, score)
        if released.text or released.scores:
            self._pending.append(released)
        if self._text.stopped:
            self.finish("stop")
        elif len(self.tokens) >= self.parameters.max_tokens:
            self.finish("length")
        elif self._stream and self._pending:
            self._send(None)

    def finish(self, reason: str) -> None:
        """End the row with what was held back."""
        self._pending.append(self._text.finish())
        self.finished = True
        self._send(reason)

    def fail(self, sentence: str) -> None:
        """End the row with an error."""
        if not self.finished:
            self.finished = True
            self.deliver(Piece(self.index, tokens=len(self.tokens), error=sentence))

    def _send(self, reason: str | None) -> None:
        text = "".join(released.text for released in self._pending)
        scores = tuple(score for released in self._pending for score in released.scores)
        self._pending.clear()
        self.deliver(Piece(self.index, text, scores, len(self.tokens), reason))


def rows_of(request: Request, decode: Callable[[Sequence[int]], str]) -> list[Row]:
    """The rows of a request, numbered prompt by prompt."""
    return [
        Row(request, prompt, number * request.n + i, decode)
        for number, prompt in enumerate(request.prompts)
        for i in range(request.n)
    ]

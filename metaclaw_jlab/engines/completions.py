"""Completions from a model in this process, all at once: the same batch gives the same tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from metaclaw_jlab.agent.lockstep import Asked
from metaclaw_jlab.core.policy import Completion, Message, Usage
from metaclaw_jlab.engines.batches import RollingBatch
from metaclaw_jlab.engines.chat import conversation
from metaclaw_jlab.engines.local_models import LocalModel
from metaclaw_jlab.engines.rows import Parameters, Piece, Request, Row
from metaclaw_jlab.engines.sampling import next_tokens


@dataclass(frozen=True, slots=True)
class Sampled:
    """A completion with the tokens of its prompt and its own, the end token included where it was reached."""

    prompt: tuple[int, ...]
    tokens: tuple[int, ...]
    completion: Completion


@dataclass
class Completer:
    """Completes on the model that is being trained. `model` is the bare causal model, its adapter inside; one caller
    at a time, from any thread. `seconds` and `tokens` count what was done."""

    served: LocalModel
    model: Any
    max_tokens: int
    seconds: float = 0.0
    tokens: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def generate(self, asked: Sequence[Asked]) -> list[Completion]:
        """One completion for each; the order does not matter to them, the company does in the last bits."""
        return [found.completion for found in self.sample(asked)]

    def sample(self, asked: Sequence[Asked]) -> list[Sampled]:
        """Like `generate`, with tokens."""
        with self._lock:
            started = time.perf_counter()
            was_training = self.model.training
            self.model.eval()
            try:
                with torch.no_grad():
                    found = self._decode(asked)
            finally:
                self.model.train(was_training)
            self.seconds += time.perf_counter() - started
            self.tokens += sum(len(one.tokens) for one in found)
        return found

    def encode(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The tokens of a prompt."""
        plain = [{"role": message.role, "content": message.content} for message in messages]
        return conversation(self.served, plain, {})

    def _decode(self, asked: Sequence[Asked]) -> list[Sampled]:
        encoded = {one.messages: self.encode(one.messages) for one in asked}
        ended: dict[int, Piece] = {}
        rows = [self._row(place, one, encoded[one.messages], ended) for place, one in enumerate(asked)]
        batch = RollingBatch(self.model)
        self._choose(rows, batch.admit(rows))
        batch.remove([row for row in rows if row.finished])
        while batch.rows:
            running = list(batch.rows)
            self._choose(running, batch.advance())
            batch.remove([row for row in running if row.finished])
        return [self._sampled(row, ended[place]) for place, row in enumerate(rows)]

    def _row(self, place: int, asked: Asked, prompt: tuple[int, ...], ended: dict[int, Piece]) -> Row:
        most = min(self.max_tokens, asked.sampling.max_tokens, self.served.context - len(prompt))
        parameters = Parameters(max(1, most), asked.sampling.temperature, stop=asked.sampling.stop)
        request = Request(
            (prompt,),
            parameters,
            lambda piece: ended.__setitem__(place, piece),
            seed=asked.sampling.seed,
            stream=False,
        )
        return Row(request, prompt, 0, self.served.decode)

    def _choose(self, rows: Sequence[Row], logits: torch.Tensor) -> None:
        for row, token in zip(rows, next_tokens(rows, logits), strict=True):
            row.take(token, None, self.served.eos)

    def _sampled(self, row: Row, last: Piece) -> Sampled:
        usage = Usage(len(row.prompt), len(row.tokens))
        completion = Completion(last.text, last.finish_reason or "stop", self.served.name, usage)
        return Sampled(row.prompt, tuple(row.tokens), completion)

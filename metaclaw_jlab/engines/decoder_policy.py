"""A policy that asks a decoder in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from metaclaw_jlab.core.errors import MetaclawError, PolicyError, PolicyRefused
from metaclaw_jlab.core.policy import Completion, Message, Sampling, Usage
from metaclaw_jlab.engines.adapter_bank import LoadedAdapter
from metaclaw_jlab.engines.chat import conversation
from metaclaw_jlab.engines.decoding import Decoder
from metaclaw_jlab.engines.local_models import LocalModel
from metaclaw_jlab.engines.rows import Parameters, Piece, Request
from metaclaw_jlab.engines.stopping import StopFlag

POLL_SECONDS = 0.1


@dataclass
class DecoderPolicy:
    """Implements core.policy.Policy for one adapter, None being the base alone. Any thread may ask.

    `begun` are completions that are there already, given out first.
    """

    served: LocalModel
    decoder: Decoder
    adapter: LoadedAdapter | None
    stop: StopFlag
    begun: list[Completion] = field(default_factory=list)

    @property
    def model(self) -> str:
        """The name of the base."""
        return self.served.name

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,  # noqa: ARG002 - nobody listens
    ) -> Completion:
        """One completion. Raises PolicyError, Stopped."""
        if self.begun:
            return self.begun.pop(0)
        prompt = encoded(self.served, messages)
        most = min(sampling.max_tokens, self.served.context - len(prompt))
        if most < 1:
            raise PolicyRefused(f"The prompt of {len(prompt)} tokens fills the context.", "Shorten the task.")
        pieces: SimpleQueue[Piece] = SimpleQueue()
        parameters = Parameters(most, sampling.temperature, stop=sampling.stop)
        ticket = self.decoder.submit(
            Request((prompt,), parameters, pieces.put, seed=sampling.seed, stream=False, adapter=self.adapter)
        )
        try:
            piece = self._last(pieces)
        except BaseException:
            self.decoder.cancel(ticket)
            raise
        if piece.error is not None:
            raise PolicyError(piece.error)
        usage = Usage(len(prompt), piece.tokens)
        return Completion(piece.text, piece.finish_reason or "stop", self.model, usage)

    def _last(self, pieces: SimpleQueue[Piece]) -> Piece:
        while True:
            self.stop.check()
            try:
                return pieces.get(timeout=POLL_SECONDS)
            except Empty:
                continue


def encoded(served: LocalModel, messages: tuple[Message, ...]) -> tuple[int, ...]:
    """The tokens of a prompt. Raises PolicyRefused."""
    plain = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return conversation(served, plain, {})
    except MetaclawError as error:
        raise PolicyRefused(error.cause, error.next_step) from error

"""Processes that compute gradients beside the training process: two single threads do more than one pair."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing

from metaclaw_jlab.core.errors import PracticeError
from metaclaw_jlab.engines.embedded.recipe import Recipe

_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Partner:
    """A process that shares the model's weights; it writes gradients, and `numbers` (loss on answers, tokens)."""

    process: Any
    go: Any
    done: Any
    gradients: Sequence[torch.Tensor]
    numbers: torch.Tensor

    def begin(self) -> None:
        """Let it compute the gradients of its next batch. The weights must not change until `wait`."""
        self.go.release()

    def wait(self) -> tuple[float, int]:
        """Loss on the answers and tokens of its batch. Raises PracticeError where the process died."""
        while not self.done.acquire(timeout=_WAIT_SECONDS):
            if not self.process.is_alive():
                raise PracticeError(
                    "A process of the build ended.", "See the error above; run the build again to go on."
                )
        loss, tokens = self.numbers.tolist()
        return loss, int(tokens)


@contextmanager
def partners(model: Any, recipe: Recipe, tokenizer: Path, start: int) -> Iterator[tuple[Partner, ...]]:
    """`recipe.workers` - 1 partners, each going on from its batch number `start`; the model's weights become shared."""
    context = torch.multiprocessing.get_context("spawn")
    weights = [_shared(value.data) for value in model.parameters()]
    started = []
    try:
        for worker in range(1, recipe.workers):
            gradients = [_shared(torch.zeros_like(weight)) for weight in weights]
            numbers = _shared(torch.zeros(2, dtype=torch.float64))
            go, done = context.Semaphore(0), context.Semaphore(0)
            source = (str(tokenizer), start, worker)
            arguments = (recipe, weights, gradients, numbers, go, done, source)
            process = context.Process(target=_assist, args=arguments, daemon=True)
            process.start()
            started.append(Partner(process, go, done, gradients, numbers))
        yield tuple(started)
    finally:
        for partner in started:
            partner.process.terminate()
            partner.process.join()


def _shared(values: torch.Tensor) -> torch.Tensor:
    return values.share_memory_()  # type: ignore[no-untyped-call,no-any-return]


def _assist(
    recipe: Recipe,
    weights: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor],
    numbers: torch.Tensor,
    go: Any,
    done: Any,
    source: tuple[str, int, int],
) -> None:
    from transformers import AutoTokenizer

    from metaclaw_jlab.engines.embedded.architecture import make_model
    from metaclaw_jlab.engines.embedded.samples import endless_batches
    from metaclaw_jlab.engines.embedded.training import batch_loss

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    folder, start, worker = source
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = make_model(tokenizer, recipe.size)
    own = list(model.parameters())
    for value, shared in zip(own, weights, strict=True):
        value.data = shared
    for batch in endless_batches(tokenizer, recipe, start, worker):
        go.acquire()
        loss, answers = batch_loss(model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        for value, gradient in zip(own, gradients, strict=True):
            gradient.copy_(value.grad)
            value.grad = None
        numbers[0], numbers[1] = answers, batch.tokens
        done.release()

"""The training loop: Muon for the matrices, AdamW for the rest, and a checkpoint every minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from metaclaw_jlab.engines.embedded.partners import Partner
from metaclaw_jlab.engines.embedded.recipe import Recipe
from metaclaw_jlab.engines.embedded.samples import Batch

CHECKPOINT_SECONDS = 60.0
_SMOOTHING = 0.98


@dataclass(slots=True)
class Progress:
    """How far a training is; `loss` is the smoothed loss on the answers, in nats a token."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = float("nan")

    def share(self, recipe: Recipe) -> float:
        """How much of the budget is used, whichever of tokens and time runs out first."""
        return max(self.tokens / recipe.tokens, self.seconds / recipe.seconds)

    def count(self, loss: float, tokens: int) -> None:
        """Note a step."""
        first = self.steps == 0
        self.loss = loss if first else _SMOOTHING * self.loss + (1 - _SMOOTHING) * loss
        self.steps += 1
        self.tokens += tokens


class Training:
    """A training that can be stopped at any step and taken up from its checkpoint."""

    def __init__(self, model: Any, recipe: Recipe, checkpoint: Path) -> None:
        self.model = model
        self.recipe = recipe
        self.checkpoint = checkpoint
        self.progress = Progress()
        self._parameters = list(model.parameters())
        self._optimisers = _optimisers(model, recipe)
        self._rates = [[group["lr"] for group in each.param_groups] for each in self._optimisers]

    def run(
        self,
        batches: Iterator[Batch],
        on_step: Callable[[Progress], None],
        partners: Sequence[Partner] = (),
    ) -> Progress:
        """Train until the budget is used, on these batches and what the partners take on themselves."""
        saved = time.monotonic()
        while self.progress.share(self.recipe) < 1:
            begun = time.monotonic()
            self._step(next(batches), partners)
            now = time.monotonic()
            self.progress.seconds += now - begun
            on_step(self.progress)
            if now - saved > CHECKPOINT_SECONDS:
                self.save()
                saved = now
        self.save()
        return self.progress

    def save(self) -> None:
        """Write the checkpoint; a kill leaves the old one or the new one."""
        state = {
            "recipe": self.recipe.to_dict(),
            "model": self.model.state_dict(),
            "optimisers": [each.state_dict() for each in self._optimisers],
            "generator": torch.get_rng_state(),
            "progress": [
                self.progress.steps,
                self.progress.tokens,
                self.progress.seconds,
                self.progress.loss,
            ],
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def resume(self) -> bool:
        """Take up the checkpoint, if there is one of this recipe."""
        if not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, weights_only=True)
        if state["recipe"] != self.recipe.to_dict():
            return False
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        torch.set_rng_state(state["generator"])
        self.progress = Progress(*state["progress"])
        return True

    def _step(self, batch: Batch, partners: Sequence[Partner] = ()) -> None:
        for partner in partners:
            partner.begin()
        loss, answers = batch_loss(self.model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        tokens = batch.tokens
        for partner in partners:
            more, count = partner.wait()
            answers, tokens = answers + more, tokens + count
            for value, gradient in zip(self._parameters, partner.gradients, strict=True):
                value.grad.add_(gradient)
        self._update(1 + len(partners))
        self.progress.count(answers / (1 + len(partners)), tokens)

    def _update(self, gradients: int) -> None:
        """One step along the mean of so many summed gradients, cut to length 1."""
        factor = self.recipe.rate(self.progress.steps, self.progress.share(self.recipe))
        for optimiser, rates in zip(self._optimisers, self._rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        torch._foreach_div_([value.grad for value in self._parameters], float(gradients))
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for optimiser in self._optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)


def batch_loss(model: Any, batch: Batch) -> tuple[torch.Tensor, float]:
    """The weighted loss of a batch, with its graph, and the plain mean over the answers."""
    ids, weights = torch.from_numpy(batch.ids), torch.from_numpy(batch.weights)
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    targets, weights = ids[:, 1:], weights[:, 1:]
    used = weights > 0
    logits = functional.linear(hidden[used], model.lm_head.weight)
    losses = functional.cross_entropy(logits, targets[used], reduction="none")
    weights = weights[used]
    return (losses * weights).sum() / weights.sum(), float(losses.detach()[weights == 1].mean())


def _optimisers(model: Any, recipe: Recipe) -> list[torch.optim.Optimizer]:
    named = list(model.named_parameters())
    matrices = [value for name, value in named if value.ndim == 2 and "embed" not in name]
    rest = [value for name, value in named if value.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=recipe.matrix_rate, weight_decay=0.01, momentum=0.95),
        torch.optim.AdamW(rest, lr=recipe.other_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]

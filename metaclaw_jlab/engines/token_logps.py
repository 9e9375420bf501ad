"""Log-probabilities of chosen tokens from hidden states, a few at a time: a vocabulary's logits are never all there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

LOGITS = 1 << 22  # elements of one piece: 16 MB in single precision


def token_logps(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    tokens: torch.Tensor,
    temperature: float,
    check: Callable[[], None] = lambda: None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of each of `tokens` (n) and the entropy there (n), in nats and single precision.

    `hidden` (n, width) are the states that chose them, `weight` (vocabulary, width) is the head. Gradients reach
    `hidden` through the log-probabilities alone. `check` is called before each piece, backwards too.
    """
    apply: Any = _TokenLogps.apply
    found: tuple[torch.Tensor, torch.Tensor] = apply(hidden, weight, tokens, temperature, check)
    return found


class _TokenLogps(torch.autograd.Function):
    """The logits of a piece are computed again for its gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        tokens: torch.Tensor,
        temperature: float,
        check: Callable[[], None],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logps, entropies, sums = (hidden.new_empty(len(tokens), dtype=torch.float32) for _ in range(3))
        for piece in _pieces(len(tokens), len(weight)):
            check()
            logits = _logits(hidden[piece], weight, temperature)
            total = torch.logsumexp(logits, -1)
            logps[piece] = logits.gather(1, tokens[piece, None]).squeeze(1) - total
            logits -= total[:, None]
            entropies[piece] = -(logits.exp() * logits).sum(-1)
            sums[piece] = total
        ctx.save_for_backward(hidden, weight, tokens, sums)
        ctx.temperature, ctx.check = temperature, check
        ctx.mark_non_differentiable(entropies)
        return logps, entropies

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor, _: torch.Tensor) -> tuple[Any, ...]:
        hidden, weight, tokens, sums = ctx.saved_tensors
        found = torch.empty_like(hidden)
        for piece in _pieces(len(tokens), len(weight)):
            ctx.check()
            towards = _logits(hidden[piece], weight, ctx.temperature)
            towards.sub_(sums[piece, None]).exp_().neg_()
            towards.scatter_add_(1, tokens[piece, None], torch.ones_like(gradient[piece, None]))
            towards *= gradient[piece, None] / ctx.temperature
            found[piece] = towards.to(weight.dtype) @ weight
        return found, None, None, None, None


def _logits(hidden: torch.Tensor, weight: torch.Tensor, temperature: float) -> torch.Tensor:
    return (hidden @ weight.T).float().div_(temperature)


def _pieces(count: int, vocabulary: int) -> list[slice]:
    size = max(1, LOGITS // vocabulary)
    return [slice(start, start + size) for start in range(0, count, size)]

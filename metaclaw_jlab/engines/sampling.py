"""Next tokens for the rows of a batch: greedy or sampled row by row, with log-probabilities where asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from metaclaw_jlab.engines.rows import Row
from metaclaw_jlab.engines.text_stream import TokenScore

GREEDY_BELOW = 1e-4  # a temperature under which dividing by it could overflow


def next_tokens(rows: Sequence[Row], logits: torch.Tensor) -> list[int]:
    """One token for each row from `logits` (rows, vocabulary)."""
    tokens: list[int] = logits.argmax(-1).tolist()
    sampled = [i for i, row in enumerate(rows) if row.parameters.temperature > GREEDY_BELOW]
    if sampled:
        chosen = rows if len(sampled) == len(rows) else [rows[i] for i in sampled]
        part = logits if len(sampled) == len(rows) else logits[sampled]
        for i, token in zip(sampled, _draw(chosen, part), strict=True):
            tokens[i] = token
    return tokens


def scores(
    rows: Sequence[Row], logits: torch.Tensor, tokens: Sequence[int]
) -> list[TokenScore | None] | None:
    """Log-probabilities of `tokens` for the rows that want them; None where no row does."""
    wanted = [i for i, row in enumerate(rows) if row.parameters.logprobs is not None]
    if not wanted:
        return None
    found: list[TokenScore | None] = [None] * len(rows)
    logprobs = torch.log_softmax(logits[wanted].float(), -1)
    most = max(rows[i].parameters.logprobs or 0 for i in wanted)
    best = torch.topk(logprobs, min(most, logprobs.shape[-1]), -1) if most else None
    values = best.values.tolist() if best else []
    indices = best.indices.tolist() if best else []
    own = logprobs.gather(1, torch.tensor([[tokens[i]] for i in wanted], device=logits.device)).tolist()
    for at, i in enumerate(wanted):
        count = rows[i].parameters.logprobs or 0
        alternatives = tuple(zip(indices[at][:count], values[at][:count], strict=True)) if count else ()
        found[i] = TokenScore(tokens[i], own[at][0], alternatives)
    return found


def _draw(rows: Sequence[Row], logits: torch.Tensor) -> list[int]:
    """Inverse transform sampling: one uniform number per row, drawn from the row's own generator."""
    temperatures = torch.tensor([[row.parameters.temperature] for row in rows], device=logits.device)
    probabilities = torch.softmax(logits.float() / temperatures, -1)
    if any(row.parameters.top_p < 1 or row.parameters.top_k for row in rows):
        probabilities = _truncate(rows, probabilities)
    # Double precision: with large vocabularies the tail of a float32 sum would be lost.
    cumulative = probabilities.double().cumsum(-1)
    uniform = torch.tensor([[row.rng.random()] for row in rows], dtype=torch.float64, device=logits.device)
    drawn = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)
    tokens: list[int] = drawn.squeeze(1).clamp_(max=logits.shape[-1] - 1).tolist()
    return tokens


def _truncate(rows: Sequence[Row], probabilities: torch.Tensor) -> torch.Tensor:
    """Keep the smallest set of likeliest tokens that reaches top_p, and at most top_k of them."""
    ordered, indices = probabilities.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(-1) - ordered
    vocabulary = probabilities.shape[-1]
    device = probabilities.device
    # A top_p of 1 must keep every token whatever the rounding of the sum.
    top_p = torch.tensor(
        [[row.parameters.top_p if row.parameters.top_p < 1 else 2.0] for row in rows], device=device
    )
    top_k = torch.tensor([[row.parameters.top_k or vocabulary] for row in rows], device=device)
    kept = (before < top_p) & (torch.arange(vocabulary, device=device) < top_k)
    return torch.zeros_like(probabilities).scatter(1, indices, ordered * kept)

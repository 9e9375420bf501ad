"""Reads completions of one prompt together: the prompt once, then every completion as if it alone followed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from metaclaw_jlab.engines.grpo_groups import TrainingRow
from metaclaw_jlab.engines.local_models import LocalModel
from metaclaw_jlab.engines.precision import TINY_PARAMETERS
from metaclaw_jlab.engines.token_logps import token_logps

TOLERANCE = 1e-2  # of log-probabilities in nats, where single precision differs by a thousandth
_TRIAL = ((3, 1, 4, 1, 5), (9, 2, 6), (5, 3), (5, 8, 9, 7))  # a prompt and completions of it


@dataclass(frozen=True, slots=True)
class PackedReader:
    """`model` is the bare causal model, an adapter inside. `check` is called again and again while the head works; what
    is before it is stopped by hooks (engines.stopping)."""

    model: Any
    temperature: float
    check: Callable[[], None] = lambda: None

    def read(
        self, prompt: Sequence[int], completions: Sequence[Sequence[int]]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Log-probabilities of each completion's tokens and the entropies there, a tensor (tokens) for each of them."""
        device = self.model.device
        lengths = [len(one) for one in completions]
        packed = [*prompt, *(token for one in completions for token in one)]
        output = self.model.base_model(
            input_ids=torch.tensor([packed], device=device),
            attention_mask=_mask(len(prompt), lengths, self.model.dtype, device),
            position_ids=torch.tensor([_positions(len(prompt), lengths)], device=device),
            use_cache=False,
        )
        head = self.model.get_output_embeddings().weight
        chosen_at = torch.tensor(_chosen_at(len(prompt), lengths), device=device)
        states = output.last_hidden_state[0, chosen_at].to(head.dtype)
        tokens = torch.tensor(packed[len(prompt) :], device=device)
        logps, entropies = token_logps(states, head, tokens, self.temperature, self.check)
        return list(torch.split(logps, lengths)), list(torch.split(entropies, lengths))

    def agrees(self) -> bool:
        """Whether this gives what the model gives by itself, found out by trying: models with a bias or a cap on their
        logits, with sliding windows or without masks of their own choice are read otherwise."""
        vocabulary = self.model.get_input_embeddings().num_embeddings
        prompt, *completions = ([token % vocabulary for token in one] for one in _TRIAL)
        with torch.no_grad():
            try:
                packed, _ = self.read(prompt, completions)
            except (TypeError, AttributeError, RuntimeError, ValueError):
                return False
            return all(
                bool((mine - self._alone(prompt, one)).abs().max() <= TOLERANCE)
                for mine, one in zip(packed, completions, strict=True)
            )

    def _alone(self, prompt: Sequence[int], completion: Sequence[int]) -> torch.Tensor:
        ids = torch.tensor([[*prompt, *completion]], device=self.model.device)
        logits = self.model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1]
        own: torch.Tensor = torch.log_softmax(logits.float() / self.temperature, -1)
        return own.gather(1, ids[0, len(prompt) :, None]).squeeze(1)


def _positions(prompt: int, lengths: Sequence[int]) -> list[int]:
    return [*range(prompt), *(prompt + place for length in lengths for place in range(length))]


def _chosen_at(prompt: int, lengths: Sequence[int]) -> list[int]:
    """Where each token was chosen: the first of a completion at the prompt's end, the others one before themselves."""
    found, start = [], prompt
    for length in lengths:
        found += [prompt - 1, *range(start, start + length - 1)][:length]
        start += length
    return found


def _mask(prompt: int, lengths: Sequence[int], dtype: torch.dtype, device: Any) -> torch.Tensor:
    """(1, 1, tokens, tokens), added to the scores: what was before, in the prompt or in the same completion."""
    owners = torch.tensor([0] * prompt + [n for n, one in enumerate(lengths, 1) for _ in range(one)])
    seen = (owners[None, :] == owners[:, None]) | (owners[None, :] == 0)
    mask = torch.zeros(len(owners), len(owners)).masked_fill(~seen.tril(), torch.finfo(dtype).min)
    return mask[None, None].to(device, dtype)


def packs(rows: Sequence[TrainingRow], tokens: int, most: int) -> list[Sequence[TrainingRow]]:
    """Rows of one prompt each, at most `most`, which are no longer than `tokens` together, but for a single one."""
    found: list[list[TrainingRow]] = []
    by_prompt: dict[tuple[int, ...], list[TrainingRow]] = {}
    for row in rows:
        by_prompt.setdefault(row.prompt, []).append(row)
    for prompt, own in by_prompt.items():
        length = tokens
        for row in own:
            length += len(row.tokens)
            if length > tokens or len(found[-1]) >= most:
                found.append([])
                length = len(prompt) + len(row.tokens)
            found[-1].append(row)
    return list(found)


def packable(served: LocalModel, temperature: float) -> bool:
    """Whether this model's groups are read so: not where it is too small to need it, nor on a GPU."""
    model = served.model
    if model.num_parameters() < TINY_PARAMETERS or not served.rolling or model.device.type != "cpu":
        return False
    return PackedReader(model, temperature).agrees()


def padded(rows: Sequence[torch.Tensor], length: int) -> torch.Tensor:
    """One tensor (rows, length) of rows that may be shorter."""
    return torch.stack([torch.nn.functional.pad(row, (0, length - len(row))) for row in rows])

"""How far an adapter's policy has gone from its base, on what it said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.engines.adapter_bank import AdapterBank, LoadedAdapter
from metaclaw_jlab.engines.decoder_policy import encoded
from metaclaw_jlab.engines.local_models import LocalModel

ROWS = 8  # read together

Said = tuple[tuple[Message, ...], str]  # a prompt and the reply to it


def divergences(
    served: LocalModel,
    bank: AdapterBank,
    said: Sequence[Said],
    adapters: Sequence[LoadedAdapter | None],
) -> Iterator[float | None]:
    """KL of each reply's adapter to the base alone, in nats a token, summed over the whole vocabulary at each token.

    None for an empty reply. The caller owns the model meanwhile.
    """
    for start in range(0, len(said), ROWS):
        yield from _together(served, bank, said[start : start + ROWS], adapters[start : start + ROWS])


def _together(
    served: LocalModel, bank: AdapterBank, said: Sequence[Said], adapters: Sequence[LoadedAdapter | None]
) -> Iterator[float | None]:
    prompts = [encoded(served, messages) for messages, _ in said]
    replies = [served.encode(text, False) for _, text in said]
    texts = [[*prompt, *reply][: served.context] for prompt, reply in zip(prompts, replies, strict=True)]
    width, device = max(map(len, texts)), served.model.device
    # Padded on the right: with a causal model what follows a token does not reach it.
    ids = torch.tensor([text + [0] * (width - len(text)) for text in texts], device=device)
    mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts], device=device)

    def read(rows: Sequence[LoadedAdapter | None]) -> torch.Tensor:
        with bank.rows(rows):
            output = served.model(input_ids=ids, attention_mask=mask, use_cache=False)
        logits: torch.Tensor = output.logits
        return logits.float()

    own, base = read(adapters), read([None] * len(texts))
    for row, (prompt, text) in enumerate(zip(prompts, texts, strict=True)):
        tokens = slice(len(prompt) - 1, len(text) - 1)  # where each token of the reply was chosen
        if len(text) <= len(prompt):
            yield None
            continue
        mine = torch.log_softmax(own[row, tokens], -1)
        theirs = torch.log_softmax(base[row, tokens], -1)
        yield float((mine.exp() * (mine - theirs)).sum(-1).mean())
    bank.forget_rows()

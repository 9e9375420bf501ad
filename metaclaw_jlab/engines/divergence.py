"""How far an adapter's policy has gone from its base, on what it said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.engines.adapter_bank import AdapterBank, LoadedAdapter
from metaclaw_jlab.engines.decoder_policy import encoded
from metaclaw_jlab.engines.local_models import LocalModel

ROWS = 8  # read together at most
LOGITS = 1 << 26  # elements of their logits: 256 MB

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
    texts = [_tokens(served, one) for one in said]
    start = 0
    while start < len(texts):
        count = _fitting([len(text) for _, text in texts[start : start + ROWS]], served.vocabulary)
        yield from _together(served, bank, texts[start : start + count], adapters[start : start + count])
        start += count


def _tokens(served: LocalModel, said: Said) -> tuple[int, list[int]]:
    """How long the prompt is, and the tokens of prompt and reply."""
    prompt = encoded(served, said[0])
    return len(prompt), [*prompt, *served.encode(said[1], False)][: served.context]


def _fitting(lengths: Sequence[int], vocabulary: int) -> int:
    """How many of these texts are read together, but at least one."""
    for count in range(len(lengths), 1, -1):
        if count * max(lengths[:count]) * vocabulary <= LOGITS:
            return count
    return 1


def _together(
    served: LocalModel,
    bank: AdapterBank,
    read_together: Sequence[tuple[int, list[int]]],
    adapters: Sequence[LoadedAdapter | None],
) -> Iterator[float | None]:
    texts = [text for _, text in read_together]
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
    for row, (prompt, text) in enumerate(read_together):
        tokens = slice(prompt - 1, len(text) - 1)  # where each token of the reply was chosen
        if len(text) <= prompt:
            yield None
            continue
        mine = torch.log_softmax(own[row, tokens], -1)
        theirs = torch.log_softmax(base[row, tokens], -1)
        yield float((mine.exp() * (mine - theirs)).sum(-1).mean())
    bank.forget_rows()

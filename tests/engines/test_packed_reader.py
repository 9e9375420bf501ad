"""Completions read behind one prompt are read as if each alone followed it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from metaclaw_jlab.engines import packed_reader
from metaclaw_jlab.engines.grpo_groups import TrainingRow
from metaclaw_jlab.engines.packed_reader import PackedReader, packable, packs, padded

PROMPT = [10, 20, 30, 40, 50, 60]
COMPLETIONS = [[1, 2, 3], [200], [4, 5, 6, 7, 8]]


def alone(model: Any, completion: list[int], temperature: float = 1.0) -> torch.Tensor:
    ids = torch.tensor([[*PROMPT, *completion]])
    logits = model(input_ids=ids, use_cache=False).logits[0, len(PROMPT) - 1 : -1] / temperature
    found: torch.Tensor = torch.log_softmax(logits, -1).gather(1, ids[0, len(PROMPT) :, None]).squeeze(1)
    return found


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2"])
def test_log_probabilities_are_those_of_each_alone(served_model: Callable[[str], Any], kind: str) -> None:
    model = served_model(kind).model
    with torch.no_grad():
        packed, entropies = PackedReader(model, 0.8).read(PROMPT, COMPLETIONS)
        for mine, own, completion in zip(packed, entropies, COMPLETIONS, strict=True):
            torch.testing.assert_close(mine, alone(model, completion, 0.8), atol=1e-3, rtol=1e-3)
            assert len(own) == len(completion)


def test_gradients_are_those_of_each_alone(served_model: Callable[[str], Any]) -> None:
    model = copy.deepcopy(served_model("llama").model).train()
    weight = model.model.layers[0].mlp.up_proj.weight
    signs = (1.0, -2.0, 0.5)

    def gradient(found: list[torch.Tensor]) -> torch.Tensor:
        model.zero_grad()
        torch.stack([sign * one.sum() for sign, one in zip(signs, found, strict=True)]).sum().backward()  # type: ignore[no-untyped-call]
        found_there: torch.Tensor = weight.grad.clone()
        return found_there

    packed = gradient(PackedReader(model, 1.0).read(PROMPT, COMPLETIONS)[0])
    expected = gradient([alone(model, completion) for completion in COMPLETIONS])
    torch.testing.assert_close(packed, expected, atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2"])
def test_a_plain_model_is_packable(
    served_model: Callable[[str], Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_reader, "TINY_PARAMETERS", 0)
    assert packable(served_model(kind), 1.0)


@pytest.mark.parametrize("kind", ["mistral", "bloom"])
def test_a_model_that_is_read_otherwise_is_found_out(
    served_model: Callable[[str], Any], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sliding window, a bias by distance."""
    monkeypatch.setattr(packed_reader, "TINY_PARAMETERS", 0)
    assert not packable(served_model(kind), 1.0)


def test_a_tiny_model_is_not_packed(served_model: Callable[[str], Any]) -> None:
    assert not packable(served_model("llama"), 1.0)


def test_a_head_of_another_kind_is_found_out(served_model: Callable[[str], Any]) -> None:
    served = served_model("llama")
    capped = copy.deepcopy(served.model)
    plain = capped.forward

    def forward(*arguments: Any, **named: Any) -> Any:
        found = plain(*arguments, **named)
        found.logits = 2 * torch.tanh(found.logits / 2)
        return found

    capped.forward = forward
    assert PackedReader(served.model, 1.0).agrees()
    assert not PackedReader(replace(served, model=capped).model, 1.0).agrees()


def row(prompt: int, tokens: int) -> TrainingRow:
    return TrainingRow((prompt,) * 10, (1,) * tokens, 1.0)


def lengths(found: list[Any]) -> list[list[tuple[int, int]]]:
    return [[(one.prompt[0], len(one.tokens)) for one in pack] for pack in found]


def test_a_pack_holds_rows_of_one_prompt() -> None:
    rows = [row(1, 2), row(2, 3), row(1, 4)]
    assert lengths(packs(rows, 100, 16)) == [[(1, 2), (1, 4)], [(2, 3)]]


def test_a_pack_is_no_longer_than_allowed_but_for_a_single_row() -> None:
    rows = [row(1, 5), row(1, 5), row(1, 5), row(1, 50)]
    assert lengths(packs(rows, 20, 16)) == [[(1, 5), (1, 5)], [(1, 5)], [(1, 50)]]


def test_a_pack_holds_no_more_rows_than_allowed() -> None:
    assert [len(pack) for pack in packs([row(1, 1)] * 5, 100, 2)] == [2, 2, 1]


def test_shorter_rows_are_filled_up() -> None:
    found = padded([torch.ones(2), torch.ones(3)], 4)
    assert found.tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]

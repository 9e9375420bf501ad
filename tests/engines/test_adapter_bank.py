from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from metaclaw_jlab.engines.adapter_bank import AdapterBank, LoadedAdapter
from metaclaw_jlab.engines.batches import RollingBatch, decode_together
from metaclaw_jlab.engines.rows import Parameters, Request, Row

PROMPTS = [[5, 9, 77], [(13 * i) % 250 for i in range(40)], [200, 3, 3, 41, 90, 8, 17], [5, 9, 77]]
Save = Callable[..., Path]


@pytest.fixture
def fresh(model_folder: Callable[[str], Path]) -> Callable[[str], Any]:
    """A model that no other test shares."""

    def load(kind: str) -> Any:
        causal: Any = AutoModelForCausalLM
        return causal.from_pretrained(model_folder(kind)).eval()

    return load


def row(prompt: Sequence[int], tokens: int, adapter: LoadedAdapter | None = None) -> Row:
    parameters = Parameters(tokens, temperature=0, ignore_eos=True)
    request = Request((tuple(prompt),), parameters, lambda _: None, adapter=adapter)
    return Row(request, tuple(prompt), 0, lambda _: "")


def take(rows: Sequence[Row], logits: torch.Tensor) -> None:
    for one, token in zip(rows, logits.argmax(-1).tolist(), strict=True):
        one.take(token, None, frozenset())


def decode(model: Any, bank: AdapterBank | None, rows: Sequence[Row]) -> list[list[int]]:
    """Greedy tokens of rows that begin together, one of them two steps later."""
    with torch.inference_mode():
        batch = RollingBatch(model, bank)
        *first, late = rows
        take(first, batch.admit(first))
        for _ in range(2):
            take(list(batch.rows), batch.advance())
        take([late], batch.admit([late]))
        batch.remove([one for one in batch.rows if one.finished])
        while batch.rows:
            take(list(batch.rows), batch.advance())
            batch.remove([one for one in batch.rows if one.finished])
    return [one.tokens for one in rows]


def test_an_adapter_computes_what_peft_computes(fresh: Callable[[str], Any], tmp_path: Path) -> None:
    import peft

    config = peft.LoraConfig(
        r=4,
        lora_alpha=12,
        target_modules=["q_proj", "up_proj", "down_proj"],
        rank_pattern={"up_proj": 2},
        use_rslora=True,
    )
    trained = peft.get_peft_model(fresh("qwen3"), config).eval()
    for name, parameter in trained.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    trained.save_pretrained(tmp_path)
    model, ids = fresh("qwen3"), torch.tensor(PROMPTS[1:2])
    bank = AdapterBank(model)
    with torch.inference_mode(), bank.rows([bank.load("a", tmp_path)]):
        found, wanted = model(input_ids=ids).logits, trained(input_ids=ids).logits
    assert (wanted - fresh("qwen3")(input_ids=ids).logits).abs().max() > 0.1
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("kind", ["qwen3", "gpt2"])
def test_rows_of_several_adapters_and_of_none_answer_as_they_do_alone(
    kind: str, fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    model, targets = fresh(kind), {"qwen3": ("q_proj", "v_proj", "up_proj"), "gpt2": ("c_attn", "c_fc")}[kind]
    bank = AdapterBank(model)
    third = bank.load("v3", save_adapter(tmp_path / "3", kind, version=3, targets=targets))
    fourth = bank.load("v4", save_adapter(tmp_path / "4", kind, version=4, rank=6, targets=targets[1:]))
    adapters = [third, fourth, None, None]
    alone = [
        decode(model, bank, [row(prompt, 12, adapter), row(prompt, 12, adapter)])[0]
        for prompt, adapter in zip(PROMPTS, adapters, strict=True)
    ]
    base = decode(fresh(kind), None, [row(prompt, 12) for prompt in PROMPTS])
    together = decode(
        model, bank, [row(prompt, 12, adapter) for prompt, adapter in zip(PROMPTS, adapters, strict=True)]
    )
    assert together == alone
    assert (alone[0] != base[0], alone[1] != base[1], alone[2:]) == (True, True, base[2:])


def test_a_closed_batch_mixes_adapters_too(
    fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    model = fresh("mistral")
    bank = AdapterBank(model)
    adapter = bank.load("v1", save_adapter(tmp_path, "mistral"))

    def closed(*rows: Row) -> list[list[int]]:
        with torch.inference_mode():
            decode_together(model, rows, take, lambda: False, bank)
        return [one.tokens for one in rows]

    alone = [*closed(row(PROMPTS[0], 9, adapter)), *closed(row(PROMPTS[1], 9))]
    assert closed(row(PROMPTS[0], 9, adapter), row(PROMPTS[1], 9)) == alone


def test_equal_prompts_with_different_adapters_are_read_apart(
    fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    model = fresh("qwen3")
    bank = AdapterBank(model)
    adapter = bank.load("v1", save_adapter(tmp_path))
    with torch.inference_mode():
        logits = RollingBatch(model, bank).admit(
            [row(PROMPTS[0], 2, adapter), row(PROMPTS[0], 2), row(PROMPTS[0], 2, adapter)]
        )
    assert torch.equal(logits[0], logits[2])
    assert not torch.allclose(logits[0], logits[1], atol=0.1)


def test_what_overflows_in_one_row_does_not_reach_another(
    fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    model = fresh("qwen3")
    bank = AdapterBank(model)
    wild = bank.load("wild", save_adapter(tmp_path, strength=5e37))
    with torch.inference_mode():
        expected = RollingBatch(model).admit([row(PROMPTS[0], 1)])
        logits = RollingBatch(model, bank).admit([row(PROMPTS[0], 1), row(PROMPTS[0], 1, wild)])
    assert not logits[1].isfinite().all()
    assert torch.allclose(logits[:1], expected, atol=1e-4)


def test_a_row_keeps_an_adapter_that_is_unloaded_meanwhile(
    fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    model = fresh("qwen3")
    bank = AdapterBank(model)
    adapter = bank.load("v1", save_adapter(tmp_path))
    expected = decode(model, bank, [row(PROMPTS[0], 9, adapter), row(PROMPTS[1], 9)])
    bank.unload("v1")
    assert bank.get("v1") is None
    assert decode(model, bank, [row(PROMPTS[0], 9, adapter), row(PROMPTS[1], 9)]) == expected


def test_nothing_of_an_unloaded_adapter_stays_in_the_bank(
    fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    import gc
    import weakref

    model = fresh("qwen3")
    bank = AdapterBank(model)
    adapter = bank.load("v1", save_adapter(tmp_path))
    decode(model, bank, [row(PROMPTS[0], 9, adapter), row(PROMPTS[1], 9)])
    weights = weakref.ref(next(iter(adapter.factors.values())).up)
    bank.unload("v1")
    bank.forget_rows()
    del adapter
    gc.collect()
    assert weights() is None


def test_closing_gives_the_model_its_own_layers_back(
    fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    model = fresh("qwen3")
    bank = AdapterBank(model)
    adapter = bank.load("v1", save_adapter(tmp_path))
    decode(model, bank, [row(PROMPTS[0], 3, adapter), row(PROMPTS[1], 3)])
    assert any("forward" in module.__dict__ for module in model.modules())
    bank.close()
    assert not any("forward" in module.__dict__ for module in model.modules())


def test_the_weights_of_the_base_stay_as_they_are(
    fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    model = fresh("qwen3")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    bank = AdapterBank(model)
    decode(model, bank, [row(PROMPTS[0], 5, bank.load("v1", save_adapter(tmp_path))), row(PROMPTS[1], 5)])
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_row_with_an_adapter_needs_a_bank(
    fresh: Callable[[str], Any], save_adapter: Save, tmp_path: Path
) -> None:
    model = fresh("qwen3")
    adapter = AdapterBank(model).load("v1", save_adapter(tmp_path))
    with pytest.raises(ValueError, match="bank"):
        RollingBatch(model).admit([row(PROMPTS[0], 1, adapter)])

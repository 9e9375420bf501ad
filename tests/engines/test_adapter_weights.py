from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from metaclaw_jlab.core.errors import AdapterRefused
from metaclaw_jlab.engines.adapter_bank import AdapterBank
from metaclaw_jlab.engines.adapter_card import CARD, CONFIG, WEIGHTS, read_card, write_card
from metaclaw_jlab.engines.adapter_weights import Expected
from metaclaw_jlab.engines.base_identity import base_sha256

Save = Callable[..., Path]
FIRST = "base_model.model.model.layers.0.self_attn.q_proj"
Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def bank(served_model: Callable[[str], Any]) -> AdapterBank:
    return AdapterBank(served_model("qwen3").model)


@pytest.fixture
def expected(model_folder: Callable[[str], Path]) -> Expected:
    place = model_folder("qwen3")
    return Expected(str(place), lambda: base_sha256(place), 1)


def refusal(bank: AdapterBank, folder: Path, expected: Expected | None = None) -> str:
    before = bank.names
    with pytest.raises(AdapterRefused) as error:
        bank.load("refused", folder, expected)
    assert bank.names == before
    assert error.value.next_step
    return str(error.value)


def test_a_sound_adapter_is_read(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path
) -> None:
    assert len(bank.load("sound", save_adapter(tmp_path), expected).factors) == 14


def test_weights_are_scaled_by_the_pattern_of_their_layer(
    bank: AdapterBank, save_adapter: Save, tmp_path: Path
) -> None:
    plain = bank.load("plain", save_adapter(tmp_path))
    scaled = bank.load("scaled", save_adapter(tmp_path, alpha_pattern={"layers.1.mlp.up_proj": 40}))
    names = [f"model.layers.{i}.mlp.up_proj" for i in (0, 1)]
    ratios = [(scaled.factors[name].up / plain.factors[name].up).mean().item() for name in names]
    assert ratios == pytest.approx([1.0, 5.0])


def test_a_changed_weights_file_is_refused(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path
) -> None:
    path = save_adapter(tmp_path) / WEIGHTS
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    assert "another checksum" in refusal(bank, tmp_path, expected)


def test_weights_that_are_not_those_of_the_store_are_refused(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path
) -> None:
    assert "another checksum" in refusal(bank, save_adapter(tmp_path), replace(expected, sha256="0" * 64))


def test_a_truncated_weights_file_is_refused(bank: AdapterBank, save_adapter: Save, tmp_path: Path) -> None:
    path = save_adapter(tmp_path) / WEIGHTS
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "damaged or cut off" in refusal(bank, tmp_path)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, CARD])
def test_a_missing_file_is_named(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path, name: str
) -> None:
    (save_adapter(tmp_path) / name).unlink()
    assert f"{name} cannot be read" in refusal(bank, tmp_path, expected)


@pytest.mark.parametrize("name", [CONFIG, CARD])
@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": "1"}'])
def test_a_malformed_file_is_named(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path, name: str, text: str
) -> None:
    (save_adapter(tmp_path) / name).write_text(text)
    assert name in refusal(bank, tmp_path, expected)


def test_a_card_of_another_kind_of_value_is_refused(save_adapter: Save, tmp_path: Path) -> None:
    path = save_adapter(tmp_path) / CARD
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "1"}))
    with pytest.raises(AdapterRefused, match="no valid version"):
        read_card(tmp_path)


def test_another_version_in_the_folder_is_refused(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path
) -> None:
    assert "holds version 2, not 1" in refusal(bank, save_adapter(tmp_path, version=2), expected)


def test_an_adapter_of_another_base_is_refused(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path
) -> None:
    card = read_card(save_adapter(tmp_path))
    write_card(tmp_path, replace(card, base="other", base_sha256="0" * 64))
    assert "was trained for other" in refusal(bank, tmp_path, expected)


def test_a_base_that_has_changed_is_told_from_another_one(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path
) -> None:
    card = read_card(save_adapter(tmp_path))
    write_card(tmp_path, replace(card, base_sha256="0" * 64))
    assert "has changed since version 1 was trained" in refusal(bank, tmp_path, expected)


def test_a_base_that_only_moved_is_known_again(
    bank: AdapterBank, save_adapter: Save, expected: Expected, tmp_path: Path
) -> None:
    assert bank.load("moved", save_adapter(tmp_path, base="/elsewhere"), expected)


def test_another_rank_than_the_configuration_says_is_refused(
    bank: AdapterBank, save_adapter: Save, tmp_path: Path
) -> None:
    assert "with rank 8 the model wants" in refusal(bank, save_adapter(tmp_path, rank=4, r=8))


def test_a_pattern_of_ranks_that_does_not_fit_is_refused(
    bank: AdapterBank, save_adapter: Save, tmp_path: Path
) -> None:
    assert "with rank 2" in refusal(bank, save_adapter(tmp_path, rank_pattern={"k_proj": 2}))


def test_another_width_is_refused(bank: AdapterBank, save_adapter: Save, tmp_path: Path) -> None:
    def widen(tensors: Tensors) -> None:
        tensors[f"{FIRST}.lora_A.weight"] = torch.zeros(4, 33)

    assert "(4, 33)" in refusal(bank, save_adapter(tmp_path, change=widen))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_refused(
    bank: AdapterBank, save_adapter: Save, tmp_path: Path, bad: float
) -> None:
    def spoil(tensors: Tensors) -> None:
        tensors[f"{FIRST}.lora_B.weight"][3, 1] = bad

    assert "not finite" in refusal(bank, save_adapter(tmp_path, change=spoil))


def test_layers_that_the_model_does_not_have_are_refused(
    bank: AdapterBank, save_adapter: Save, tmp_path: Path
) -> None:
    folder = save_adapter(tmp_path, "gpt2", targets=("c_attn", "c_proj"))
    assert "does not have" in refusal(bank, folder)


def test_a_target_that_the_model_does_not_have_is_named(
    bank: AdapterBank, save_adapter: Save, tmp_path: Path
) -> None:
    folder = save_adapter(tmp_path, targets=("q_proj",), target_modules=["q_proj", "c_attn"])
    assert "wants to change c_attn" in refusal(bank, folder)


def test_targets_without_weights_and_weights_without_targets_are_refused(
    bank: AdapterBank, save_adapter: Save, tmp_path: Path
) -> None:
    for targets, named in (("q_proj",), ["q_proj", "v_proj"]), (("q_proj", "v_proj"), ["q_proj"]):
        folder = save_adapter(tmp_path, targets=targets, target_modules=named)
        assert "differ in their target modules" in refusal(bank, folder)


def test_half_a_pair_is_refused(bank: AdapterBank, save_adapter: Save, tmp_path: Path) -> None:
    folder = save_adapter(tmp_path, change=lambda tensors: tensors.pop(f"{FIRST}.lora_B.weight"))
    assert "only one of two parts" in refusal(bank, folder)


def test_tensors_that_are_no_lora_are_refused(bank: AdapterBank, save_adapter: Save, tmp_path: Path) -> None:
    key = "base_model.model.model.embed_tokens.lora_embedding_A"
    folder = save_adapter(tmp_path, change=lambda tensors: tensors.update({key: torch.zeros(4, 4)}))
    assert "no part of a linear layer's LoRA" in refusal(bank, folder)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"peft_type": "IA3"}, "IA3"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "biases"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"lora_bias": True}, "lora_bias"),
        ({"init_lora_weights": "pissa"}, "pissa"),
        ({"something_new": {"x": 1}}, "something_new"),
    ],
)
def test_kinds_of_adapters_that_would_be_computed_wrongly_are_refused(
    bank: AdapterBank, save_adapter: Save, tmp_path: Path, config: dict[str, object], named: str
) -> None:
    assert named in refusal(bank, save_adapter(tmp_path, **config))

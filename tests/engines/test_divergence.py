"""The divergence of an adapter's policy from its base, on replies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.engines.adapter_bank import AdapterBank, LoadedAdapter
from metaclaw_jlab.engines.divergence import ROWS, _fitting, divergences

ASKED = (Message("user", "how many?"),)


@pytest.fixture
def served(served_model: Callable[[str], Any]) -> Any:
    return served_model("qwen3")


@pytest.fixture
def bank(served: Any) -> Any:
    bank = AdapterBank(served.model)
    yield bank
    bank.close()


@pytest.fixture
def adapter(
    served: Any, bank: AdapterBank, model_folder: Callable[[str], Path], tmp_path: Path
) -> LoadedAdapter:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    causal: Any = AutoModelForCausalLM
    get_peft_model(causal.from_pretrained(model_folder("qwen3")), config).save_pretrained(tmp_path)
    return bank.load("v1", tmp_path)


def found(
    served: Any, bank: AdapterBank, replies: list[str], adapters: list[LoadedAdapter | None]
) -> list[float | None]:
    with torch.inference_mode():
        return list(divergences(served, bank, [(ASKED, reply) for reply in replies], adapters))


def test_it_is_the_mean_over_tokens_of_the_whole_distribution(
    served: Any, bank: AdapterBank, adapter: LoadedAdapter
) -> None:
    prompt = served.encode("<|user|>how many?<|assistant|>", False)
    text = [*prompt, *served.encode("seven", False)]

    def logprobs(with_adapter: LoadedAdapter | None) -> torch.Tensor:
        with torch.inference_mode(), bank.rows([with_adapter]):
            logits = served.model(input_ids=torch.tensor([text])).logits[0]
        return torch.log_softmax(logits[len(prompt) - 1 : -1], -1)

    mine, base = logprobs(adapter), logprobs(None)
    wanted = torch.nn.functional.kl_div(base, mine, log_target=True, reduction="sum") / 5
    assert found(served, bank, ["seven"], [adapter]) == [pytest.approx(float(wanted), rel=1e-4)]


def test_the_base_has_none(served: Any, bank: AdapterBank) -> None:
    assert found(served, bank, ["seven"], [None]) == [0.0]


def test_replies_that_are_read_together_count_alone(
    served: Any, bank: AdapterBank, adapter: LoadedAdapter
) -> None:
    replies = ["seven" * (1 + number % 3) for number in range(ROWS + 2)]
    together = found(served, bank, replies, [adapter] * len(replies))
    alone = [found(served, bank, [reply], [adapter])[0] for reply in replies]
    assert together == pytest.approx(alone, rel=1e-3)


def test_an_empty_reply_has_no_divergence(served: Any, bank: AdapterBank, adapter: LoadedAdapter) -> None:
    assert found(served, bank, ["", "x"], [adapter, adapter])[0] is None


def test_fewer_texts_are_read_together_where_the_vocabulary_is_large() -> None:
    assert _fitting([100] * 8, 1_000) == 8
    assert _fitting([400, 400, 500], 100_000) == 1
    assert _fitting([100, 200, 300, 3000], 60_000) == 3
    assert _fitting([100_000], 100_000) == 1

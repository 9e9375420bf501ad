"""Large models are computed in half precision where the processor has instructions for it, tiny ones never."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from metaclaw_jlab.engines import precision
from metaclaw_jlab.engines.precision import halved, halves


@pytest.fixture
def served(served_model: Callable[[str], Any]) -> Any:
    found = served_model("llama")
    return replace(found, model=copy.deepcopy(found.model))


def test_a_tiny_model_stays_as_it_is(served: Any) -> None:
    assert halved(served) is served
    assert served.model.dtype == torch.float32


def test_a_large_one_is_halved_with_its_keys_and_values(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "TINY_PARAMETERS", 0)
    monkeypatch.setattr(precision, "_has_instructions", lambda: True)
    found = halved(served)
    assert found.model.dtype == torch.bfloat16
    assert found.token_bytes * 2 == served.token_bytes


def test_positions_are_not_halved(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frequencies that are rounded by a five hundredth turn a place of 500 by a radian."""
    monkeypatch.setattr(precision, "TINY_PARAMETERS", 0)
    monkeypatch.setattr(precision, "_has_instructions", lambda: True)
    before = {name: buffer.clone() for name, buffer in served.model.named_buffers() if "inv_freq" in name}
    after = dict(halved(served).model.named_buffers())
    assert before
    assert all(torch.equal(after[name], found) for name, found in before.items())


def test_a_processor_without_instructions_computes_in_single_precision(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "TINY_PARAMETERS", 0)
    monkeypatch.setattr(precision, "_has_instructions", lambda: False)
    assert not halves(served)
    assert halved(served).model.dtype == torch.float32

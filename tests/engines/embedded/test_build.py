"""The build: one call makes a model that stock tools load, and goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from metaclaw_jlab.engines.embedded import build as build_module
from metaclaw_jlab.engines.embedded.architecture import Size
from metaclaw_jlab.engines.embedded.build import build
from metaclaw_jlab.engines.embedded.recipe import Recipe
from metaclaw_jlab.engines.embedded.training import Training
from metaclaw_jlab.practice import splits_sha256

RECIPE = Recipe(
    size=Size(width=32, layers=1, heads=2, head_width=16, feed_forward=64, positions=1024),
    vocabulary=400,
    fragments=40,
    batch_size=8,
    tokens=30_000,
)


def test_a_build_that_was_stopped_goes_on_and_writes_a_model_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_module, "TOKENIZER_TEXTS", 300)
    step = Training._step
    seen: list[int] = []

    def stopped(self: Training, *arguments: Any) -> None:
        step(self, *arguments)
        seen.append(self.progress.steps)
        if len(seen) == 3:
            self.save()
            raise KeyboardInterrupt

    monkeypatch.setattr(Training, "_step", stopped)
    output = tmp_path / "model"
    with pytest.raises(KeyboardInterrupt):
        build(output, recipe=RECIPE)
    assert not output.exists()
    built = build(output, recipe=RECIPE)
    assert built.resumed
    assert seen == list(range(1, built.steps + 1))
    assert built.tokens >= RECIPE.tokens
    assert json.loads((output / "build.json").read_text())["splits_sha256"] == splits_sha256()
    tokenizer = AutoTokenizer.from_pretrained(output)
    model = AutoModelForCausalLM.from_pretrained(output)
    assert model.dtype == torch.float32
    assert model.config.vocab_size == len(tokenizer)
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id

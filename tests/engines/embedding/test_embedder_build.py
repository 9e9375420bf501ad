"""How the shipped embedder is made."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import torch

from metaclaw_jlab.engines.embedding.build import Recipe, build, contrast, embedded, shared
from metaclaw_jlab.engines.embedding.pairs import Pair
from metaclaw_jlab.skills.shipped_embedder import GROUP_ROWS, WORD_ROWS, ShippedEmbedder, save_rows

TINY = Recipe(seed=2, dimensions=8, steps=2, pairs=16)


def test_a_build_makes_an_embedder_and_its_record(tmp_path: Path) -> None:
    built = build(tmp_path / "rows.npz", recipe=TINY)
    assert ShippedEmbedder(tmp_path / "rows.npz").dimensions == 8
    record = json.loads((tmp_path / "rows.json").read_text())
    assert (record["sha256"], record["steps"], record["seed"]) == (built.sha256, 2, 2)


def test_the_same_recipe_makes_the_same_file(tmp_path: Path) -> None:
    assert build(tmp_path / "a.npz", recipe=TINY).sha256 == build(tmp_path / "b.npz", recipe=TINY).sha256


def test_vectors_in_training_are_those_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metaclaw_jlab.engines.embedding.build._WORD_DROPOUT", 0.0)
    torch.manual_seed(1)
    rows = torch.randn(WORD_ROWS + GROUP_ROWS, 6)
    save_rows(rows.numpy(), tmp_path / "rows.npz")
    texts = ["Draw a chart of sales", "sales", ""]
    trained = embedded(rows, texts, Random(1))
    for vector, expected in zip(ShippedEmbedder(tmp_path / "rows.npz").embed(texts), trained, strict=True):
        assert vector == pytest.approx(expected.tolist(), abs=0.02)


def test_pairs_of_one_topic_are_no_counterexamples() -> None:
    batch = [
        Pair("a", "b", frozenset({"x"})),
        Pair("c", "d", frozenset({"x", "y"})),
        Pair("e", "f", frozenset({"z"})),
    ]
    assert shared(batch).tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    ones = torch.eye(3)
    alike = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [0, 0, 1.0]])
    assert contrast(ones[[0, 0, 2]], alike, shared(batch)) < 0.01

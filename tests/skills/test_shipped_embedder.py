"""The embedder that comes with the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metaclaw_jlab.core.embedder import Embedder
from metaclaw_jlab.core.errors import EmbedderError
from metaclaw_jlab.skills.shipped_embedder import (
    FILE,
    GROUP_ROWS,
    WORD_ROWS,
    ShippedEmbedder,
    save_rows,
    word_rows,
)

SHIPPED: Embedder = ShippedEmbedder()


def likeness(one: str, other: str) -> float:
    vectors = np.array(SHIPPED.embed([one, other]))
    return float(vectors[0] @ vectors[1])


def test_its_file_is_small() -> None:
    assert FILE.stat().st_size <= 2_000_000


@pytest.mark.parametrize(
    "text", ["Draw a chart", "", "...", "日付を表示", "x" * 50_000, "\ud800 half a character"]
)
def test_a_vector_has_length_one(text: str) -> None:
    (vector,) = SHIPPED.embed([text])
    assert len(vector) == SHIPPED.dimensions
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-3)


def test_a_text_alone_and_among_others_has_the_same_vector() -> None:
    assert SHIPPED.embed(["a", "Draw a chart"])[1] == SHIPPED.embed(["Draw a chart"])[0]


def test_like_words_are_nearer_than_unlike_ones() -> None:
    assert likeness("draw a chart", "save the plot") > likeness("draw a chart", "delete the file") + 0.1


def test_a_word_that_it_never_saw_is_near_to_itself() -> None:
    assert likeness("the zorbulon", "zorbulons of xyrtz") > likeness("the zorbulon", "quibberish of xyrtz")


def test_no_words_are_asked_for_no_vectors() -> None:
    assert SHIPPED.embed([]) == []


def test_its_name_tells_its_file(tmp_path: Path) -> None:
    other = tmp_path / "rows.npz"
    save_rows(np.ones((WORD_ROWS + GROUP_ROWS, 4), dtype=np.float32), other)
    assert ShippedEmbedder(other).name != SHIPPED.name
    assert ShippedEmbedder().name == SHIPPED.name


def test_written_rows_are_read_again(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(WORD_ROWS + GROUP_ROWS, 3)).astype(np.float32)
    save_rows(rows, tmp_path / "rows.npz")
    own, groups = word_rows("plot")
    expected = rows[own] + rows[list(groups)].mean(axis=0)
    (vector,) = ShippedEmbedder(tmp_path / "rows.npz").embed(["plot"])
    assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=0.02)


def test_equal_rows_make_equal_files(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(WORD_ROWS + GROUP_ROWS, 2)).astype(np.float32)
    for name in ("one.npz", "other.npz"):
        save_rows(rows, tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"no archive", FILE.name.encode() * 100])
def test_a_missing_or_damaged_file_is_said(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EmbedderError, match="metaclaw practice embedder"):
        ShippedEmbedder(path).embed(["text"])


def test_it_needs_no_torch() -> None:
    code = (
        "import sys; from metaclaw_jlab.skills.shipped_embedder import ShippedEmbedder;"
        "ShippedEmbedder().embed(['draw a chart']); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

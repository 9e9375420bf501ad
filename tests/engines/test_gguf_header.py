from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines.gguf_header import read_header

Pair = Callable[..., tuple[Any, Path]]


def test_it_says_what_the_gguf_package_says(spoken_gguf: Pair) -> None:
    import gguf

    path = spoken_gguf("qwen2", head_noise=0.01)[1]
    header, reader = read_header(path), gguf.GGUFReader(path)
    theirs = {name: field.contents() for name, field in reader.fields.items() if name[:5] != "GGUF."}
    assert header.values == theirs
    assert {name: (one.shape, one.bits) for name, one in header.tensors.items()} == {
        one.name: (tuple(map(int, reversed(one.shape))), 8 * int(one.n_bytes) / int(one.n_elements))
        for one in reader.tensors
    }


def test_a_file_that_is_cut_off_anywhere_is_told(spoken_gguf: Pair, tmp_path: Path) -> None:
    whole = spoken_gguf("llama")[1].read_bytes()
    path = tmp_path / "cut.gguf"
    for length in [*range(4, 200, 13), *range(200, len(whole), 10_007), len(whole) - 32]:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelUnusable, match=r"cut\.gguf cannot be read"):
            read_header(path)


def test_damaged_lengths_take_no_memory(spoken_gguf: Pair, tmp_path: Path) -> None:
    raw = bytearray(spoken_gguf("llama")[1].read_bytes())
    path = tmp_path / "bad.gguf"
    for place in (8, 16, 24):
        spoilt = raw.copy()
        spoilt[place : place + 8] = b"\xff" * 7 + b"\x7f"
        path.write_bytes(spoilt)
        with pytest.raises(ModelUnusable, match=r"bad\.gguf cannot be read"):
            read_header(path)


def test_a_number_that_is_not_there_is_told(spoken_gguf: Pair) -> None:
    header = read_header(spoken_gguf("llama")[1])
    assert header.number("block_count") == 2
    assert header.number("expert_count", 0) == 0
    with pytest.raises(ModelUnusable, match="no single expert_count"):
        header.number("expert_count")

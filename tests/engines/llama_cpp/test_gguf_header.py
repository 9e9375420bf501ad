from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from tiny_gguf import CONTEXT, HEADS, KEY_HEADS, LAYERS, WIDTH

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines.llama_cpp.gguf_header import GgufHeader, read_header


def test_the_head_tells_what_memory_depends_on(tiny_model: Path) -> None:
    of_a_token = LAYERS * 2 * KEY_HEADS * (WIDTH // HEADS) * 2  # keys and values, two bytes each
    assert read_header(tiny_model) == GgufHeader("llama", CONTEXT, of_a_token)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"PK\x03\x04 an archive")
    with pytest.raises(ModelUnusable, match="is no GGUF file"):
        read_header(tmp_path / "m.gguf")


@pytest.mark.parametrize("length", [4, 10, 24, 30, 60, 200])
def test_a_file_that_is_cut_off_says_so(tiny_model: Path, tmp_path: Path, length: int) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_model.read_bytes()[:length])
    with pytest.raises(ModelUnusable, match="is damaged or cut off"):
        read_header(cut)


def test_a_file_that_tells_nothing_leaves_it_open(tmp_path: Path) -> None:
    path = tmp_path / "bare.gguf"
    path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(16))
    assert read_header(path) == GgufHeader("", None, None)


def headed(path: Path, *values: tuple[str, int, bytes]) -> Path:
    """A file of these values: name, kind and bytes."""
    told = b"".join(
        struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value
        for name, kind, value in values
    )
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(values)) + told)
    return path


def test_numbers_that_are_none_are_passed_over(tmp_path: Path) -> None:
    factors = struct.pack("<IQ2f", 6, 2, math.nan, math.inf)
    name = struct.pack("<Q", 5) + b"llama"
    context = ("llama.context_length", 4, struct.pack("<I", 64))
    path = headed(tmp_path / "m.gguf", ("general.architecture", 8, name), ("x.factors", 9, factors), context)
    assert read_header(path) == GgufHeader("llama", 64, None)


def test_arrays_without_an_end_are_damage(tmp_path: Path) -> None:
    path = headed(tmp_path / "m.gguf", ("x", 9, struct.pack("<IQ", 9, 1) * 20_000))
    with pytest.raises(ModelUnusable, match="is damaged or cut off"):
        read_header(path)

from __future__ import annotations

from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines.llama_cpp import capacity as capacity_module
from metaclaw_jlab.engines.llama_cpp.capacity import (
    SLOT_TOKENS,
    Capacity,
    capacity,
    free_memory,
    physical_cores,
)
from metaclaw_jlab.engines.llama_cpp.gguf_header import GgufHeader
from metaclaw_jlab.policies.catalogue import WORK_BYTES
from metaclaw_jlab.runtime.memory import Memory

LARGE = GgufHeader("llama", 32768, 1 << 16)
ONE_SLOT = SLOT_TOKENS * (1 << 16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "m.gguf").write_bytes(bytes(1000))
    return tmp_path / "m.gguf"


def room(file: Path, slots_that_fit: int) -> int:
    return file.stat().st_size + WORK_BYTES + slots_that_fit * ONE_SLOT


def test_every_slot_has_the_usual_context(file: Path) -> None:
    assert capacity(file, LARGE, 4, 0, 1 << 40) == Capacity(4, SLOT_TOKENS)


def test_the_context_of_the_model_is_not_passed(file: Path) -> None:
    assert capacity(file, GgufHeader("llama", 2048, 1), 4, 8192, 1 << 40).slot_tokens == 2048


def test_a_larger_context_can_be_asked_for(file: Path) -> None:
    assert capacity(file, LARGE, 4, 16384, 1 << 40).slot_tokens == 16384


def test_little_memory_is_for_fewer_at_once(file: Path) -> None:
    assert [capacity(file, LARGE, 4, 0, room(file, fit)).slots for fit in (4, 3, 2, 1)] == [4, 2, 2, 1]


def test_too_little_memory_is_one_sentence(file: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"m\.gguf needs 0\.6 GiB of memory, and 0\.6 GiB are free"):
        capacity(file, LARGE, 4, 0, room(file, 1) - 1)


def test_there_is_a_core() -> None:
    assert physical_cores() >= 1


def test_what_is_free_is_what_the_container_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity_module, "memory", lambda: Memory(4 << 30, 1 << 30))
    assert free_memory() == 1 << 30

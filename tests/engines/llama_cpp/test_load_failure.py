from __future__ import annotations

from pathlib import Path

import pytest
from tiny_gguf import write_adapter, write_model

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines.llama_cpp.child import Child
from metaclaw_jlab.engines.llama_cpp.instance import Setup
from metaclaw_jlab.engines.llama_cpp.load_failure import load_failure


def told(path: Path, *lines: str, code: int = 1) -> str:
    return str(load_failure("tiny", path, lines, code).cause)


def test_a_lack_of_memory_is_named(tiny_model: Path) -> None:
    line = "0.00.1 E ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 99"
    assert told(tiny_model, line) == "The memory does not hold tiny."
    assert told(tiny_model, code=-9) == "The memory does not hold tiny."


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    assert told(tmp_path / "m.gguf", "anything") == f"The file {tmp_path / 'm.gguf'} of tiny is gone."


def test_whatever_else_it_says_is_passed_on(tiny_model: Path) -> None:
    lines = (
        "0.00.004.112 E llama_model_load: error loading model: the moon is full",
        "0.00.2 E srv: exiting",
    )
    expected = "llama.cpp cannot load tiny: llama_model_load: error loading model: the moon is full."
    assert told(tiny_model, *lines) == expected


def loading(path: Path, adapter: str = "") -> str:
    child = Child(Setup(str(path), "tiny", adapter, 1, 512, 1, "key"), lambda _: None)
    with pytest.raises(ModelUnusable) as error:
        child.address()
    child.stop()
    return error.value.cause


def test_an_architecture_that_llama_cpp_does_not_know_is_named(tmp_path: Path) -> None:
    path = write_model(tmp_path / "odd.gguf", architecture="strange")
    assert loading(path) == "llama.cpp does not know the architecture strange of tiny."


def test_a_file_without_its_end_is_damaged(tiny_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny_model.read_bytes()[:-20000])
    assert loading(cut) == f"{cut} is damaged or cut off."


def test_an_adapter_that_does_not_fit_is_not_the_models_fault(tiny_model: Path, tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "other.gguf", seed=1, width=64)
    assert loading(tiny_model, str(adapter)).startswith("llama.cpp cannot load tiny: ")

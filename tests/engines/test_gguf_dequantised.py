from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines.gguf_conversion import convert, read_gguf
from metaclaw_jlab.engines.gguf_dequantised import write_dequantised

Pair = Callable[..., tuple[Any, Path]]


def quantised(source: Path, target: Path) -> Path:
    """The file again, its matrices at 8 bits."""
    import gguf
    from gguf.quants import quantize

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "llama")
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            inner = field.types[1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    for one in reader.tensors:
        kind = gguf.GGMLQuantizationType.Q8_0 if len(one.shape) > 1 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(one.name, quantize(one.data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def test_the_weights_are_those_of_the_made_safetensors(spoken_gguf: Pair, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    packed = quantised(spoken_gguf("llama")[1], tmp_path / "packed.gguf")
    plain = write_dequantised(packed, tmp_path / "plain.gguf")
    folders = [tmp_path / "of-packed", tmp_path / "of-plain"]
    for path, folder in zip((packed, plain), folders, strict=True):
        folder.mkdir()
        convert(path, folder)
    ours, theirs = (load_file(folder / "model.safetensors") for folder in folders)
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_all_weights_are_plain(spoken_gguf: Pair, tmp_path: Path) -> None:
    packed = quantised(spoken_gguf("llama")[1], tmp_path / "packed.gguf")
    assert min(one.bits for one in read_gguf(packed).tensors.values()) < 9
    plain = write_dequantised(packed, tmp_path / "plain.gguf")
    assert {one.bits for one in read_gguf(plain).tensors.values()} == {32.0}


def test_a_tied_head_is_left_out_and_stays_the_finer_one(spoken_gguf: Pair, tmp_path: Path) -> None:
    model, path = spoken_gguf("qwen2", head_noise=0.01)
    plain = write_dequantised(path, tmp_path / "plain.gguf", tied=True)
    assert "output.weight" not in read_gguf(plain).tensors
    folder = tmp_path / "made"
    folder.mkdir()
    convert(plain, folder)
    from safetensors.torch import load_file

    made = load_file(folder / "model.safetensors")["model.embed_tokens.weight"]
    assert torch.allclose(made.float(), 1.01 * model.lm_head.weight, rtol=1e-3)


def test_what_is_no_model_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelUnusable, match=r"bad\.gguf cannot be read"):
        write_dequantised(tmp_path / "bad.gguf", tmp_path / "plain.gguf")
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.gguf"]

"""LoRA adapters for llama.cpp: a PEFT adapter written as a GGUF file, for the base model's own GGUF file.

The file of a published version is `<home>/adapters/v<N>/adapter.gguf`, beside the weights that it is made of; the
checksum of an adapter is of its weights alone, so that it stays whole.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import AdapterRefused, ModelUnusable
from metaclaw_jlab.engines.adapter_card import WEIGHTS, AdapterCard, read_card
from metaclaw_jlab.engines.base_identity import file_sha256, identity_of
from metaclaw_jlab.engines.gguf_header import read_header
from metaclaw_jlab.runtime.home import Home, home_error, replace_private

if TYPE_CHECKING:
    import numpy as np

    from metaclaw_jlab.engines.adapter_weights import Expected, Factors, Layer

FILE = "adapter.gguf"
RECORD = "adapter.gguf.json"
LINEAR = (
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
)
# llama.cpp turns the pairs of neighbours where transformers turns the halves; files of `llama` have the rows of
# queries and keys in that order, and so must what is added to them.
INTERLEAVED = frozenset({"llama"})
ARCHITECTURES = INTERLEAVED | {"qwen2", "qwen3"}


@dataclass(frozen=True, slots=True)
class GgufBase:
    """What an adapter must know of a GGUF model: its linear layers, by their names in transformers."""

    architecture: str
    heads: int
    key_heads: int
    tensors: dict[str, str]
    layers: dict[str, Layer]


def gguf_adapter(
    home: Home, version: int, base_place: Path, *, base: str | None = None, sha256: str | None = None
) -> Path:
    """The GGUF file of a published adapter for the model file `base_place`, made where that has not been done.

    `base`: the name that the model is served under; `sha256`: of the weights, as the store has it. The weights are
    checked against both on every call, the identity of the base once a file is made: by the safetensors of that name,
    or where only the GGUF file is here by the name. Raises AdapterRefused, ModelUnusable, StoreFull, StoreReadOnly.
    """
    folder = home.adapters / f"v{version}"
    card = read_card(folder)
    _check(folder, card, version, base, sha256)
    target, record = folder / FILE, folder / RECORD
    made_of = {"weights": card.sha256, "base": _stamp(base_place)}
    if _is_current(target, record, made_of):
        return target

    from metaclaw_jlab.engines.adapter_weights import Expected

    served = base or card.base
    expected = Expected(served, lambda: _identity(home, card), version, sha256)
    try:
        write_gguf_adapter(folder, base_place, target, expected)
        replace_private(record, json.dumps(made_of | {"sha256": file_sha256(target)}))
    except OSError as error:
        if isinstance(error, ModelUnusable):
            raise
        raise home_error(home.path, error) from error
    return target


def write_gguf_adapter(
    peft_folder: Path, base_gguf: Path, target: Path, expected: Expected | None = None
) -> Path:
    """Write a PEFT adapter of linear layers in llama.cpp's format, in float32; a reader sees all of `target` or none.

    Raises AdapterRefused where the adapter is not such a one or does not fit, ModelUnusable, OSError.
    """
    from metaclaw_jlab.engines.adapter_weights import read_adapter

    base = read_base(base_gguf)
    factors = read_adapter(peft_folder, base.layers, expected)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        _write(draft, base, factors)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def read_base(path: Path) -> GgufBase:
    """The linear layers of a GGUF model. Raises ModelUnusable where adapters for it cannot be written."""
    import gguf
    import torch

    from metaclaw_jlab.engines.adapter_weights import Layer

    header = read_header(path)
    architecture = str(header.values.get("general.architecture"))
    if architecture not in ARCHITECTURES:
        raise ModelUnusable(
            f"{path.name} is a model of the kind {architecture}; adapters are written for "
            f"{', '.join(sorted(ARCHITECTURES))} only.",
            "Serve its safetensors: policy.local_form safetensors.",
        )
    blocks, heads = header.number("block_count"), header.number("attention.head_count")
    key_heads = header.number("attention.head_count_kv", heads)
    tensors, layers = {}, {}
    known = next(arch for arch, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    names = gguf.get_tensor_name_map(known, blocks)
    for name in (f"model.layers.{block}.{one}" for block in range(blocks) for one in LINEAR):
        tensor = f"{names.get_name(name)}.weight"
        if tensor in header.tensors:
            outputs, inputs = header.tensors[tensor].shape
            tensors[name] = tensor
            layers[name] = Layer(inputs, outputs, torch.float32, torch.device("cpu"))
    return GgufBase(architecture, heads, key_heads, tensors, layers)


def interleaved(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows (outputs, n) of queries or keys in the order of llama.cpp's `llama`: halves of a head become pairs."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def _write(path: Path, base: GgufBase, factors: dict[str, Factors]) -> None:
    import gguf
    import numpy as np

    # The factors are scaled already, so that alpha / rank has to be 1 where all layers have the same rank.
    alpha = float(max(one.rank for one in factors.values()))
    writer = gguf.GGUFWriter(path, base.architecture)
    try:
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
        for name in (known for known in base.tensors if known in factors):
            one = factors[name]
            up = (one.up * (one.rank / alpha)).numpy()
            if base.architecture in INTERLEAVED and name.endswith(("q_proj", "k_proj")):
                up = interleaved(up, base.heads if name.endswith("q_proj") else base.key_heads)
            writer.add_tensor(f"{base.tensors[name]}.lora_a", one.down.numpy())
            writer.add_tensor(f"{base.tensors[name]}.lora_b", np.ascontiguousarray(up))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _check(folder: Path, card: AdapterCard, version: int, base: str | None, sha256: str | None) -> None:
    again = "Train again, or put its files back."
    if not (folder / WEIGHTS).is_file():
        raise AdapterRefused(f"{folder / WEIGHTS} is not there.", again)
    if file_sha256(folder / WEIGHTS) != card.sha256 or sha256 not in (None, card.sha256):
        raise AdapterRefused(
            f"The weights in {folder} are not those that were published: {WEIGHTS} has another checksum.",
            again,
        )
    if card.version != version:
        raise AdapterRefused(f"{folder} holds version {card.version}, not {version}.", again)
    if base not in (None, card.base):
        raise AdapterRefused(
            f"Version {version} was trained for {card.base}, and {base} is served here.",
            f"Serve {card.base}, or train an adapter for {base}.",
        )


def _identity(home: Home, card: AdapterCard) -> str:
    """The identity of the base as its safetensors tell it; without them the name and the shapes must do."""
    try:
        return identity_of(home, card.base)
    except ModelUnusable:
        return card.base_sha256


def _stamp(base_place: Path) -> list[int]:
    try:
        status = base_place.stat()
    except OSError as error:
        raise ModelUnusable(
            f"{base_place} cannot be read ({error.strerror}).", "Get the model again: metaclaw models get"
        ) from error
    return [status.st_size, status.st_mtime_ns]


def _is_current(target: Path, record: Path, made_of: dict[str, Any]) -> bool:
    """Whether the file is there, whole, and made of these weights for this model."""
    with suppress(OSError, ValueError, AttributeError, ModelUnusable):
        told = json.loads(record.read_text(encoding="utf-8"))
        same = all(told.get(key) == value for key, value in made_of.items())
        return same and file_sha256(target) == told.get("sha256")
    return False

"""What stands at the beginning of a GGUF file: its values, and which tensors it holds, read in a second at most."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.policies.model_request import check_gguf

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
VERSIONS = (2, 3)


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """A tensor: `shape` is (outputs, inputs), `bits` are those of a weight, its scale counted."""

    shape: tuple[int, ...]
    bits: float
    end: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """The values of a file by their keys, and its tensors by their names."""

    values: dict[str, Any]
    tensors: dict[str, GgufTensor]

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number of the model's own architecture, `default` where there is none. Raises ModelUnusable."""
        found = self.values.get(f"{self.values.get('general.architecture')}.{name}", default)
        if not isinstance(found, int):
            raise ModelUnusable(f"The file has no single {name}.", "Take another model.")
        return found


def read_header(path: Path) -> GgufHeader:
    """The header of a GGUF file that is as long as it says. Raises ModelUnusable."""
    check_gguf(path)
    try:
        length = path.stat().st_size
        with path.open("rb") as file:
            file.seek(4)
            (version,) = _read(file, "I")
            if version not in VERSIONS:
                raise ValueError(f"its version is {version}")
            count, keys = _read(file, "QQ")
            values = dict(_entry(file, length) for _ in range(keys))
            tensors = dict(_tensor(file, length) for _ in range(count))
            alignment = int(values.get("general.alignment", 32))
            begin = -(-file.tell() // alignment) * alignment
    except (ValueError, KeyError, TypeError, OSError, struct.error) as error:
        raise ModelUnusable(
            f"{path.name} cannot be read as a model ({error}).", "Get the file again."
        ) from error
    if any(begin + one.end > length for one in tensors.values()):
        raise ModelUnusable(f"{path.name} cannot be read as a model (it is cut off).", "Get the file again.")
    return GgufHeader(values, tensors)


def _read(file: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{form}", file.read(struct.calcsize(f"<{form}")))


def _text(file: BinaryIO, length: int) -> str:
    (size,) = _read(file, "Q")
    if size > length:
        raise ValueError("it is damaged")
    raw = file.read(size)
    if len(raw) < size:
        raise ValueError("it is cut off")
    return raw.decode("utf-8", errors="replace")


def _entry(file: BinaryIO, length: int) -> tuple[str, Any]:
    key = _text(file, length)
    (kind,) = _read(file, "I")
    if kind != ARRAY:
        return key, _text(file, length) if kind == STRING else _read(file, SCALARS[kind])[0]
    kind, count = _read(file, "IQ")
    if count > length:
        raise ValueError("it is damaged")
    if kind == STRING:
        return key, [_text(file, length) for _ in range(count)]
    return key, list(_read(file, f"{count}{SCALARS[kind]}"))


def _tensor(file: BinaryIO, length: int) -> tuple[str, GgufTensor]:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    name = _text(file, length)
    (dimensions,) = _read(file, "I")
    if dimensions > 8:
        raise ValueError("it is damaged")
    shape = tuple(reversed(_read(file, f"{dimensions}Q")))
    kind, offset = _read(file, "IQ")
    block, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    elements = 1
    for one in shape:
        elements *= one
    return name, GgufTensor(shape, 8 * size / block, offset + elements // block * size)

"""The head of a GGUF file: what the memory of a model depends on, read in a millisecond.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.policies.model_request import check_gguf

NUMBERS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
TEXT, ARRAY = 8, 9
FRACTIONS = frozenset({6, 12})
LONGEST_TEXT = 1 << 24
LONGEST_ARRAY = 1 << 16
KEY_VALUE_BYTES = 2  # llama.cpp keeps keys and values at 16 bits
Value = str | int | float | bool | list[int] | None


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """`context` in tokens and `token_bytes`, the keys and values of one token; None where the file does not say."""

    architecture: str
    context: int | None
    token_bytes: int | None


def read_header(path: Path) -> GgufHeader:
    """The head of a model file. Raises ModelUnusable where it is no GGUF file, cut off, or of another byte order."""
    check_gguf(path)
    try:
        with path.open("rb") as file:
            found = _values(file)
    except (struct.error, ValueError, OverflowError, RecursionError) as error:
        raise ModelUnusable(f"{path} is damaged or cut off.", "Get it again.") from error
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}).", "Check the file.") from error
    architecture = str(found.get("general.architecture", ""))
    return GgufHeader(
        architecture,
        _whole(found.get(f"{architecture}.context_length")),
        _token_bytes(found, architecture),
    )


def _values(file: BinaryIO) -> dict[str, Value]:
    """The metadata before the vocabulary, which writers put last."""
    file.seek(4)
    _, _, count = struct.unpack("<IQQ", file.read(20))
    found: dict[str, Value] = {}
    for _ in range(count):
        name = _text(file)
        if name.startswith("tokenizer."):
            break
        found[name] = _value(file, _number(file, 4))
    return found


def _value(file: BinaryIO, kind: int) -> Value:
    if kind == TEXT:
        return _text(file)
    if kind != ARRAY:
        return _number(file, kind)
    inner, count = _number(file, 4), _number(file, 10)
    if inner in NUMBERS:
        return _numbers(file, inner, count)
    for _ in range(count):
        _value(file, inner)
    return None


def _numbers(file: BinaryIO, kind: int, count: int) -> list[int] | None:
    """An array; None for one of fractions, or longer than any that is looked at."""
    size = count * struct.calcsize(NUMBERS[kind])
    if kind in FRACTIONS or count > LONGEST_ARRAY:
        file.seek(size, 1)
        return None
    return [int(value) for value in struct.unpack(f"<{count}{NUMBERS[kind][1]}", file.read(size))]


def _number(file: BinaryIO, kind: int) -> int:
    if kind not in NUMBERS:
        raise struct.error(f"there is no kind {kind}")
    form = NUMBERS[kind]
    value: int = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return value


def _text(file: BinaryIO) -> str:
    length = _number(file, 10)
    if length > LONGEST_TEXT:
        raise struct.error("a text is longer than any can be")
    raw = file.read(length)
    if len(raw) < length:
        raise struct.error("the file ends in a text")
    return raw.decode()


def _token_bytes(found: dict[str, Value], architecture: str) -> int | None:
    def at(name: str) -> Value:
        return found.get(f"{architecture}.{name}")

    layers, width, heads = (
        _whole(at(name)) for name in ("block_count", "embedding_length", "attention.head_count")
    )
    if not layers or not width or not heads:
        return None
    key = _whole(at("attention.key_length")) or width // heads
    value = _whole(at("attention.value_length")) or width // heads
    key_heads = at("attention.head_count_kv")
    total = sum(key_heads) if isinstance(key_heads, list) else layers * (_whole(key_heads) or heads)
    return total * (key + value) * KEY_VALUE_BYTES


def _whole(value: Value) -> int | None:
    """A number; of one for each layer the largest."""
    if isinstance(value, list):
        return max(value, default=None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None

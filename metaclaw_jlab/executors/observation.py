"""What is kept of an output: text without control sequences, its first and its last part."""

from __future__ import annotations

import codecs
import re

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(text: str) -> str:
    """Text that any store and prompt can hold: no terminal sequences, control characters or lone surrogates."""
    if text.isascii() and text.isprintable():
        return text
    text = _CONTROLS.sub("\ufffd", _ESCAPES.sub("", text))
    return text.encode("utf-8", "replace").decode()


def decode(data: bytes) -> str:
    """Any bytes as clean text."""
    return clean(data.decode("utf-8", "replace"))


def cut(text: str, limit: int) -> tuple[str, int]:
    """The first and the last part of a text with at most `limit` characters, and how many were left out."""
    if len(text) <= limit:
        return text, 0
    head, tail = _parts(limit)
    left_out = len(text) - head - tail
    return _join(text[:head], text[-tail:], left_out), left_out


class Clip:
    """Takes an output of any length piece by piece and holds at most twice `limit` characters of it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._head = ""
        self._tail = ""
        self._length = 0

    def feed(self, data: bytes) -> str:
        """Take a piece; gives back the text of it that falls into the first part, to be shown as it comes."""
        text = self._decoder.decode(data)
        self._length += len(text)
        shown = text[: self._limit - len(self._head)]
        self._head += shown
        self._tail = (self._tail + text[len(shown) :])[-self._limit :]
        return clean(shown)

    def finish(self) -> tuple[str, int]:
        """The text that is kept, and how many characters were left out."""
        rest = self._decoder.decode(b"", final=True)
        self._length += len(rest)
        self._tail = (self._tail + rest)[-self._limit :]
        if self._length <= self._limit:
            return clean(self._head + self._tail), 0
        head, tail = _parts(self._limit)
        left_out = self._length - head - tail
        last = (self._head[head:] + self._tail)[-tail:]
        return clean(_join(self._head[:head], last, left_out)), left_out


def _parts(limit: int) -> tuple[int, int]:
    tail = max(1, limit // 3)
    return limit - tail, tail


def _join(first: str, last: str, left_out: int) -> str:
    return f"{first}\n[... {left_out} characters left out ...]\n{last}"

"""Frames between pool, keeper and runner: a JSON header and bytes. Never pickle: one end is not trusted."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, TypeAlias

Frame: TypeAlias = tuple[dict[str, Any], bytes]

_LENGTHS = struct.Struct("!IQ")
_CHUNK = 1 << 18


class FrameReader:
    """Puts frames together from pieces, so that a sender who stops half-way blocks nobody."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Frame | None:
        """The next frame, or None where it is not complete yet. Raises ValueError for what is no frame."""
        self._buffer += data
        if len(self._buffer) < _LENGTHS.size:
            return None
        header_length, blob_length = _LENGTHS.unpack_from(self._buffer)
        if header_length + blob_length > self._limit:
            raise ValueError("A frame is longer than its limit.")
        start = _LENGTHS.size + header_length
        end = start + blob_length
        if len(self._buffer) < end:
            return None
        header = json.loads(self._buffer[_LENGTHS.size : start])
        blob = bytes(self._buffer[start:end])
        del self._buffer[:end]
        if not isinstance(header, dict):
            raise ValueError("A frame's header is no object.")
        return header, blob


def send(channel: socket.socket, header: Mapping[str, Any], blob: bytes = b"") -> None:
    """Send one frame. Raises OSError where the other end is gone."""
    text = json.dumps(header).encode()
    channel.sendall(_LENGTHS.pack(len(text), len(blob)) + text + blob)


def receive(channel: socket.socket, reader: FrameReader) -> Frame | None:
    """Wait for one frame; None at the end of the stream. Raises OSError, ValueError."""
    frame = reader.feed(b"")
    while frame is None:
        data = channel.recv(_CHUNK)
        if not data:
            return None
        frame = reader.feed(data)
    return frame


def pack(files: Mapping[str, bytes]) -> Frame:
    """Files as a frame: their names and sizes, then their bytes one after the other."""
    return {"files": [(path, len(data)) for path, data in files.items()]}, b"".join(files.values())


def unpack(frame: Frame) -> dict[str, bytes]:
    """The files of a frame that `pack` made."""
    header, blob = frame
    files, start = {}, 0
    for path, size in header["files"]:
        files[path] = blob[start : start + size]
        start += size
    return files

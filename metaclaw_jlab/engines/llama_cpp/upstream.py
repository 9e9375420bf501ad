"""A request to an instance, by hand: bytes are passed on as they come, and nothing is read twice.

llama.cpp answers HTTP/1.1 with a length or in chunks, and closes the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from metaclaw_jlab.core.errors import UpstreamError
from metaclaw_jlab.engines.llama_cpp.running_instance import Address

PIECE = 1 << 16
LONGEST_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, and its body as it comes."""

    status: int
    content_type: bytes
    pieces: AsyncIterator[bytes]

    async def whole(self) -> bytes:
        """The whole body. Raises UpstreamError."""
        return b"".join([piece async for piece in self.pieces])


@asynccontextmanager
async def post(address: Address, path: str, body: bytes) -> AsyncIterator[Reply]:
    """Send a request; leaving the context early closes the connection, which ends the generation.

    Raises UpstreamError where the instance is gone or goes away.
    """
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {address.host}:{address.port}\r\nAuthorization: Bearer {address.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    try:
        reader, writer = await asyncio.open_connection(address.host, address.port, limit=LONGEST_HEAD)
    except OSError as error:
        raise _gone() from error
    try:
        writer.write(head.encode() + body)
        yield await _reply(reader)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _reply(reader: asyncio.StreamReader) -> Reply:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
        first, *lines = raw[:-4].split(b"\r\n")
        status = int(first.split(b" ", 2)[1])
    except (OSError, EOFError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
        raise _gone() from error
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
    }
    chunked = headers.get(b"transfer-encoding", b"").lower() == b"chunked"
    pieces = _chunks(reader) if chunked else _counted(reader, int(headers.get(b"content-length", b"0")))
    return Reply(status, headers.get(b"content-type", b"application/json"), pieces)


async def _counted(reader: asyncio.StreamReader, left: int) -> AsyncIterator[bytes]:
    while left:
        piece = await _read(reader)
        left -= len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    chunks = Chunks()
    while not chunks.ended:
        found = chunks.feed(await _read(reader))
        if found:
            yield found


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        piece = await reader.read(PIECE)
    except OSError as error:
        raise _gone() from error
    if not piece:
        raise _gone()
    return piece


class Chunks:
    """The body of chunked bytes, whatever pieces they come in (RFC 9112, 7.1); no trailers are expected."""

    def __init__(self) -> None:
        self.ended = False
        self._left = b""

    def feed(self, data: bytes) -> bytes:
        """What these bytes add to the body. Raises UpstreamError where they are no chunks."""
        data = self._left + data if self._left else data
        at, found = 0, []
        while (line := data.find(b"\r\n", at)) >= 0:
            try:
                size = int(data[at:line], 16)
            except ValueError as error:
                raise _gone() from error
            end = line + 2 + size
            if len(data) < end + 2:
                break
            if not size:
                self.ended = True
                break
            found.append(data[line + 2 : end])
            at = end + 2
        self._left = data[at:]
        return b"".join(found)


def _gone() -> UpstreamError:
    return UpstreamError("llama.cpp broke down before the answer was whole.", "Ask again.")

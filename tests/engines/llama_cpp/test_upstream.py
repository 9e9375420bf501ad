from __future__ import annotations

import asyncio
import socket

import pytest

from metaclaw_jlab.core.errors import UpstreamError
from metaclaw_jlab.engines.llama_cpp.running_instance import Address
from metaclaw_jlab.engines.llama_cpp.upstream import Chunks, post

RAW = b"5\r\nhello\r\n1a\r\n, this is a longer chunk\r\n\r\n0\r\n\r\n"
WHOLE = b"hello, this is a longer chunk\r\n"


@pytest.mark.parametrize("size", range(1, len(RAW) + 1))
def test_a_body_is_the_same_in_whatever_pieces_it_comes(size: int) -> None:
    chunks = Chunks()
    found = b"".join(chunks.feed(RAW[at : at + size]) for at in range(0, len(RAW), size))
    assert (found, chunks.ended) == (WHOLE, True)


def test_bytes_that_are_no_chunks_are_refused() -> None:
    with pytest.raises(UpstreamError):
        Chunks().feed(b"nonsense\r\n")


def answered(raw: bytes) -> tuple[int, bytes]:
    """What comes of these bytes as the whole answer of a server."""

    async def run() -> tuple[int, bytes]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(raw)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            address = Address("127.0.0.1", server.sockets[0].getsockname()[1], "key", folds=False)
            async with post(address, "/v1/x", b"") as reply:
                return reply.status, await reply.whole()

    return asyncio.run(run())


def test_an_answer_with_a_length_is_read_to_its_end() -> None:
    assert answered(b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nabc") == (400, b"abc")


def test_an_answer_in_chunks_is_read_to_its_end() -> None:
    assert answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + RAW) == (200, WHOLE)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"nonsense\r\n\r\n",
    ],
)
def test_an_answer_that_is_cut_off_is_an_error(raw: bytes) -> None:
    with pytest.raises(UpstreamError, match="Ask again"):
        answered(raw)


def test_nobody_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    async def ask() -> None:
        async with post(Address("127.0.0.1", port, "key", folds=False), "/v1/x", b""):
            pass

    with pytest.raises(UpstreamError):
        asyncio.run(ask())

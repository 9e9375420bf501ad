"""One completion request over HTTP: from the decoder's pieces to the client, and back when the client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.types import Receive, Scope, Send

from metaclaw_jlab.engines.answers import Envelope, error_body, event
from metaclaw_jlab.engines.decoding import Decoder
from metaclaw_jlab.engines.loopback_http import send_json, while_connected
from metaclaw_jlab.engines.rows import Piece, Request

EVENT_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


class Exchange:
    """An ASGI response that decodes one request. A client that leaves, streaming or not, ends the decoding."""

    def __init__(
        self,
        decoder: Decoder,
        envelope: Envelope,
        make: Callable[[Callable[[Piece], None]], Request],
        *,
        rows: int,
        stream: bool,
        with_usage: bool,
    ) -> None:
        self._decoder = decoder
        self._envelope = envelope
        self._make = make
        self._rows = rows
        self._stream = stream
        self._with_usage = with_usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Answer, or stop as soon as the client is gone."""
        await while_connected(receive, self._answer(send))

    async def _answer(self, send: Send) -> None:
        async with self._pieces() as pieces:
            if self._stream:
                await self._send_stream(send, pieces)
            else:
                await self._send_whole(send, pieces)

    @asynccontextmanager
    async def _pieces(self) -> AsyncIterator[asyncio.Queue[Piece]]:
        """The decoder's pieces; leaving early cancels the request."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Piece] = asyncio.Queue()

        def deliver(piece: Piece) -> None:
            # The loop may have ended while rows were still decoded.
            if not loop.is_closed():
                loop.call_soon_threadsafe(queue.put_nowait, piece)

        ticket = self._decoder.submit(self._make(deliver))
        try:
            yield queue
        finally:
            self._decoder.cancel(ticket)

    async def _send_whole(self, send: Send, pieces: asyncio.Queue[Piece]) -> None:
        found: list[Piece] = []
        while len(found) < self._rows:
            piece = await pieces.get()
            if piece.error is not None:
                await send_json(send, 500, error_body(piece.error, "server_error"))
                return
            self._envelope.count(piece)
            found.append(piece)
        await send_json(send, 200, self._envelope.answer(found))

    async def _send_stream(self, send: Send, pieces: asyncio.Queue[Piece]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": EVENT_HEADERS})
        openings = [self._envelope.shape.opening(index) for index in range(self._rows)]
        await self._body(send, b"".join(self._chunk([one]) for one in openings if one))
        left = self._rows
        while left:
            # Everything that has arrived goes out in one write: fewer system calls when many rows stream.
            batch = [await pieces.get()]
            while not pieces.empty():
                batch.append(pieces.get_nowait())
            data = b""
            for piece in batch:
                if piece.error is not None:
                    await self._body(send, data + event(error_body(piece.error, "server_error")), last=True)
                    return
                self._envelope.count(piece)
                left -= piece.finish_reason is not None
                data += self._chunk([self._envelope.shape.delta(piece)])
            await self._body(send, data)
        usage = b""
        if self._with_usage:
            usage = self._envelope.chunk([], self._envelope.usage(), with_usage=True)
        await self._body(send, usage + event(b"[DONE]"), last=True)

    def _chunk(self, choices: list[dict[str, object]]) -> bytes:
        return self._envelope.chunk(choices, None, with_usage=self._with_usage)

    @staticmethod
    async def _body(send: Send, data: bytes, *, last: bool = False) -> None:
        await send({"type": "http.response.body", "body": data, "more_body": not last})

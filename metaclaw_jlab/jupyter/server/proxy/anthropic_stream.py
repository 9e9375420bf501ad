"""A streamed answer as the events of Anthropic's Messages API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metaclaw_jlab.jupyter.server.proxy.anthropic_answer import error_body, message, stop_of, usage_of
from metaclaw_jlab.jupyter.server.proxy.chat_parts import event
from metaclaw_jlab.jupyter.server.proxy.completion import CallPiece, Piece, Usage, new_id, read_chunk
from metaclaw_jlab.jupyter.server.proxy.growing_call import GrowingCall, grown


@dataclass(slots=True)
class MessageStream:
    """Writes one answer. A block of the content is closed when the next one begins."""

    asked: dict[str, Any]
    _begun: bool = False
    _blocks: int = 0
    _open: int | None = None
    _writing: bool = False  # whether the open block is a text
    _calls: list[GrowingCall] = field(default_factory=list)
    _finish: str = ""
    _stop: str = ""
    _refused: bool = False
    _usage: Usage = field(default_factory=Usage)

    def feed(self, chunk: dict[str, Any]) -> bytes:
        """The events for one chunk."""
        piece = read_chunk(chunk)
        told = self._begin(piece)
        for said in (piece.text, piece.refusal):
            if said:
                told += self._text(said)
        for call in piece.calls:
            told += self._call(call)
        self._finish = piece.finish or self._finish
        self._stop = piece.stop or self._stop
        self._refused = self._refused or bool(piece.refusal)
        self._usage = piece.usage or self._usage
        return told

    def close(self) -> bytes:
        """The events that end a complete answer."""
        told = self._begin(Piece())
        for call in self._calls:
            if call.place is None:
                told += self._start(call)
        told += self._end_block()
        reason, sequence = stop_of(
            self.asked, self._finish, self._stop, calls=bool(self._calls), refused=self._refused
        )
        delta = {"stop_reason": reason, "stop_sequence": sequence}
        told += event(
            "message_delta", {"type": "message_delta", "delta": delta, "usage": usage_of(self._usage)}
        )
        return told + event("message_stop", {"type": "message_stop"})

    def error(self, status: int, message: str) -> bytes:
        """The event of an answer that broke off."""
        return event("error", error_body(status, message))

    def _begin(self, piece: Piece) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        begun = message(self.asked, new_id("msg"), piece.model, [], None, None, piece.usage or Usage())
        return event("message_start", {"type": "message_start", "message": begun})

    def _text(self, said: str) -> bytes:
        told = b"" if self._writing else self._begin_block({"type": "text", "text": ""}, writing=True)
        return told + self._delta(self._open, {"type": "text_delta", "text": said})

    def _call(self, piece: CallPiece) -> bytes:
        call = grown(self._calls, piece)
        if call.place is not None:
            return self._arguments(call, piece.arguments)
        return self._start(call) if call.name else b""

    def _start(self, call: GrowingCall) -> bytes:
        call.id = call.id or new_id("toolu")
        told = self._begin_block({"type": "tool_use", "id": call.id, "name": call.name, "input": {}})
        call.place = self._open
        return told + self._arguments(call, call.arguments)

    def _arguments(self, call: GrowingCall, arguments: str) -> bytes:
        if not arguments:
            return b""
        return self._delta(call.place, {"type": "input_json_delta", "partial_json": arguments})

    def _begin_block(self, block: dict[str, Any], *, writing: bool = False) -> bytes:
        told = self._end_block()
        self._open, self._writing = self._blocks, writing
        self._blocks += 1
        begun = {"type": "content_block_start", "index": self._open, "content_block": block}
        return told + event("content_block_start", begun)

    def _end_block(self) -> bytes:
        if self._open is None:
            return b""
        ended = {"type": "content_block_stop", "index": self._open}
        self._open, self._writing = None, False
        return event("content_block_stop", ended)

    def _delta(self, block: int | None, delta: dict[str, str]) -> bytes:
        return event("content_block_delta", {"type": "content_block_delta", "index": block, "delta": delta})

"""A streamed answer as the events of OpenAI's Responses API."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from metaclaw_jlab.jupyter.server.proxy import responses_answer as answer
from metaclaw_jlab.jupyter.server.proxy.chat_parts import event
from metaclaw_jlab.jupyter.server.proxy.completion import CallPiece, Piece, Usage, new_id, read_chunk
from metaclaw_jlab.jupyter.server.proxy.growing_call import GrowingCall, grown


@dataclass(slots=True)
class _Speech:
    """A message while it is streamed; `parts` are kinds and texts."""

    place: int
    id: str
    parts: list[tuple[str, list[str]]] = field(default_factory=list)

    def content(self) -> list[dict[str, Any]]:
        return [answer.part(kind, "".join(said)) for kind, said in self.parts]


@dataclass(slots=True)
class ResponseStream:
    """Writes one answer. A message is done when a call begins, calls are done at the end."""

    asked: dict[str, Any]
    on_end: Callable[[dict[str, Any]], None] = lambda _: None  # is given the whole answer
    clock: Callable[[], float] = time.time
    _begun: dict[str, Any] | None = None
    _number: int = 0
    _output: list[dict[str, Any]] = field(default_factory=list)
    _speech: _Speech | None = None
    _calls: list[GrowingCall] = field(default_factory=list)
    _finish: str = ""
    _usage: Usage | None = None

    def feed(self, chunk: dict[str, Any]) -> bytes:
        """The events for one chunk."""
        piece = read_chunk(chunk)
        told = self._begin(piece)
        if piece.text:
            told += self._say("output_text", piece.text)
        if piece.refusal:
            told += self._say("refusal", piece.refusal)
        for call in piece.calls:
            told += self._call(call)
        self._finish = piece.finish or self._finish
        self._usage = piece.usage or self._usage
        return told

    def close(self) -> bytes:
        """The events that end a complete answer."""
        told = self._begin(Piece()) + self._end_speech(answer.item_status(self._finish))
        for call in self._calls:
            told += self._end_call(call)
        whole = answer.ended(self._begun or {}, self._output, self._finish, self._usage)
        self.on_end(whole)
        return told + self._event(f"response.{whole['status']}", response=whole)

    def error(self, status: int, message: str) -> bytes:
        """The events that end an answer which broke off."""
        told = self._begin(Piece())
        told += self._event("error", code=str(status), message=message, param=None)
        broken = answer.failed(self._begun or {}, self._output, status, message)
        return told + self._event("response.failed", response=broken)

    def _begin(self, piece: Piece) -> bytes:
        if self._begun is not None:
            return b""
        self._begun = answer.response(self.asked, new_id("resp"), self.clock(), piece.model)
        told = self._event("response.created", response=self._begun)
        return told + self._event("response.in_progress", response=self._begun)

    def _say(self, kind: str, said: str) -> bytes:
        told = b""
        if self._speech is None:
            self._speech = _Speech(len(self._output), new_id("msg"))
            told += self._add(answer.message(self._speech.id, [], "in_progress"))
        speech = self._speech
        if not speech.parts or speech.parts[-1][0] != kind:
            told += self._end_part()
            speech.parts.append((kind, []))
            told += self._event("response.content_part.added", **self._where(), part=answer.part(kind, ""))
        speech.parts[-1][1].append(said)
        more: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
        return told + self._event(f"response.{kind}.delta", **self._where(), delta=said, **more)

    def _where(self) -> dict[str, Any]:
        speech = self._speech
        assert speech is not None
        return {
            "item_id": speech.id,
            "output_index": speech.place,
            "content_index": len(speech.parts) - 1,
        }

    def _end_part(self) -> bytes:
        if self._speech is None or not self._speech.parts:
            return b""
        kind, pieces = self._speech.parts[-1]
        said = "".join(pieces)
        more: dict[str, Any] = {"text": said, "logprobs": []} if kind == "output_text" else {"refusal": said}
        told = self._event(f"response.{kind}.done", **self._where(), **more)
        part = answer.part(kind, said)
        return told + self._event("response.content_part.done", **self._where(), part=part)

    def _end_speech(self, status: str) -> bytes:
        if self._speech is None:
            return b""
        told, speech = self._end_part(), self._speech
        self._speech = None
        return told + self._done(speech.place, answer.message(speech.id, speech.content(), status))

    def _call(self, piece: CallPiece) -> bytes:
        call = grown(self._calls, piece)
        if call.place is not None:
            return self._arguments(call, piece.arguments)
        return self._start(call) if call.name else b""

    def _start(self, call: GrowingCall) -> bytes:
        told = self._end_speech("completed")
        call.id, call.place = call.id or new_id("call"), len(self._output)
        told += self._add(answer.call(new_id("fc"), call.id, call.name, "", "in_progress"))
        return told + self._arguments(call, call.arguments)

    def _arguments(self, call: GrowingCall, arguments: str) -> bytes:
        if not arguments or call.place is None:
            return b""
        item = self._output[call.place]["id"]
        return self._event(
            "response.function_call_arguments.delta",
            item_id=item,
            output_index=call.place,
            delta=arguments,
        )

    def _end_call(self, call: GrowingCall) -> bytes:
        told = b"" if call.place is not None else self._start(call)
        assert call.place is not None
        item, arguments = self._output[call.place]["id"], call.arguments or "{}"
        told += self._event(
            "response.function_call_arguments.done",
            item_id=item,
            output_index=call.place,
            name=call.name,
            arguments=arguments,
        )
        return told + self._done(call.place, answer.call(item, call.id, call.name, arguments, "completed"))

    def _add(self, item: dict[str, Any]) -> bytes:
        self._output.append(item)
        return self._event("response.output_item.added", output_index=len(self._output) - 1, item=item)

    def _done(self, place: int, item: dict[str, Any]) -> bytes:
        self._output[place] = item
        return self._event("response.output_item.done", output_index=place, item=item)

    def _event(self, kind: str, **fields: object) -> bytes:
        told = event(kind, {"type": kind, "sequence_number": self._number, **fields})
        self._number += 1
        return told

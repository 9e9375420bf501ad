"""OpenAI's Responses API, as a dialect of the proxy: /v1/responses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.jupyter.server.proxy import chat_parts as chat
from metaclaw_jlab.jupyter.server.proxy import responses_answer as answer
from metaclaw_jlab.jupyter.server.proxy.completion import new_id, read_completion
from metaclaw_jlab.jupyter.server.proxy.conversations import Conversations, Messages
from metaclaw_jlab.jupyter.server.proxy.responses_request import chat_request, input_messages
from metaclaw_jlab.jupyter.server.proxy.responses_stream import ResponseStream


@dataclass(frozen=True, slots=True)
class ResponsesDialect:
    """The Responses API for one client, by whose id its conversations are kept; without `kept` none is."""

    name = "responses"
    as_is = False
    kept: Conversations | None = None
    client: str = ""
    clock: Callable[[], float] = time.time

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of a chat/completions request, with what was said before. Raises RequestInvalid."""
        return chat_request(body, self._before(body))

    def answer(self, asked: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:
        """A response. Raises UpstreamError."""
        said = read_completion(completion)
        parts = [
            answer.part(kind, text)
            for kind, text in (("output_text", said.text), ("refusal", said.refusal))
            if text
        ]
        calls = [
            answer.call(
                new_id("fc"), call.id or new_id("call"), call.name, call.arguments or "{}", "completed"
            )
            for call in said.calls
        ]
        status = answer.item_status(said.finish)
        spoken = [answer.message(new_id("msg"), parts, status)] if parts or not calls else []
        begun = answer.response(asked, new_id("resp"), self.clock(), said.model)
        whole = answer.ended(begun, [*spoken, *calls], said.finish, said.usage)
        self._keep(asked, whole)
        return whole

    def stream(self, asked: dict[str, Any]) -> ResponseStream:
        """What writes the answer as events."""
        return ResponseStream(asked, lambda whole: self._keep(asked, whole), self.clock)

    def error(self, status: int, message: str, kind: str) -> dict[str, Any]:
        """An error in OpenAI's shape."""
        return {"error": {"message": message, "type": kind, "param": None, "code": status}}

    def _before(self, body: dict[str, Any]) -> Messages:
        identity = body.get("previous_response_id")
        if identity is None:
            return ()
        found = self.kept.find(self.client, identity) if self.kept and isinstance(identity, str) else None
        if found is None:
            raise RequestInvalid(
                "previous_response_id: the answer of this id is not kept here, or not any more.",
                "Send the whole conversation as input.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return found

    def _keep(self, asked: dict[str, Any], whole: dict[str, Any]) -> None:
        """Keep what was said for a request that goes on from here; instructions hold for one answer only."""
        if self.kept is None or asked.get("store") is False:
            return
        said = _reply(whole["output"])
        try:
            messages = [*self._before(asked), *input_messages(asked), said]
        except RequestInvalid:
            return  # what came before was dropped meanwhile
        self.kept.keep(self.client, whole["id"], messages)


def _reply(output: list[dict[str, Any]]) -> dict[str, Any]:
    texts = [
        part.get("text") or part.get("refusal") or ""
        for item in output
        if item["type"] == "message"
        for part in item["content"]
    ]
    calls = [
        chat.call(item["call_id"], item["name"], item["arguments"])
        for item in output
        if item["type"] == "function_call"
    ]
    return chat.assistant("\n".join(texts), calls)

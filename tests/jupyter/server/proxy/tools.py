"""A scripted policy that calls a tool, then answers with what the tool gave."""

from __future__ import annotations

import json

from tests.loopback.server import Exchange, ScriptedServer

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ARGUMENTS = '{"city": "Rome"}'


def call_weather(server: ScriptedServer, text: str = "I look.") -> None:
    """Say a text and call `weather` for Rome, whole or in pieces as is asked."""

    def behave(exchange: Exchange) -> None:
        counts = {"prompt_tokens": 12, "completion_tokens": 5}
        if not exchange.request.body.get("stream"):
            function = {"name": "weather", "arguments": ARGUMENTS}
            said = {
                "role": "assistant",
                "content": text,
                "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
            }
            choice = {"index": 0, "message": said, "finish_reason": "tool_calls"}
            exchange.json(
                200,
                {
                    "id": "x",
                    "object": "chat.completion",
                    "created": 0,
                    "model": exchange.model,
                    "choices": [choice],
                    "usage": {**counts, "total_tokens": 17},
                },
            )
            return
        exchange.open_stream()
        exchange.delta({"role": "assistant", "content": text})
        began = {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": "weather", "arguments": ""},
        }
        exchange.delta({"tool_calls": [began]})
        for piece in (ARGUMENTS[:7], ARGUMENTS[7:]):
            exchange.delta({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        exchange.delta({}, "tool_calls")
        if (exchange.request.body.get("stream_options") or {}).get("include_usage"):
            exchange.event(json.dumps(exchange.chunk([], {**counts, "total_tokens": 17})))
        exchange.end_stream()

    server.script(behave)

"""A request of Anthropic's Messages API, told as one of chat completions.

What changes no words of the conversation is left out where chat completions have nothing of the kind: `thinking` and
its blocks, `cache_control`, `top_k`, `service_tier`. What runs at Anthropic only is refused, never dropped in silence.
"""

from __future__ import annotations

from typing import Any

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.jupyter.server.proxy import chat_parts as chat
from metaclaw_jlab.jupyter.server.proxy.chat_parts import Part
from metaclaw_jlab.jupyter.server.proxy.fields import (
    copied,
    count,
    flag,
    kind_in,
    record,
    several,
    text,
    wrong,
)

SAME = {"temperature": "temperature", "top_p": "top_p"}
SILENT_BLOCKS = frozenset({"thinking", "redacted_thinking"})
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def chat_request(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a chat/completions request. Raises RequestInvalid."""
    if several(body.get("mcp_servers"), "mcp_servers"):
        raise wrong("mcp_servers", "such servers are called by Anthropic only.", "Leave them out.")
    most = count(body.get("max_tokens"), "max_tokens")
    if most is None:
        raise wrong("max_tokens", "it is missing.", "Send a number such as 1024.")
    told: dict[str, Any] = {
        "model": text(body.get("model"), "model"),
        "messages": chat_messages(body),
        "max_tokens": most,
        **copied(body, SAME),
    }
    if stops := several(body.get("stop_sequences"), "stop_sequences"):
        told["stop"] = stops
    if flag(body.get("stream"), "stream"):
        told |= {"stream": True, "stream_options": {"include_usage": True}}
    user = (body.get("metadata") or {}).get("user_id") if isinstance(body.get("metadata"), dict) else None
    if isinstance(user, str):
        told["user"] = user
    return told | _tools(body) | _format(body)


def chat_messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation, the system prompt first. Raises RequestInvalid."""
    told: list[dict[str, Any]] = []
    if system := _plain(body.get("system") or "", "system"):
        told.append({"role": "system", "content": system})
    messages = several(body.get("messages"), "messages")
    if not messages:
        raise wrong("messages", "it is missing or empty.", "Send at least one message.")
    for number, message in enumerate(messages):
        told += _message(record(message, f"messages.{number}"), f"messages.{number}")
    return told


def _message(message: dict[str, Any], where: str) -> list[dict[str, Any]]:
    role, said = kind_in(message, "role"), message.get("content")
    if role == "system":
        return [{"role": "system", "content": _plain(said, f"{where}.content")}]
    if role not in {"user", "assistant"}:
        raise wrong(f"{where}.role", "it is neither user nor assistant.", "Send one of them.")
    if isinstance(said, str):
        return [{"role": role, "content": said}]
    if not isinstance(said, list):
        raise wrong(f"{where}.content", "it is missing.", "Send a string or a list of blocks.")
    blocks = [(record(block, place), place) for block, place in _placed(said, f"{where}.content")]
    return [_assistant(blocks)] if role == "assistant" else _user(blocks)


def _assistant(blocks: list[tuple[dict[str, Any], str]]) -> dict[str, Any]:
    said: list[str] = []
    calls: list[dict[str, Any]] = []
    for block, where in blocks:
        kind = kind_in(block)
        if kind == "text":
            said.append(text(block.get("text"), f"{where}.text"))
        elif kind == "tool_use":
            arguments = chat.compact(record(block.get("input"), f"{where}.input"))
            calls.append(chat.call(text(block.get("id"), f"{where}.id"), _name(block, where), arguments))
        elif kind not in SILENT_BLOCKS:
            raise _unknown(block, where)
    return chat.assistant("\n".join(said), calls)


def _user(blocks: list[tuple[dict[str, Any], str]]) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    parts: list[Part] = []
    for block, where in blocks:
        if kind_in(block) == "tool_result":
            identity = text(block.get("tool_use_id"), f"{where}.tool_use_id")
            results += chat.tool_result(identity, _given(block, where))
        else:
            parts += _parts(block, where)
    if parts or not results:
        results.append(chat.user(parts))
    return chat.in_order(results)


def _given(block: dict[str, Any], where: str) -> list[Part]:
    """What a tool gave; that it failed can only be said in words."""
    said = block.get("content") or ""
    if isinstance(said, str):
        parts = [chat.text_part(said)]
    else:
        placed = _placed(several(said, f"{where}.content"), f"{where}.content")
        parts = [part for inner, place in placed for part in _parts(record(inner, place), place)]
    if flag(block.get("is_error"), f"{where}.is_error"):
        parts.insert(0, chat.text_part("The tool failed."))
    return parts


def _parts(block: dict[str, Any], where: str) -> list[Part]:
    kind = kind_in(block)
    if kind == "text":
        return [chat.text_part(text(block.get("text"), f"{where}.text"))]
    if kind == "image":
        return [chat.image_part(_address(record(block.get("source"), f"{where}.source"), f"{where}.source"))]
    if kind == "document":
        return _document(block, where)
    if kind == "search_result":
        head = f"{text(block.get('title'), f'{where}.title')}\n{text(block.get('source'), f'{where}.source')}"
        return [chat.text_part(f"{head}\n{_plain(block.get('content'), f'{where}.content')}")]
    raise _unknown(block, where)


def _document(block: dict[str, Any], where: str) -> list[Part]:
    source = record(block.get("source"), f"{where}.source")
    title = block.get("title") if isinstance(block.get("title"), str) else ""
    told = "\n".join(_strings(title, block.get("context")))
    head = [chat.text_part(told)] if told else []
    kind = kind_in(source)
    if kind == "text":
        return [*head, chat.text_part(_field(source, "data", f"{where}.source"))]
    if kind == "content":
        return [*head, chat.text_part(_plain(source.get("content"), f"{where}.source.content"))]
    if kind == "base64":
        return [*head, chat.file_part(_address(source, f"{where}.source"), title or "document.pdf")]
    raise wrong(
        f"{where}.source", f"documents of kind {kind!r} lie at Anthropic.", "Send the text or the bytes."
    )


def _address(source: dict[str, Any], where: str) -> str:
    kind = kind_in(source)
    if kind == "base64":
        return f"data:{_field(source, 'media_type', where)};base64,{_field(source, 'data', where)}"
    if kind == "url":
        return _field(source, "url", where)
    raise wrong(where, f"sources of kind {kind!r} lie at Anthropic.", "Send a URL or the bytes.")


def _tools(body: dict[str, Any]) -> dict[str, Any]:
    tools = [
        _tool(record(tool, where), where)
        for tool, where in _placed(several(body.get("tools"), "tools"), "tools")
    ]
    told: dict[str, Any] = {"tools": tools} if tools else {}
    wanted = body.get("tool_choice")
    if wanted is None:
        return told
    choice = record(wanted, "tool_choice")
    kind = kind_in(choice)
    if kind == "tool":
        told["tool_choice"] = {"type": "function", "function": {"name": _name(choice, "tool_choice")}}
    elif kind in CHOICES:
        told["tool_choice"] = CHOICES[kind]
    else:
        raise wrong("tool_choice.type", "it is unknown.", "Send auto, any, tool or none.")
    if flag(choice.get("disable_parallel_tool_use"), "tool_choice.disable_parallel_tool_use"):
        told["parallel_tool_calls"] = False
    return told if tools else {}


def _tool(tool: dict[str, Any], where: str) -> dict[str, Any]:
    if tool.get("type") is not None and kind_in(tool) != "custom":
        raise wrong(
            f"{where}.type",
            f"tools of kind {kind_in(tool)!r} are made for Anthropic's models.",
            "Send a tool with a name and an input_schema.",
        )
    schema = record(tool.get("input_schema"), f"{where}.input_schema")
    return chat.tool(_name(tool, where), tool, schema)


def _format(body: dict[str, Any]) -> dict[str, Any]:
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    if wanted is None:
        return {}
    form = record(wanted, "output_config.format")
    schema = record(form.get("schema"), "output_config.format.schema")
    return {"response_format": chat.schema_format("answer", schema)}


def _plain(said: object, where: str) -> str:
    """A text, or blocks of text as paragraphs."""
    if isinstance(said, str):
        return said
    texts: list[str] = []
    for block, place in _placed(several(said, where), where):
        told = record(block, place)
        if told.get("type", "text") != "text":
            raise _unknown(told, place)
        texts.append(text(told.get("text"), f"{place}.text"))
    return "\n\n".join(texts)


def _placed(blocks: list[Any], where: str) -> list[tuple[Any, str]]:
    return [(block, f"{where}.{number}") for number, block in enumerate(blocks)]


def _strings(*values: object) -> list[str]:
    return [value for value in values if isinstance(value, str) and value]


def _field(source: dict[str, Any], name: str, where: str) -> str:
    return text(source.get(name), f"{where}.{name}")


def _name(source: dict[str, Any], where: str) -> str:
    return _field(source, "name", where)


def _unknown(block: dict[str, Any], where: str) -> RequestInvalid:
    return wrong(
        f"{where}.type",
        f"blocks of kind {kind_in(block)!r} cannot be told to this policy.",
        "Leave it out.",
    )

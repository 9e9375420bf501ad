"""A request of OpenAI's Responses API, told as one of chat completions.

What changes no words of the conversation is left out where chat completions have nothing of the kind: reasoning items,
`include`, `truncation`. What runs at OpenAI only is refused, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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

SAME = {
    "temperature": "temperature",
    "top_p": "top_p",
    "parallel_tool_calls": "parallel_tool_calls",
    "user": "user",
}
ELSEWHERE = ("background", "conversation", "prompt")  # what has to lie or run at OpenAI
ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
CHOICES = ("none", "auto", "required")


def chat_request(body: dict[str, Any], before: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The body of a chat/completions request that goes on from the messages `before`. Raises RequestInvalid."""
    for name in ELSEWHERE:
        if body.get(name):
            raise wrong(name, "it lies or runs at OpenAI only.", "Leave it out, and send the input itself.")
    told: dict[str, Any] = {
        "model": text(body.get("model"), "model"),
        "messages": [*_instructions(body), *before, *input_messages(body)],
        **copied(body, SAME),
    }
    if most := count(body.get("max_output_tokens"), "max_output_tokens"):
        told["max_tokens"] = most
    effort = body["reasoning"].get("effort") if isinstance(body.get("reasoning"), dict) else None
    if isinstance(effort, str):
        told["reasoning_effort"] = effort
    if flag(body.get("stream"), "stream"):
        told |= {"stream": True, "stream_options": {"include_usage": True}}
    return told | _tools(body) | _format(body)


def input_messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The input, without instructions and what was said before. Raises RequestInvalid."""
    said = body.get("input")
    if isinstance(said, str):
        return [{"role": "user", "content": said}]
    if not isinstance(said, list) or not said:
        raise wrong("input", "it is missing or empty.", "Send a string or a list of items.")
    told: list[dict[str, Any]] = []
    for number, item in enumerate(said):
        where = f"input.{number}"
        _take(told, record(item, where), where)
    return _with_results_first(told)


def _instructions(body: dict[str, Any]) -> list[dict[str, Any]]:
    if body.get("instructions") is None:
        return []
    return [{"role": "system", "content": text(body["instructions"], "instructions")}]


def _take(told: list[dict[str, Any]], item: dict[str, Any], where: str) -> None:
    kind = kind_in(item) if "type" in item else "message"
    if kind == "message":
        told.append(_message(item, where))
    elif kind == "function_call":
        _add_call(told, item, where)
    elif kind == "function_call_output":
        identity = text(item.get("call_id"), f"{where}.call_id")
        told += chat.tool_result(identity, _output(item.get("output"), f"{where}.output"))
    elif kind != "reasoning":
        raise wrong(
            f"{where}.type", f"items of kind {kind!r} cannot be told to this policy.", "Send the text itself."
        )


def _message(item: dict[str, Any], where: str) -> dict[str, Any]:
    role = kind_in(item, "role")
    if role not in ROLES:
        raise wrong(f"{where}.role", "it is unknown.", f"Send one of {', '.join(ROLES)}.")
    parts = _output(item.get("content"), f"{where}.content")
    if role == "user":
        return chat.user(parts)
    if any(part["type"] != "text" for part in parts):
        raise wrong(f"{where}.content", "only a user's message can hold more than text.", "Leave it out.")
    return {"role": ROLES[role], "content": chat.texts(parts)}


def _add_call(told: list[dict[str, Any]], item: dict[str, Any], where: str) -> None:
    """A call belongs to the message of the model's before it."""
    name, arguments = (
        text(item.get("name"), f"{where}.name"),
        text(item.get("arguments"), f"{where}.arguments"),
    )
    call = chat.call(text(item.get("call_id"), f"{where}.call_id"), name, arguments)
    last = told[-1] if told and told[-1]["role"] == "assistant" else None
    if last is None:
        told.append(chat.assistant(None, [call]))
    else:
        told[-1] = chat.assistant(last["content"], [*last.get("tool_calls", ()), call])


def _output(said: object, where: str) -> list[Part]:
    if isinstance(said, str):
        return [chat.text_part(said)]
    if not isinstance(said, list):
        raise wrong(where, "it is missing.", "Send a string or a list of parts.")
    return [_part(record(part, f"{where}.{number}"), f"{where}.{number}") for number, part in enumerate(said)]


def _part(part: dict[str, Any], where: str) -> Part:
    kind = kind_in(part)
    if kind in {"input_text", "output_text", "text"}:
        return chat.text_part(text(part.get("text"), f"{where}.text"))
    if kind == "refusal":
        return chat.text_part(text(part.get("refusal"), f"{where}.refusal"))
    if kind == "input_image":
        return chat.image_part(_given(part, "image_url", where), part.get("detail"))
    if kind == "input_file":
        name = part.get("filename")
        return chat.file_part(_given(part, "file_data", where), name if isinstance(name, str) else "file")
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": record(part.get("input_audio"), f"{where}.input_audio")}
    raise wrong(f"{where}.type", f"parts of kind {kind!r} cannot be told to this policy.", "Leave it out.")


def _given(part: dict[str, Any], name: str, where: str) -> str:
    if part.get(name) is None and (part.get("file_id") or part.get("file_url")):
        raise wrong(where, "files that lie elsewhere cannot be told to this policy.", f"Send {name} instead.")
    return text(part.get(name), f"{where}.{name}")


def _with_results_first(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Images that a tool returned come after the results of all calls of that turn."""
    told: list[dict[str, Any]] = []
    run: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] in {"tool", "user"}:
            run.append(message)
        else:
            told += [*chat.in_order(run), message]
            run = []
    return [*told, *chat.in_order(run)]


def _tools(body: dict[str, Any]) -> dict[str, Any]:
    tools = [
        _tool(record(tool, f"tools.{number}"), f"tools.{number}")
        for number, tool in enumerate(several(body.get("tools"), "tools"))
    ]
    wanted = body.get("tool_choice")
    if not tools or wanted is None:
        return {"tools": tools} if tools else {}
    if isinstance(wanted, str):
        if wanted not in CHOICES:
            raise wrong("tool_choice", "it is unknown.", f"Send one of {', '.join(CHOICES)}.")
        return {"tools": tools, "tool_choice": wanted}
    choice = record(wanted, "tool_choice")
    if choice.get("type") == "function":
        name = text(choice.get("name"), "tool_choice.name")
        return {"tools": tools, "tool_choice": {"type": "function", "function": {"name": name}}}
    if choice.get("type") == "allowed_tools":
        return _allowed(tools, choice)
    raise wrong("tool_choice.type", "it is unknown.", "Send a word, a function or allowed_tools.")


def _allowed(tools: list[dict[str, Any]], choice: dict[str, Any]) -> dict[str, Any]:
    """Only the allowed tools are told: few servers know of others."""
    named = [record(tool, "tool_choice.tools") for tool in several(choice.get("tools"), "tool_choice.tools")]
    names = {tool["name"] for tool in named if isinstance(tool.get("name"), str)}
    kept = [tool for tool in tools if tool["function"]["name"] in names]
    if not kept:
        raise wrong("tool_choice.tools", "none of them is among the tools.", "Name tools that are there.")
    return {"tools": kept, "tool_choice": "required" if choice.get("mode") == "required" else "auto"}


def _tool(tool: dict[str, Any], where: str) -> dict[str, Any]:
    if tool.get("type") != "function":
        raise wrong(
            f"{where}.type",
            f"tools of kind {kind_in(tool)!r} run at OpenAI or are made for its models.",
            "Send tools of kind function.",
        )
    parameters = tool.get("parameters")
    schema = {"type": "object", "properties": {}} if parameters is None else parameters
    return chat.tool(text(tool.get("name"), f"{where}.name"), tool, record(schema, f"{where}.parameters"))


def _format(body: dict[str, Any]) -> dict[str, Any]:
    config = body.get("text")
    wanted = config.get("format") if isinstance(config, dict) else None
    if wanted is None:
        return {}
    form = record(wanted, "text.format")
    kind = kind_in(form)
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"response_format": {"type": "json_object"}}
    if kind == "json_schema":
        name = text(form.get("name"), "text.format.name")
        schema = record(form.get("schema"), "text.format.schema")
        return {"response_format": chat.schema_format(name, schema, form.get("strict"))}
    raise wrong("text.format.type", "it is unknown.", "Send text, json_object or json_schema.")

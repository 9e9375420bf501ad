"""What clients of the policy server may send: the OpenAI request bodies, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from metaclaw_jlab.core.errors import RequestInvalid

# What is wanted where several kinds of value are fine, and the first one's complaint would mislead.
WANTED: Mapping[str, str] = {
    "prompt": "it is text, a list of texts, a list of tokens or a list of such lists",
    "stop": "it is a text or a list of at most 16 texts, none of them empty",
}
MOST_ROWS = 128  # completions of one request
# Parameters that clients send along: harmless at these values, and refused at others rather than ignored.
NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "audio": (None,),
    "best_of": (None, 1),
    "echo": (None, False),
    "frequency_penalty": (None, 0, 0.0),
    "function_call": (None, "none"),
    "functions": (None, []),
    "logit_bias": (None, {}),
    "modalities": (None, ["text"]),
    "parallel_tool_calls": (None, True, False),
    "presence_penalty": (None, 0, 0.0),
    "response_format": (None, {"type": "text"}),
    "suffix": (None, ""),
    "tool_choice": (None, "none", "auto"),
    "tools": (None, []),
}
# Parameters that change nothing in an answer.
IGNORED = frozenset(
    {"metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "user", "verbosity"}
)

Count = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(gt=0, le=1)]
Stop = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """One part of a message's content; only text is served."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["text"]
    text: str


class ChatMessage(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(strict=True, extra="forbid")
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part]
    name: str | None = None
    tool_call_id: str | None = None

    def plain(self) -> dict[str, str]:
        """The message as chat templates expect it."""
        content = (
            self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        )
        return {"role": "system" if self.role == "developer" else self.role, "content": content}


class StreamOptions(BaseModel):
    """Options of a streamed answer."""

    model_config = ConfigDict(strict=True, extra="ignore")
    include_usage: bool = False


class Body(BaseModel):
    """What both kinds of request share."""

    model_config = ConfigDict(strict=True, extra="forbid")
    model: str
    max_tokens: Count | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Probability | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    n: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    seed: int | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    ignore_eos: bool = False

    @model_validator(mode="before")
    @classmethod
    def _without_extras(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for name, values in NEUTRAL.items():
            if name in data and data[name] not in values:
                raise RequestInvalid(
                    f"The parameter {name} is not supported here.", "Leave it out.", param=name
                )
        return {name: value for name, value in data.items() if name not in NEUTRAL and name not in IGNORED}

    def stops(self) -> tuple[str, ...]:
        """The stop strings."""
        if self.stop is None:
            return ()
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)


class ChatBody(Body):
    """The body of /v1/chat/completions."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _alternatives_need_logprobs(self) -> ChatBody:
        if self.top_logprobs and not self.logprobs:
            raise RequestInvalid(
                "top_logprobs was sent without logprobs.", "Set logprobs to true.", param="top_logprobs"
            )
        if {"messages", "conversation", "tokenize", "add_generation_prompt"} & set(self.chat_template_kwargs):
            raise RequestInvalid(
                "chat_template_kwargs holds a name that the server sets itself.",
                "Keep to the options of the model's template.",
                param="chat_template_kwargs",
            )
        return self


class CompletionBody(Body):
    """The body of /v1/completions. A prompt is text or tokens."""

    prompt: (
        str
        | Annotated[list[str], Field(min_length=1, max_length=MOST_ROWS)]
        | Annotated[list[int], Field(min_length=1)]
        | Annotated[list[list[int]], Field(min_length=1, max_length=MOST_ROWS)]
    )
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None

    def prompts(self) -> list[str | list[int]]:
        """The prompts, one or more."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        tokens = [part for part in self.prompt if isinstance(part, int)]
        return [tokens] if tokens else [part for part in self.prompt if not isinstance(part, int)]


Kind = TypeVar("Kind", bound=Body)


def parse(kind: type[Kind], raw: bytes) -> Kind:
    """Read a body. Raises RequestInvalid with a sentence on the first thing that is wrong."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RequestInvalid(f"The body is not JSON: {error}.", "Send a JSON object.") from error
    if not isinstance(data, dict):
        raise RequestInvalid("The body is not a JSON object.", "Send one with model and messages or prompt.")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _sentence(error) from error


def _sentence(error: ValidationError) -> RequestInvalid:
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, RequestInvalid):
        return cause
    name, path = str(first["loc"][0]), ".".join(_path(first["loc"]))
    if first["type"] == "extra_forbidden":
        return RequestInvalid(
            f"The parameter {path} is unknown.", "Leave it out.", param=name, code="unknown_parameter"
        )
    if first["type"] == "missing":
        return RequestInvalid(f"The parameter {path} is missing.", "Send it.", param=name)
    wrong = WANTED.get(name) or first["msg"]
    return RequestInvalid(f"The parameter {path} is not valid: {wrong}.", "Correct it.", param=name)


def _path(places: tuple[int | str, ...]) -> list[str]:
    """Where the fault is, without the names of the alternatives that were tried."""
    if len(places) > 1 and isinstance(places[1], int):
        return [str(place) for place in places[:3]]
    return [str(places[0])]

"""What a proxied exchange is: what another agent asked, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metaclaw_jlab.core.trajectory import InjectedSkill

MAIN, SIDE = "main", "side"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `body` is the chat body as the client sent it, `sent` what went upstream; `session`, `kind` (main or
    side) and `done` are what its headers say, `client` the id of its key ("" for Jupyter's own token); `learn`: whether
    it may teach; `generation`: the skill generation when the prompt was built, at the time `at`;
    `stage`: the stage of the client's pipeline that asks, "" where it says none."""

    body: Mapping[str, Any]
    sent: Mapping[str, Any]
    session: str | None = None
    kind: str = MAIN
    done: bool = False
    client: str = ""
    learn: bool = True
    skills: tuple[InjectedSkill, ...] = ()
    generation: int = 0
    at: float = 0.0
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Replied:
    """What the upstream answered, of several choices the first. `tool_calls` are as in a chat completion's message;
    `error` says in a sentence why it broke off, "" where it did not."""

    text: str
    tool_calls: tuple[Mapping[str, Any], ...] = field(default=())
    finish_reason: str = ""
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    error: str = ""

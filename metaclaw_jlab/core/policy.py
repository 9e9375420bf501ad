"""What a policy is: something that maps messages to a completion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one completion, 0 where the endpoint does not tell."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. `extra` goes to the endpoint as it is."""

    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int | None = None
    stop: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Completion:
    """What the policy answered. `model` is the one that the endpoint says it served, adapter version included."""

    text: str
    finish_reason: str
    model: str
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


class Policy(Protocol):
    """A policy. `model` is what is asked of the endpoint; pinned to an adapter it reads `<base>@vN`."""

    @property
    def model(self) -> str:
        """The model's name."""

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """One completion. `on_text` gets each piece as it arrives.

        KeyboardInterrupt (or any exception from `on_text`) ends the request at the endpoint too.
        Raises PolicyError.
        """

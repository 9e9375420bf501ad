"""Skills in another agent's prompt: found for its last user turn, put into its system message, and kept for as long as
that turn goes on, so that a turn is done under one library from its first request to its last."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.agent.prompt import SKILLS_PREAMBLE, skills_block
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import InjectedSkill
from metaclaw_jlab.jupyter.server.proxy.chunks import text_of

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace

QUERY_CHARS = 8000  # of a long turn its beginning and its end are searched with
REMEMBERED_TURNS = 4096
_INSTRUCTING = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Injection:
    """What a turn is given: the text of the skills ("" for none), which they are, the generation that they are of, and
    the version of the local policy that answers (None: whichever serves)."""

    text: str = ""
    skills: tuple[InjectedSkill, ...] = ()
    generation: int = 0
    version: int | None = None


class Turns:
    """The injections of turns that go on. Any thread may call."""

    def __init__(self, *, limit: int = REMEMBERED_TURNS, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._kept: OrderedDict[str, tuple[float, Injection]] = OrderedDict()
        self._lock = threading.Lock()

    def remembered(self, key: str, seconds: float) -> Injection | None:
        """What a turn was given, where that was no longer ago."""
        with self._lock:
            found = self._kept.get(key)
        return found[1] if found is not None and self._clock() - found[0] <= seconds else None

    def remember(self, key: str, injection: Injection) -> None:
        """Keep what a turn was given."""
        with self._lock:
            self._kept[key] = (self._clock(), injection)
            self._kept.move_to_end(key)
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)


def last_user(messages: Sequence[Mapping[str, Any]]) -> int | None:
    """Where the last user turn begins; None where no user has said anything."""
    places = (place for place in range(len(messages) - 1, -1, -1) if messages[place].get("role") == "user")
    return next(places, None)


def turn_key(client: str, session: str, messages: Sequence[Mapping[str, Any]]) -> str | None:
    """What names the turn that a request belongs to; None where it belongs to none."""
    place = last_user(messages)
    if place is None:
        return None
    said = json.dumps([client, session, place, messages[place].get("content")])
    return hashlib.sha256(said.encode()).hexdigest()


def continues(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last user turn has been answered in part: tool calls and their results follow it."""
    place = last_user(messages)
    return place is not None and place < len(messages) - 1


def query_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """What the last user turn says, without its images; "" where there is none."""
    place = last_user(messages)
    text = text_of(messages[place].get("content")).strip() if place is not None else ""
    half = QUERY_CHARS // 2
    return text if len(text) <= QUERY_CHARS else f"{text[:half]}\n{text[-half:]}"


def find(workspace: Workspace, query: str, *, skills: bool) -> Injection:
    """The skills for a query as the library stands now; none where `skills` is off. Blocks on the store."""
    current = workspace.synchronised()
    generation = current.generation.number
    if not skills or not query:
        return Injection(generation=generation)
    matches = workspace.retrieve(Task(query), current.skills)
    if not matches:
        return Injection(generation=generation)
    text = f"{SKILLS_PREAMBLE}\n{skills_block(match.skill.body for match in matches)}"
    injected = tuple(
        InjectedSkill(match.skill.name, match.skill.sha256, match.relevance) for match in matches
    )
    return Injection(text, injected, generation)


def with_skills(body: dict[str, Any], text: str) -> dict[str, Any]:
    """The body with `text` at the end of its instructions; the body itself where the text is empty. Nothing else is
    touched, and what was given is left unchanged."""
    if not text:
        return body
    messages = list(body["messages"])
    place = _instructions(messages)
    if place is None:
        messages.insert(0, {"role": "system", "content": text})
    else:
        messages[place] = {**messages[place], "content": _added(messages[place]["content"], text)}
    return {**body, "messages": messages}


def _instructions(messages: Sequence[Mapping[str, Any]]) -> int | None:
    """The last of the instructions that a conversation begins with, where text can be added to it."""
    place = None
    for number, message in enumerate(messages):
        if message.get("role") not in _INSTRUCTING:
            break
        if isinstance(message.get("content"), str | list):
            place = number
    return place


def _added(content: str | list[Any], text: str) -> str | list[Any]:
    if isinstance(content, list):
        return [*content, {"type": "text", "text": text}]
    return f"{content}\n\n{text}" if content.strip() else text

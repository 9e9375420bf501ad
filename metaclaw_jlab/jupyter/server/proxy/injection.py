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
from metaclaw_jlab.core.trajectory import InjectedSkill
from metaclaw_jlab.jupyter.server.proxy.chunks import text_of

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.config import SkillSettings
    from metaclaw_jlab.skills.working_copy import Synchronised

QUERY_CHARS = 8000  # of a long turn its beginning and its end are searched with
REMEMBERED_TURNS = 4096
LOOK_SECONDS = 1.0  # how often the files of skills are looked at
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


def query_of(messages: Sequence[Mapping[str, Any]], stage: str = "") -> str:
    """What the last user turn says, without its images, after the words of the stage's name; "" where no user has said
    anything."""
    place = last_user(messages)
    text = text_of(messages[place].get("content")).strip() if place is not None else ""
    half = QUERY_CHARS // 2
    text = text if len(text) <= QUERY_CHARS else f"{text[:half]}\n{text[-half:]}"
    words = stage.replace("_", " ").replace("-", " ").strip()
    return f"{words}\n{text}" if words and text else text


class Shelf:
    """The library of a workspace as prompts are built from it. A new generation counts once its manifest is written;
    everything else, edits by hand too, is looked at once a second, for that takes a look at each file. Any thread may
    call."""

    def __init__(self, workspace: Workspace, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._workspace, self._clock = workspace, clock
        self._current: Synchronised | None = None
        self._signature: tuple[int, ...] | None = None
        self._looked_at = 0.0

    def current(self) -> Synchronised:
        """The current generation and its skills. Blocks on the store."""
        from metaclaw_jlab.skills.manifest import manifest_signature

        now = self._clock()
        signature = manifest_signature(self._workspace.home.skills)
        if (
            self._current is None
            or signature != self._signature
            or not 0 <= now - self._looked_at < LOOK_SECONDS
        ):
            self._current = self._workspace.synchronised()
            self._signature, self._looked_at = signature, now
        return self._current

    def find(self, query: str, wanted: SkillSettings) -> Injection:
        """The skills for a query; none for "". Blocks on the store, and on whatever embeds texts."""
        from metaclaw_jlab.skills.retrieval import CANDIDATES, select

        current = self.current()
        generation = current.generation.number
        if not query or not current.skills or wanted.max_skills == 0:
            return Injection(generation=generation)
        found = self._workspace.retrieval().search(
            current.skills, query, CANDIDATES * wanted.max_skills, seconds_old=LOOK_SECONDS
        )
        matches = select(found, wanted.max_skills, wanted.max_tokens)
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

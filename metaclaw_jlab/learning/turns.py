"""Tells which turn of which conversation a proxied request belongs to.

A turn is the requests since the last user message: one trajectory, each request a step. Which one a request goes on
with is told by its headers, else by the conversation itself: what the client sends again is what it was answered.
System messages don't count, because agents write the time of day into them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaclaw_jlab.core.exchange import MAIN, SIDE, Asked, Replied
from metaclaw_jlab.core.trajectory import StopReason, new_trajectory_id
from metaclaw_jlab.learning.turn_text import (
    SYSTEM_ROLES,
    TOOL_ROLES,
    calls_of,
    messages_of,
    results_after,
    text_of,
)

REMEMBERED = 4096  # conversations that are known without asking the store
RECALLED = 64  # messages, from the last, by which the store is asked for a conversation
MEDIA_CHARS = 4096  # of an image at each end; a request may carry many megabytes of them
WENT_ON = "The conversation went on before it was done."
SILENT = "Its client never came back."
SESSION_DONE = "The session was over."

Recall = Callable[[Sequence[str], str], str | None]


@dataclass(frozen=True, slots=True)
class End:
    """A turn that is over, and why."""

    trajectory: str
    stop: StopReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an exchange belongs. `begins`: its turn begins with it; `step`: the place of its reply among the turn's
    steps, None where there was no reply; `result`: what tools gave after the step before, and how much of that was cut;
    `conversation`: hash of the conversation up to the reply; `ends`: turns that are over with it, its own last."""

    trajectory: str
    session: str
    kind: str
    begins: bool
    step: int | None
    result: tuple[str, int] | None
    conversation: str
    ends: tuple[End, ...] = ()


@dataclass(slots=True)
class _Turn:
    """A turn that is not over: `key` tells its first prompt, `messages` how many its last request had."""

    trajectory: str
    session: str
    key: str
    kind: str
    client: str
    messages: int = 0
    steps: int = 0
    at: float = 0.0
    observed: bool = True
    failure: str = ""


_Prompt = tuple[str, str, str]  # client, hash of the first prompt, kind


@dataclass(slots=True)
class Conversations:
    """The open turns of one home, and the conversations that they belong to. `recall` asks the store for the session of
    the first known hash among several, by client. Not for several threads."""

    recall: Recall = field(default=lambda _hashes, _client: None)
    make_id: Callable[[], str] = field(default=new_trajectory_id)
    _open: dict[str, _Turn] = field(default_factory=dict)
    _by_prompt: dict[_Prompt, list[_Turn]] = field(default_factory=dict)
    _sessions: OrderedDict[tuple[str, str], str] = field(default_factory=OrderedDict)

    def place(self, asked: Asked, replied: Replied) -> Placed:
        """Where an exchange belongs; it is known from then on."""
        messages = [one for one in messages_of(asked.body) if one.get("role") not in SYSTEM_ROLES]
        hashes, start = prefixes(messages), turn_start(messages)
        kind = SIDE if asked.kind == SIDE else MAIN
        key = hashes[start]
        session = self._session(asked, hashes, (asked.client, key, kind), len(messages))
        turn = self._continued(asked, session, key, kind, len(messages), start)
        ends = [] if turn is not None or kind == SIDE else self._left(asked, session, hashes)
        begins = turn is None
        if turn is None:
            turn = _Turn(self.make_id(), session, key, kind, asked.client)
            self._open[turn.trajectory] = turn
            self._by_prompt.setdefault(_prompt(turn), []).append(turn)
        placed, reply = self._taken(turn, asked, replied, messages, hashes, begins=begins)
        for one in (*hashes[start:], reply):
            self._know(asked.client, one, turn.session)
        if (own := _own_end(turn, replied, done=asked.done)) is not None:
            self._drop(turn)
            ends.append(own)
        if asked.done:
            ends = [*self._of_session(asked.client, turn.session), *ends]
        return Placed(
            turn.trajectory, turn.session, kind, begins, placed.step, placed.result, reply, tuple(ends)
        )

    def silent(self, before: float) -> tuple[End, ...]:
        """End the turns that nothing was heard of since that time."""
        late = [turn for turn in self._open.values() if turn.at < before]
        for turn in late:
            self._drop(turn)
        return tuple(_unfinished(turn, SILENT) for turn in late)

    def end_session(self, client: str, session: str) -> tuple[End, ...]:
        """End the open turns of a session that is over."""
        return tuple(self._of_session(client, session))

    def forget(self, trajectory: str) -> None:
        """A turn was ended from elsewhere: what follows begins a new one."""
        if (turn := self._open.get(trajectory)) is not None:
            self._drop(turn)

    def open(self) -> tuple[str, ...]:
        """The trajectories of the turns that are not over."""
        return tuple(self._open)

    def _continued(
        self, asked: Asked, session: str, key: str, kind: str, messages: int, start: int
    ) -> _Turn | None:
        """The open turn that a request goes on with: the same first prompt, and more of the conversation since, or the
        same again where no reply came."""
        for turn in reversed(self._by_prompt.get((asked.client, key, kind), ())):
            if turn.session != session:
                continue
            if messages > max(turn.messages, start) or (turn.failure and messages == turn.messages):
                return turn
        return None

    def _drop(self, turn: _Turn) -> None:
        del self._open[turn.trajectory]
        alike = self._by_prompt[_prompt(turn)]
        alike.remove(turn)
        if not alike:
            del self._by_prompt[_prompt(turn)]

    def _taken(
        self,
        turn: _Turn,
        asked: Asked,
        replied: Replied,
        messages: Sequence[Mapping[str, Any]],
        hashes: Sequence[str],
        *,
        begins: bool,
    ) -> tuple[_Taken, str]:
        result = None
        if not begins and not turn.observed:
            result = results_after(messages)
            turn.observed = result is not None
        turn.at, turn.messages, turn.failure = asked.at + replied.seconds, len(messages), replied.error
        if replied.error and not (replied.text or replied.tool_calls):
            return _Taken(None, result), hashes[-1]
        step, turn.steps, turn.observed = turn.steps, turn.steps + 1, False
        reply = {"role": "assistant", "content": replied.text, "tool_calls": list(replied.tool_calls)}
        return _Taken(step, result), _next(hashes[-1], reply)

    def _left(self, asked: Asked, session: str, hashes: Sequence[str]) -> list[End]:
        """The turns that the conversation has left behind: the new request begins with their prompt, and goes on."""
        left = [
            turn
            for one in hashes
            for turn in self._by_prompt.get((asked.client, one, MAIN), ())
            if turn.session == session
        ]
        for turn in left:
            self._drop(turn)
        return [_unfinished(turn, WENT_ON) for turn in left]

    def _of_session(self, client: str, session: str) -> list[End]:
        left = [turn for turn in self._open.values() if (turn.client, turn.session) == (client, session)]
        for turn in left:
            self._drop(turn)
        return [_unfinished(turn, SESSION_DONE) for turn in left]

    def _session(self, asked: Asked, hashes: Sequence[str], prompt: _Prompt, messages: int) -> str:
        """The session that the headers name, else that of the conversation so far, else a new one."""
        if asked.session:
            return asked.session
        for turn in reversed(self._by_prompt.get(prompt, ())):
            if turn.failure and messages == turn.messages:
                return turn.session
        # One message alone is no conversation: many begin alike.
        told = list(reversed(hashes[1:])) if len(hashes) > 2 else []
        for one in told:
            if (found := self._sessions.get((asked.client, one))) is not None:
                self._sessions.move_to_end((asked.client, one))
                return found
        recalled = self.recall(told[:RECALLED], asked.client) if told else None
        return recalled or f"c-{secrets.token_hex(6)}"

    def _know(self, client: str, one: str, session: str) -> None:
        self._sessions[(client, one)] = session
        self._sessions.move_to_end((client, one))
        while len(self._sessions) > REMEMBERED:
            self._sessions.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Taken:
    step: int | None
    result: tuple[str, int] | None


def prefixes(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Hash of the conversation up to each of its messages; the first is that of an empty one."""
    found = [""]
    for message in messages:
        found.append(_next(found[-1], message))
    return found


def turn_start(messages: Sequence[Mapping[str, Any]]) -> int:
    """How many messages make the first prompt of the last turn: up to the last thing that the user said.

    What comes with the results of tools goes on with their turn.
    """
    for place in range(len(messages) - 1, -1, -1):
        role, before = messages[place].get("role"), messages[place - 1].get("role") if place else None
        if role not in TOOL_ROLES and role != "assistant" and before not in TOOL_ROLES:
            return place + 1
    return len(messages)


def _next(before: str, message: Mapping[str, Any]) -> str:
    """The hash with one more message. Ids of calls, spacing at the ends and the form of the content don't count."""
    content = message.get("content")
    parts = [str(message.get("role", "")), text_of(content).strip()]
    if isinstance(content, list | tuple):
        parts += [_media(part) for part in content]
    for name, arguments in calls_of(message):
        parts += [name, _normal(arguments)]
    digest = hashlib.sha256(before.encode())
    for part in filter(None, parts):
        data = part.encode(errors="surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:32]


def _media(part: object) -> str:
    """What tells one image or file from another: its size, its beginning and its end."""
    if not isinstance(part, Mapping) or isinstance(part.get("text"), str):
        return ""
    found = part.get("image_url", part.get("input_audio", part.get("file", part.get("source"))))
    values = found.values() if isinstance(found, Mapping) else (found,)
    return "\x00".join(
        f"{len(value)}:{value[:MEDIA_CHARS]}{value[-MEDIA_CHARS:]}"
        for value in values
        if isinstance(value, str)
    )


def _normal(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arguments.strip()


def _prompt(turn: _Turn) -> _Prompt:
    return (turn.client, turn.key, turn.kind)


def _own_end(turn: _Turn, replied: Replied, *, done: bool) -> End | None:
    """The end of a turn whose reply calls no tool, or whose session is over with it."""
    if replied.error:
        return _unfinished(turn, SESSION_DONE) if done else None
    return None if replied.tool_calls and not done else End(turn.trajectory, StopReason.DONE)


def _unfinished(turn: _Turn, why: str) -> End:
    if turn.failure:
        return End(turn.trajectory, StopReason.POLICY_FAILED, turn.failure)
    stop = StopReason.INTERRUPTED if why == SILENT else StopReason.CANCELLED
    return End(turn.trajectory, stop, why)

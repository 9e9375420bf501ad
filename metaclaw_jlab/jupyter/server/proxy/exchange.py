"""One request to the proxy: the body, the skills, the policy, and its answer back to the client as it comes."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from metaclaw_jlab.core.adapter import pinned
from metaclaw_jlab.core.errors import MetaclawError, PolicyTimeout, RequestInvalid, UpstreamError
from metaclaw_jlab.core.exchange import Asked, Replied
from metaclaw_jlab.jupyter.server.proxy.asking import Wanted, read_body, wanted_by
from metaclaw_jlab.jupyter.server.proxy.chunks import (
    Assembled,
    Events,
    WholeLines,
    chunk_in,
    chunk_of,
    empty_completion,
    is_completion,
    message_in,
    replied_by,
)
from metaclaw_jlab.jupyter.server.proxy.dialect import ChatStream, Dialect, kind_of
from metaclaw_jlab.jupyter.server.proxy.identity import Client
from metaclaw_jlab.jupyter.server.proxy.injection import Injection, with_skills
from metaclaw_jlab.jupyter.server.proxy.room import SERVED, Room
from metaclaw_jlab.jupyter.server.proxy.upstream import Target, parts, told_headers, whole

if TYPE_CHECKING:
    import aiohttp

    from metaclaw_jlab.jupyter.server.proxy.dialect import StreamRenderer
    from metaclaw_jlab.jupyter.server.proxy.service import Proxy

STREAM_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
SESSION_END = (
    "session-end"  # the model of a request by which AutoResearchClaw says no more than that it is done
)
_log = logging.getLogger(__name__)


class Outlet(Protocol):
    """The way back to the client."""

    def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a complete answer."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin an answer that comes in pieces."""

    async def send(self, data: bytes) -> None:
        """Send a piece, and wait until the client takes it. Raises CancelledError where the client has left."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request: who sends it, in which dialect, its headers and its body."""

    client: Client
    dialect: Dialect
    headers: Mapping[str, str]
    raw: bytes


@dataclass(slots=True)
class _Prepared:
    asked: dict[str, Any]
    chat: dict[str, Any]
    sent: dict[str, Any]
    data: bytes
    wanted: Wanted
    injection: Injection
    at: float = field(default_factory=time.time)
    began: float = field(default_factory=time.monotonic)

    @property
    def headers(self) -> dict[str, str]:
        if not self.injection.skills:
            return {}
        names = ", ".join(skill.name for skill in self.injection.skills)
        return {
            "X-MetaClaw-Skills": names,
            "X-MetaClaw-Generation": str(self.injection.generation),
        }


def status_of(error: MetaclawError) -> int:
    """The HTTP status that tells this error."""
    if isinstance(error, RequestInvalid):
        return error.status
    if isinstance(error, PolicyTimeout):
        return 504
    return 502 if isinstance(error, UpstreamError) else 503


class Exchange:
    """One request on its way. `run` answers it, whatever happens; where the client leaves, it is cancelled."""

    def __init__(self, proxy: Proxy, incoming: Incoming, outlet: Outlet) -> None:
        self._proxy, self._incoming, self._outlet = proxy, incoming, outlet
        self._dialect = incoming.dialect
        self._streaming: StreamRenderer | None = None
        self._gap = b""
        self._over: tuple[Room, str] | None = None

    async def run(self) -> None:
        """Answer the request."""
        try:
            room = await self._proxy.room(self._incoming.client.namespace)
            asked, wanted = read_body(self._incoming.raw), await self._wanted(room)
            if wanted.done and wanted.session is not None:
                self._over = (room, wanted.session)
            chat = self._dialect.request(asked)
            if wanted.done and chat.get("model") == SESSION_END:
                self._end_said(asked)
                return
            target = await room.target()
            prepared = await self._prepare(room, target, asked, chat, wanted)
            await self._ask(room, target, prepared)
        except MetaclawError as error:
            await self._fail(status_of(error), str(error))
        except Exception:  # noqa: BLE001 - whatever breaks is told to the client, and to the log in full
            _log.exception("A request to the proxy failed.")
            await self._fail(500, "The proxy failed. The log of the Jupyter server says more.")
        finally:
            self._end_session()

    def _end_said(self, asked: dict[str, Any]) -> None:
        """Answer a request that says no more than that its session is over: nobody else is asked."""
        self._end_session()
        answer = json.dumps(self._dialect.answer(asked, empty_completion(SESSION_END)))
        self._outlet.whole(200, {"Content-Type": "application/json"}, answer.encode())

    def _end_session(self) -> None:
        """A session is over with its last request, also where that one was refused and is not kept. Before the answer:
        whatever the client then does comes after."""
        over, self._over = self._over, None
        if over is not None:
            room, session = over
            self._proxy.recording.end_session(room.workspace, self._incoming.client.id, session)

    # ---------------------------------------------------------------- on the way there

    async def _wanted(self, room: Room) -> Wanted:
        incoming, defaults = self._incoming, (await room.settings()).proxy
        return wanted_by(incoming.headers, incoming.client, skills=defaults.skills, learn=defaults.learn)

    async def _prepare(
        self, room: Room, target: Target, asked: dict[str, Any], chat: dict[str, Any], wanted: Wanted
    ) -> _Prepared:
        injection = Injection()
        if wanted.skills or wanted.learn:
            found = await room.injection(
                chat["messages"],
                self._incoming.client.id,
                wanted.session or "",
                skills=wanted.skills,
                local=target.local,
                stage=wanted.stage,
            )
            if found is not None:
                injection = found
            else:
                wanted = replace(wanted, skills=False, learn=False)
        sent = await self._with_model(room, target, with_skills(chat, injection.text), wanted, injection)
        data = self._incoming.raw if sent is asked else json.dumps(sent).encode()
        return _Prepared(asked, chat, sent, data, wanted, injection)

    async def _with_model(
        self, room: Room, target: Target, body: dict[str, Any], wanted: Wanted, injection: Injection
    ) -> dict[str, Any]:
        """The model that the client names; the configured one where it names none. A turn that is learned from is
        done by one version of the local policy."""
        named = body.get("model")
        if named in (None, "", SERVED):
            named = await room.model(target)
        if target.local and named == target.model and wanted.learn:
            named = pinned(named, injection.version)
        return body if named == body.get("model") else {**body, "model": named}

    async def _ask(self, room: Room, target: Target, prepared: _Prepared) -> None:
        """Ask the policy; once more where it could not be reached, for connections go stale and servers restart."""
        for last in (False, True):
            answered = False
            try:
                async with self._proxy.upstream.ask(target, "/chat/completions", prepared.data) as answer:
                    moved = target.local and answer.status == 401
                    if last or not moved:
                        answered = True
                        await self._answer(room, target, answer, prepared)
                        return
            except UpstreamError:
                if last or answered:
                    raise
            target = await room.target(fresh=True)

    # ---------------------------------------------------------------- on the way back

    async def _answer(
        self, room: Room, target: Target, answer: aiohttp.ClientResponse, prepared: _Prepared
    ) -> None:
        told = told_headers(answer.headers)
        if 300 <= answer.status < 400:
            raise UpstreamError(
                f"{target.base_url} answers with a redirection ({answer.status}).",
                "Set policy.base_url to where it leads.",
            )
        if answer.status >= 400:
            refusal = await whole(target, answer)
            self._end_session()
            self._refused(answer.status, told, refusal)
        elif answer.content_type == "text/event-stream":
            body = parts(target, answer)
            await self._stream(room, body, prepared, {**told, **prepared.headers}, answer.status)
        else:
            await self._whole(room, answer.status, await whole(target, answer), prepared, told)

    def _refused(self, status: int, told: dict[str, str], body: bytes) -> None:
        """An error of the upstream's: status and headers as they are, the body in the client's dialect."""
        if not self._dialect.as_is:
            found = chunk_in(body.decode(errors="replace")) or {}
            error = found.get("error")
            kind = error.get("type") if isinstance(error, dict) else None
            message = message_in(found) or body.decode(errors="replace")[:500].strip() or f"HTTP {status}"
            kind = kind if isinstance(kind, str) else kind_of(status)
            body = json.dumps(self._dialect.error(status, message, kind)).encode()
            told = {**told, "Content-Type": "application/json"}
        self._outlet.whole(status, told, body)

    async def _whole(
        self, room: Room, status: int, body: bytes, prepared: _Prepared, told: dict[str, str]
    ) -> None:
        completion = chunk_in(body.decode(errors="replace"))
        if completion is None or not is_completion(completion):
            completion = None
        headers = {**told, **prepared.headers}
        if completion is not None:
            trajectory = self._record(room, prepared, replied_by(completion, _since(prepared)))
            if trajectory is not None:
                headers["X-MetaClaw-Trajectory"] = trajectory
        if self._dialect.as_is:
            self._outlet.whole(status, headers, body)
            return
        if completion is None:
            raise UpstreamError("The policy answered with something that is no completion.", "Look at it.")
        if prepared.asked.get("stream"):
            self._open_stream(prepared, headers)
            assert self._streaming is not None
            await self._outlet.send(self._streaming.feed(chunk_of(completion)) + self._streaming.close())
            return
        answer = json.dumps(self._dialect.answer(prepared.asked, completion)).encode()
        self._outlet.whole(status, {**headers, "Content-Type": "application/json"}, answer)

    def _open_stream(self, prepared: _Prepared, headers: Mapping[str, str]) -> None:
        self._streaming = self._dialect.stream(prepared.asked)
        self._outlet.begin(200, {**headers, **STREAM_HEADERS})

    async def _stream(
        self,
        room: Room,
        body: AsyncIterator[bytes],
        prepared: _Prepared,
        headers: dict[str, str],
        status: int,
    ) -> None:
        assembled, error = Assembled(), ""
        # Kept before the client has all of it: whatever it then does comes after.
        keep = _Once(lambda told: self._record(room, prepared, assembled.replied(_since(prepared), told)))
        try:
            if self._dialect.as_is:
                self._streaming = ChatStream()
                self._outlet.begin(status, {**STREAM_HEADERS, **headers})
                await self._pass(body, assembled, keep)
            elif prepared.asked.get("stream"):
                self._open_stream(prepared, headers)
                await self._render(body, assembled, keep)
            else:
                async for _ in _chunks(body, assembled):
                    pass
                self._assembled(prepared, assembled, headers, keep)
        except asyncio.CancelledError:
            error = "The client left before the answer was complete."
            raise
        except MetaclawError as trouble:
            error = str(trouble)
            raise
        finally:
            if not error and not assembled.complete:
                error = assembled.trouble or "The policy ended its stream without a finish reason."
            keep(error)

    async def _pass(self, body: AsyncIterator[bytes], assembled: Assembled, keep: _Once) -> None:
        """The upstream's stream as it is. What it adds up to is read meanwhile."""
        lines, events = WholeLines(), Events()
        async for part in body:
            for event in events.push(part):
                assembled.event(event)
            if assembled.done and assembled.complete:
                keep("")
            if data := lines.push(part):
                await self._outlet.send(data)
                self._gap = lines.gap()
        if rest := lines.rest():
            await self._outlet.send(rest)
        for event in events.end():
            assembled.event(event)

    async def _render(self, body: AsyncIterator[bytes], assembled: Assembled, keep: _Once) -> None:
        """The upstream's stream in the client's dialect."""
        renderer = self._streaming
        assert renderer is not None
        async for chunk in _chunks(body, assembled):
            if data := renderer.feed(chunk):
                await self._outlet.send(data)
        if not assembled.complete:
            raise UpstreamError(
                assembled.trouble or "The policy ended its stream without a finish reason.", "Ask again."
            )
        keep("")
        await self._outlet.send(renderer.close())

    def _assembled(
        self, prepared: _Prepared, assembled: Assembled, headers: dict[str, str], keep: _Once
    ) -> None:
        """A whole answer of a stream that the client did not ask for."""
        if not assembled.complete:
            raise UpstreamError(assembled.trouble or "The policy's answer is not complete.", "Ask again.")
        keep("")
        body = self._dialect.answer(prepared.asked, assembled.completion())
        self._outlet.whole(200, {**headers, "Content-Type": "application/json"}, json.dumps(body).encode())

    async def _fail(self, status: int, message: str) -> None:
        self._end_session()
        if self._streaming is not None:
            await self._outlet.send(self._gap + self._streaming.error(status, message))
            return
        body = json.dumps(self._dialect.error(status, message, kind_of(status))).encode()
        self._outlet.whole(status, {"Content-Type": "application/json"}, body)

    def _record(self, room: Room, prepared: _Prepared, replied: Replied) -> str | None:
        wanted, injection = prepared.wanted, prepared.injection
        if not (wanted.learn or injection.skills):
            return None
        if not replied.model:
            replied = replace(replied, model=str(prepared.sent["model"]))
        asked = Asked(
            prepared.chat,
            prepared.sent,
            wanted.session,
            wanted.kind,
            wanted.done,
            self._incoming.client.id,
            wanted.learn,
            injection.skills,
            injection.generation,
            prepared.at,
            wanted.stage,
        )
        self._over = None  # the record of its last exchange ends the session
        try:
            return self._proxy.recording.record(room.workspace, asked, replied)
        except Exception:  # noqa: BLE001 - an answer is not lost because it cannot be kept
            _log.exception("An exchange is not kept.")
            return None


class _Once:
    """Does something the first time that it is called, and not again."""

    def __init__(self, work: Callable[[str], object]) -> None:
        self._work: Callable[[str], object] | None = work

    def __call__(self, told: str) -> None:
        work, self._work = self._work, None
        if work is not None:
            work(told)


def _since(prepared: _Prepared) -> float:
    return time.monotonic() - prepared.began


async def _chunks(body: AsyncIterator[bytes], assembled: Assembled) -> AsyncIterator[dict[str, Any]]:
    """The chunks of a stream, each taken in by `assembled` before it is given."""
    events = Events()
    async for part in body:
        for event in events.push(part):
            if (chunk := assembled.event(event)) is not None:
                yield chunk
    for event in events.end():
        if (chunk := assembled.event(event)) is not None:
            yield chunk

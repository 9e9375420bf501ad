"""The life of a model server: alone in its home, on loopback, published while it answers, ended for a reason."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import HomeRefused, ServerStartFailed
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.policy_server import Endpoint, publish, running, withdraw

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

_log = logging.getLogger(__name__)
HOST = "127.0.0.1"
WATCH_SECONDS = 1.0
GRACE_SECONDS = 2  # for answers under way when the server is told to end


@dataclass(frozen=True, slots=True)
class Life:
    """A server of `model` in a form, which began to start at `started` (monotonic seconds)."""

    home: Home
    model: str
    form: str
    token: str = field(repr=False)
    activity: Activity
    idle_minutes: float
    started: float


def check_alone(home: Home) -> None:
    """Raise ServerStartFailed where another server of this home runs."""
    other = running(home)
    if other is not None:
        raise ServerStartFailed(
            f"A policy server of {other.model} runs for {home.path} already (pid {other.pid}).",
            "Use it, or end it first.",
        )


def listen(port: int) -> socket.socket:
    """A socket of this machine alone; port 0 takes a free one. Raises ServerStartFailed."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise ServerStartFailed(
            f"Port {port} of {HOST} cannot be used ({error.strerror}).", "Take another, or 0."
        ) from error
    return listener


def reason_to_end(home: Home, home_id: str, activity: Activity, idle_seconds: float) -> str | None:
    """Why a server should end now, or None."""
    try:
        if home.id != home_id:
            return f"{home.path} has become another home"
    except HomeRefused:
        return f"{home.path} is gone"
    if activity.idle_seconds() >= idle_seconds:
        return f"no request for {idle_seconds / 60:g} min"
    return None


async def answer(
    app: ASGIApp, listener: socket.socket, life: Life, trouble: Callable[[], str | None] = lambda: None
) -> None:
    """Serve HTTP, publish when that answers, and watch for reasons to end; `trouble` is the server's own."""
    import uvicorn

    home, home_id = life.home, life.home.id
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    # uvicorn ends on SIGTERM and then raises it again, for whoever had handled it before.
    signal.signal(signal.SIGTERM, lambda *_: _log.info("ending: told to"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not (server.started or serving.done()):
        await asyncio.sleep(0.01)
    try:
        if not serving.done():
            check_alone(home)
            address = f"http://{HOST}:{listener.getsockname()[1]}/v1"
            publish(home, Endpoint(address, life.token, life.model, os.getpid(), life.form))
            _log.info("ready after %.1f s: %s at %s", time.monotonic() - life.started, life.model, address)
            await _watch(
                server,
                serving,
                lambda: trouble() or reason_to_end(home, home_id, life.activity, life.idle_minutes * 60),
            )
        await serving
    finally:
        withdraw(home, os.getpid())


async def _watch(
    server: uvicorn.Server, serving: asyncio.Task[None], reason: Callable[[], str | None]
) -> None:
    while not serving.done():
        await asyncio.wait({serving}, timeout=WATCH_SECONDS)
        why = reason()
        if why is not None and not serving.done():
            _log.info("ending: %s", why)
            server.should_exit = True
            await asyncio.wait({serving})

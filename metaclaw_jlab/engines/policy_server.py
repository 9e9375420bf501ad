"""The policy server: `python -m metaclaw_jlab.engines.policy_server --home PATH --model NAME|PATH|HUB_ID`.

One process a home. It publishes itself when its model answers, and ends when nobody has asked for a while, when its
home is gone, or on SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import HomeRefused, MetaclawError, ServerStartFailed
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import Endpoint, publish, running, withdraw

if TYPE_CHECKING:
    import uvicorn

    from metaclaw_jlab.engines.adapters import ServedAdapters
    from metaclaw_jlab.engines.decoding import Decoder
    from metaclaw_jlab.engines.local_models import LocalModel

_log = logging.getLogger(__name__)
HOST = "127.0.0.1"
WATCH_SECONDS = 1.0
TINY_PARAMETERS = 20_000_000
GRACE_SECONDS = 2  # for answers under way when the server is told to end
SWITCH_SECONDS = 0.001  # the decode loop hands the interpreter over and gets it back many times a step


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    home: Path
    model: str
    port: int
    idle_minutes: float
    max_batch: int
    threads: int


def options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m metaclaw_jlab.engines.policy_server", description=__doc__
    )
    parser.add_argument("--home", type=Path, required=True, help="home folder")
    parser.add_argument("--model", default=EMBEDDED_MODEL, help="name, folder or hub id of a causal model")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--idle-minutes", type=float, default=30.0, help="end after so long without a request"
    )
    parser.add_argument("--max-batch", type=int, default=32, help="most completions decoded together")
    parser.add_argument("--threads", type=int, default=0, help="threads of torch; 0 goes by the model's size")
    found = parser.parse_args(arguments)
    for name in ("idle_minutes", "max_batch"):
        if getattr(found, name) <= 0:
            parser.error(f"--{name.replace('_', '-')} must be more than 0")
    return Options(**vars(found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until there is a reason to end; the exit code."""
    chosen = options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for name in ("httpx", "uvicorn", "transformers"):
        logging.getLogger(name).setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _end)
    try:
        _serve(chosen)
    except MetaclawError as error:
        _log.error("%s", error)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def threads_for(parameters: int) -> int | None:
    """Threads for a model of this size; None leaves it to torch.

    A tiny model's steps are too short to share: a second thread gains little, and each wait for it costs a time slice
    when other processes want the cores.
    """
    return 1 if parameters < TINY_PARAMETERS else None


def reason_to_end(home: Home, home_id: str, activity: Activity, idle_seconds: float) -> str | None:
    """Why the server should end now, or None."""
    try:
        if home.id != home_id:
            return f"{home.path} has become another home"
    except HomeRefused:
        return f"{home.path} is gone"
    if activity.idle_seconds() >= idle_seconds:
        return f"no request for {idle_seconds / 60:g} min"
    return None


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def _serve(chosen: Options) -> None:
    home = open_home(chosen.home)
    _check_alone(home)
    listener = _listen(chosen.port)
    _log.info("loading %s", chosen.model)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.setswitchinterval(SWITCH_SECONDS)
    started = time.monotonic()
    served = _load(chosen)
    from metaclaw_jlab.engines.adapter_bank import AdapterBank
    from metaclaw_jlab.engines.adapters import ServedAdapters
    from metaclaw_jlab.engines.decoding import Decoder
    from metaclaw_jlab.engines.local_models import locate

    threads = chosen.threads if chosen.threads > 0 else threads_for(served.model.num_parameters())
    bank = AdapterBank(served.model)
    decoder = Decoder(served, max_batch=chosen.max_batch, threads=threads, bank=bank)
    adapters = ServedAdapters(home, served.name, locate(chosen.model), bank, lambda: decoder.running == 0)
    try:
        _refresh(adapters)
        asyncio.run(_answer(chosen, home, listener, served, decoder, adapters, started))
    finally:
        withdraw(home, os.getpid())
        adapters.close()
        decoder.close()
        _log.info("ended")


def _refresh(adapters: ServedAdapters) -> None:
    """Load what serves before the first request; a store that cannot be read leaves the base."""
    try:
        adapters.refresh()
    except MetaclawError as error:
        _log.warning("cannot look for adapters: %s", error)
    adapters.watch()


def _check_alone(home: Home) -> None:
    other = running(home)
    if other is not None:
        raise ServerStartFailed(
            f"A policy server of {other.model} runs for {home.path} already (pid {other.pid}).",
            "Use it, or end it first.",
        )


def _listen(port: int) -> socket.socket:
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


def _load(chosen: Options) -> LocalModel:
    from metaclaw_jlab.engines.local_models import load, locate

    locate(chosen.model)  # a wrong name is told before the libraries are loaded, which takes seconds
    import torch

    if chosen.threads > 0:
        torch.set_num_threads(chosen.threads)
    import transformers.utils.logging

    bars: Any = transformers.utils.logging
    bars.disable_progress_bar()
    return load(chosen.model)


async def _answer(
    chosen: Options,
    home: Home,
    listener: socket.socket,
    served: LocalModel,
    decoder: Decoder,
    adapters: ServedAdapters,
    started: float,
) -> None:
    """Serve HTTP, publish when it does, and watch for reasons to end."""
    import uvicorn

    from metaclaw_jlab.engines.web import Service, application

    activity, token, home_id = Activity(), secrets.token_urlsafe(32), home.id
    service = Service(served, decoder, activity, token, int(time.time()), adapters)
    server = uvicorn.Server(
        uvicorn.Config(
            application(service),
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
    if not serving.done():
        _check_alone(home)
        address = f"http://{HOST}:{listener.getsockname()[1]}/v1"
        publish(home, Endpoint(address, token, chosen.model, os.getpid()))
        _log.info("ready after %.1f s: %s at %s", time.monotonic() - started, chosen.model, address)
        await _watch(
            server, serving, lambda: reason_to_end(home, home_id, activity, chosen.idle_minutes * 60)
        )
    await serving


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


if __name__ == "__main__":
    sys.exit(main())

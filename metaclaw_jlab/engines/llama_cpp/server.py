"""Serving a GGUF model: the instances, the store's versions, and the front, from the start to the end."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import secrets
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from metaclaw_jlab.core.errors import MetaclawError, MissingExtra, ModelUnusable
from metaclaw_jlab.engines.activity import Activity
from metaclaw_jlab.engines.llama_cpp.adapter_file import adapter_file
from metaclaw_jlab.engines.llama_cpp.capacity import Capacity, capacity, free_memory, physical_cores
from metaclaw_jlab.engines.llama_cpp.gguf_header import GgufHeader, read_header
from metaclaw_jlab.engines.llama_cpp.instance import Setup
from metaclaw_jlab.engines.llama_cpp.running_instance import RunningInstance
from metaclaw_jlab.engines.llama_cpp.served_instances import InstanceBank, ServedInstances
from metaclaw_jlab.engines.server_life import Life, answer
from metaclaw_jlab.runtime.home import Home

_log = logging.getLogger(__name__)
NEEDED = ("xllamacpp", "starlette", "uvicorn")
FRONT = "metaclaw_jlab.engines.llama_cpp.front"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model file to serve as `name`. 0 leaves `slot_tokens` and `threads` to the model and the machine."""

    name: str
    path: Path
    slots: int
    slot_tokens: int
    threads: int
    idle_minutes: float


class _Instances:
    """How instances of a file are started, and why that of the base was given up; `lost` is told of a version's."""

    def __init__(self, wanted: Wanted, header: GgufHeader, room: Capacity) -> None:
        self.trouble: str | None = None
        self.lost: Callable[[int, str], None] = lambda _, why: self._give_up(why)
        self._wanted = wanted
        self._header = header
        self._room = room

    def make(self, name: str, adapter: Path | None) -> RunningInstance:
        """Start one. Raises ModelUnusable."""
        wanted, room = self._wanted, self._room
        if not wanted.path.is_file():
            raise ModelUnusable(f"The file {wanted.path} of {wanted.name} is gone.", "Get it again.")
        capacity(wanted.path, self._header, 1, room.slot_tokens, free_memory())
        setup = Setup(
            model=str(wanted.path),
            name=name,
            adapter=str(adapter) if adapter is not None else "",
            slots=room.slots,
            slot_tokens=room.slot_tokens,
            threads=wanted.threads or physical_cores(),
            key=secrets.token_urlsafe(32),
        )
        began = time.monotonic()
        version = name.rpartition("@v")[2]
        given_up = self._give_up if adapter is None else partial(self._lose, int(version))
        made = RunningInstance(setup, given_up)
        _log.info("loaded %s in %.1f s", name, time.monotonic() - began)
        return made

    def _lose(self, version: int, why: str) -> None:
        self.lost(version, why)

    def _give_up(self, why: str) -> None:
        self.trouble = why


def serve(home: Home, listener: socket.socket, wanted: Wanted, started: float) -> None:
    """Serve until there is a reason to end. Raises MissingExtra, ModelUnusable, ServerStartFailed."""
    for library in NEEDED:
        if importlib.util.find_spec(library) is None:
            raise MissingExtra(library, "local")
    header = read_header(wanted.path)
    room = capacity(wanted.path, header, wanted.slots, wanted.slot_tokens, free_memory())
    if room.slots < wanted.slots:
        _log.warning("the memory is enough for %d requests at once, not %d", room.slots, wanted.slots)
    instances = _Instances(wanted, header, room)
    bank = InstanceBank(wanted.name, instances.make)
    activity = Activity()
    versions = ServedInstances(
        home,
        wanted.name,
        bank,
        partial(adapter_file, home, wanted.path, wanted.name),
        lambda: activity.idle_seconds() > 0,
    )
    instances.lost = versions.give_up
    try:
        with ThreadPoolExecutor(1) as beside:
            front = beside.submit(importlib.import_module, FRONT)
            _begin(versions, bank)
            front.result()
        asyncio.run(_answer(home, listener, wanted, room, versions, activity, started, instances))
    finally:
        versions.close()
        bank.close()
    if instances.trouble is not None:
        raise ModelUnusable(instances.trouble, "Start it again, or look at the server's log.")


def _begin(versions: ServedInstances, bank: InstanceBank) -> None:
    """Have what serves running before the first request; a store that cannot be read leaves the base."""
    try:
        versions.refresh()
    except MetaclawError as error:
        _log.warning("cannot look for adapters: %s", error)
    if versions.serving is None:
        bank.base()
    versions.watch()


async def _answer(
    home: Home,
    listener: socket.socket,
    wanted: Wanted,
    room: Capacity,
    versions: ServedInstances,
    activity: Activity,
    started: float,
    instances: _Instances,
) -> None:
    from metaclaw_jlab.engines.llama_cpp.front import Service, application

    token = secrets.token_urlsafe(32)
    service = Service(versions, activity, token, int(time.time()), room.slot_tokens)
    life = Life(home, wanted.name, "gguf", token, activity, wanted.idle_minutes, started)
    await answer(application(service), listener, life, lambda: instances.trouble)

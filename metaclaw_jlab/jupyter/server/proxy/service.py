"""The proxy of a host: its namespaces, its session upstream, its threads, and how much is under way."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from metaclaw_jlab.core.config import ProxySettings
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.jupyter.server.proxy.identity import Client, client_of
from metaclaw_jlab.jupyter.server.proxy.room import Room
from metaclaw_jlab.jupyter.server.proxy.upstream import Upstream

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.exchange import Asked, Replied
    from metaclaw_jlab.store.client_keys import ClientKey, ClientKeys

THREADS = 4
CLOSE_SECONDS = 10.0


class ProxyHost(Protocol):
    """What the proxy needs of a host."""

    @property
    def workspace(self) -> Workspace:
        """The home that is served. Raises HomeRefused where there is none."""


class Recorder(Protocol):
    """Where finished exchanges go (see recording)."""

    def record(self, workspace: Workspace, asked: Asked, replied: Replied) -> str | None:
        """Keep an exchange; the id of its trajectory. Returns at once."""

    def end_session(self, workspace: Workspace, client: str, session: str) -> None:
        """End the turns of a session whose client says so with a request that is not kept. Returns at once."""

    def look(self, workspace: Workspace) -> None:
        """Have failures that wait in this namespace looked at soon. Returns at once; from any thread."""

    def close(self, seconds: float) -> None:
        """Write what waits, for at most so long."""


class Proxy:
    """One for a server. Its methods are called on the event loop."""

    def __init__(self, host: ProxyHost, recording: Recorder) -> None:
        self.recording = recording
        self.under_way = 0
        self.upstream = Upstream()
        self._host = host
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="metaclaw-proxy")
        self._finders = ThreadPoolExecutor(THREADS, thread_name_prefix="metaclaw-skills")
        self._rooms: dict[str | None, Room] = {}
        self._opening = asyncio.Lock()
        self._home: Workspace | None = None
        self._keys: ClientKeys | None = None

    async def limits(self) -> ProxySettings:
        """The settings of the proxy. Raises HomeRefused, ConfigError."""
        return (await (await self.room(None)).settings()).proxy

    async def room(self, namespace: str | None) -> Room:
        """What is kept of a namespace, None: of the one that the host is in. Raises HomeRefused and what opening it
        raises."""
        self._follow()
        if namespace not in self._rooms:
            async with self._opening:
                if namespace not in self._rooms:
                    loop = asyncio.get_running_loop()
                    workspace = await loop.run_in_executor(self._pool, self._open, namespace)
                    self._rooms[namespace] = Room(workspace, self.upstream, self._pool, self._finders)
        return self._rooms[namespace]

    async def client(self, key: str) -> Client | None:
        """Whose key it is; None for one that is unknown or revoked. Raises HomeRefused, StoreError."""
        self._follow()
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._pool, self._find, key)
        if found is None:
            return None
        # That it is used is written beside: a store that is busy keeps nobody waiting.
        loop.run_in_executor(self._pool, self._touch, found)
        return client_of(found)

    async def close(self) -> None:
        """End what is under way, and write what is to be recorded."""
        await self.upstream.close()
        await asyncio.to_thread(self.recording.close, CLOSE_SECONDS)
        for pool in (self._pool, self._finders):
            pool.shutdown(wait=False, cancel_futures=True)
        for room in self._rooms.values():
            if room.workspace is not self._home:
                room.workspace.close()
        self._rooms.clear()

    def _follow(self) -> None:
        """Let go of what belongs to a home that the host no longer serves."""
        workspace = self._host.workspace
        if workspace is not self._home:
            self._rooms.clear()
            self._keys = None
            self._home = workspace

    def _open(self, namespace: str | None) -> Workspace:
        from metaclaw_jlab.assembly.namespaces import open_namespace

        home = self._host.workspace
        workspace = (
            home if namespace in (None, home.home.namespace) else open_namespace(home, namespace or "")
        )
        workspace.database()
        return workspace

    def _find(self, key: str) -> ClientKey | None:
        from metaclaw_jlab.assembly.namespaces import outer_workspace
        from metaclaw_jlab.store.client_keys import ClientKeys

        if self._keys is None:
            self._keys = ClientKeys(outer_workspace(self._host.workspace).database())
        return self._keys.find(key)

    def _touch(self, client: ClientKey) -> None:
        keys = self._keys
        with suppress(MetaclawError):
            if keys is not None:
                keys.touch(client)

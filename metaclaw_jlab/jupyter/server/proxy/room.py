"""What the proxy keeps of one namespace: its settings, where its policy is, and the turns that go on."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, TypeVar

from metaclaw_jlab.core.errors import MetaclawError, UpstreamError
from metaclaw_jlab.jupyter.server.proxy.chunks import chunk_in
from metaclaw_jlab.jupyter.server.proxy.injection import (
    Injection,
    Shelf,
    Turns,
    continues,
    query_of,
    turn_key,
)
from metaclaw_jlab.jupyter.server.proxy.upstream import Target, Upstream, whole

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.config import Settings

LOOK_SECONDS = 1.0  # how often the configuration file is looked at
TRUST_SECONDS = (
    30.0  # how long settings hold whose file has not changed: the environment and the keyring count too
)
FIND_SECONDS = 5.0  # a request goes on without skills where they were not found by then
WARN_SECONDS = 60.0
SERVED = "metaclaw"  # the model's name for whichever the configuration names
_WITHOUT = "Requests go on without skills, and are not learned from:"
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Room:
    """One namespace as the proxy has it. Called on the event loop; what reads the store is done in `pool`, finding
    skills, which may wait for a model elsewhere, in `finders`."""

    def __init__(
        self,
        workspace: Workspace,
        upstream: Upstream,
        pool: Executor,
        finders: Executor,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.workspace = workspace
        self._upstream, self._pool, self._finders, self._clock = upstream, pool, finders, clock
        self._overdue: Future[Injection] | None = None
        self._settings: Settings | None = None
        self._signature: tuple[int, int] | None = None
        self._looked_at = self._read_at = 0.0
        self._target: Target | None = None
        self._finding: asyncio.Task[Target] | None = None
        self._warned_at: float | None = None
        self._settled = False
        self._turns = Turns(clock=clock)
        self._shelf = Shelf(workspace, clock=clock)

    async def settings(self) -> Settings:
        """The settings as they are now, at most a second old; the last good ones while the file is broken. Raises
        ConfigError where there were none."""
        now = self._clock()
        if self._settings is None or now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            try:
                self._settings = await self._in_pool(self._read_settings)
            except MetaclawError as error:
                if self._settings is None:
                    raise
                self._warn(f"The configuration as it was still holds: {error}")
        return self._settings

    def _read_settings(self) -> Settings:
        try:
            status = self.workspace.home.config.stat()
            signature = (status.st_mtime_ns, status.st_size)
        except OSError:
            signature = None
        old = self._clock() - self._read_at >= TRUST_SECONDS
        if self._settings is not None and signature == self._signature and not old:
            return self._settings
        settings = self.workspace.settings()
        moved = self._settings is None or settings.policy != self._settings.policy
        if moved or (old and settings.policy.base_url is not None):
            self._target = None
        self._signature, self._read_at = signature, self._clock()
        return settings

    # ---------------------------------------------------------------- the policy

    async def target(self, *, fresh: bool = False) -> Target:
        """Where the policy answers; the local policy server is started where it does not run. `fresh`: look again.

        Raises ConfigError, SecretError, ServerStartFailed, UpstreamError, PolicyTimeout.
        """
        settings = await self.settings()
        if self._target is not None and not fresh:
            return self._target
        if self._finding is None or self._finding.done():
            self._finding = asyncio.ensure_future(self._find_target(settings))
        # A client that leaves does not end a start that others wait for.
        return await asyncio.shield(self._finding)

    async def _find_target(self, settings: Settings) -> Target:
        """Set here and not by who waits: a request that comes before those have woken finds it too."""
        base_url = settings.policy.base_url
        if base_url is None:
            # A start takes seconds to minutes: it gets a thread of its own.
            self._target = await asyncio.to_thread(self._serve, settings)
        else:
            self._target = await asyncio.to_thread(_endpoint, settings, base_url)
        return self._target

    def _serve(self, settings: Settings) -> Target:
        from metaclaw_jlab.settings.secrets import Secret

        endpoint = self.workspace.serve(settings)
        return Target(
            endpoint.base_url, Secret(endpoint.token), endpoint.model, True, settings.policy.timeout
        )

    async def model(self, target: Target) -> str:
        """The model that a request gets which names none. Raises UpstreamError where the policy lists none."""
        if target.model is not None:
            return target.model
        async with self._upstream.ask(target, "/models") as answer:
            body = chunk_in((await whole(target, answer)).decode(errors="replace"))
        try:
            return str((body or {})["data"][0]["id"])
        except (LookupError, TypeError) as error:
            raise UpstreamError(
                f"{target.base_url} lists no model.", "Name one: metaclaw config set policy.model NAME."
            ) from error

    # ---------------------------------------------------------------- the prompt

    async def injection(
        self,
        messages: list[Mapping[str, Any]],
        client: str,
        session: str,
        *,
        skills: bool,
        local: bool,
        stage: str = "",
    ) -> Injection | None:
        """What a request's turn is given: the same as before where it goes on. None where that cannot be told. Skills
        are found by the name of the `stage` too."""
        settings = await self.settings()
        if self._overdue is not None and not self._overdue.done():
            return None  # what keeps one waiting would keep all waiting
        job = self._finders.submit(
            self._inject, messages, client, session, settings, skills=skills, local=local, stage=stage
        )
        try:
            found = await asyncio.wait_for(asyncio.wrap_future(job), FIND_SECONDS)
            self._settle()
            return found
        except TimeoutError:
            self._overdue = job
            self._warn(f"{_WITHOUT} finding them took more than {FIND_SECONDS:g} s.")
        except MetaclawError as error:
            self._warn(f"{_WITHOUT} {error}")
        except Exception as error:  # noqa: BLE001 - no other agent's work fails because skills cannot be found
            self._warn(f"{_WITHOUT} {type(error).__name__}: {error}", trace=True)
        return None

    def _settle(self) -> None:
        """Once all that this takes is loaded, spare the garbage collector a look at it: each full round stops every
        stream for as long as it looks, two tenths of a second here."""
        if not self._settled:
            self._settled = True
            gc.freeze()

    def _warn(self, why: str, *, trace: bool = False) -> None:
        """Say what is wrong, once a minute at most."""
        now = self._clock()
        if self._warned_at is None or now - self._warned_at >= WARN_SECONDS:
            self._warned_at = now
            _log.warning("%s", why, exc_info=trace)

    def _inject(
        self,
        messages: list[Mapping[str, Any]],
        client: str,
        session: str,
        settings: Settings,
        *,
        skills: bool,
        local: bool,
        stage: str,
    ) -> Injection:
        key = turn_key(client, f"{session}\n{skills}\n{stage}", messages)
        if key is not None and continues(messages):
            before = self._turns.remembered(key, settings.proxy.session_minutes * 60)
            if before is not None:
                return before
        version = self._version(key, settings.policy.local_model) if local else None
        found = self._shelf.find(query_of(messages, stage) if skills else "", settings.skills)
        injection = Injection(found.text, found.skills, found.generation, version)
        if key is not None:
            self._turns.remember(key, injection)
        return injection

    def _version(self, key: str | None, base: str) -> int | None:
        from metaclaw_jlab.learning.watching import version_for

        return version_for(self.workspace.database(), key, base=base)

    async def _in_pool(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _endpoint(settings: Settings, base_url: str) -> Target:
    from metaclaw_jlab.settings.secrets import key_for

    policy = settings.policy
    return Target(base_url, key_for(base_url, policy.key_env), policy.model, False, policy.timeout)

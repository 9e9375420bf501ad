"""The host of a home in a Jupyter server: it knows when nobody works, has the policy trained then, and supervises.

One server of a home is its active host, by a lease; another one serves reads, says who is active, and takes over when
that one is gone. Nothing here raises into Jupyter: what goes wrong is logged, and shown as `trouble`.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import HostElsewhere, LeaseHeld, MetaclawError
from metaclaw_jlab.jupyter.server.activity import LAB, UsedHere
from metaclaw_jlab.jupyter.server.kernels import ServerKernels
from metaclaw_jlab.runtime.home import ID_FILE, Home, default_path

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.schedule import View
    from metaclaw_jlab.jupyter.server.duty import Duty
    from metaclaw_jlab.learning.scheduler import Scheduler

LOOK_SECONDS = 5.0  # how often a server that is not active looks whether it can be
FRESH_SECONDS = 10.0  # a report of the page about something longer ago is no news


@dataclass(frozen=True, slots=True)
class Standing:
    """What this server is for its home. `pid`, `host_name` and `since` are the active host's, None where unknown."""

    active: bool
    sentence: str
    home_id: str | None
    pid: int | None = None
    host_name: str | None = None
    since: float | None = None


class Host:
    """The host of a home. Its methods are called on the server's event loop; none of them blocks it."""

    def __init__(
        self,
        url: str,
        *,
        kernels: Any = None,
        home: Path | None = None,
        root: str = "",
        log: logging.Logger | None = None,
        clock: Callable[[], float] = time.time,
        on_change: Callable[[View], None] = lambda _: None,
    ) -> None:
        """`url` is the server's own with base URL and a slash at its end, `kernels` its kernel manager, `root`
        the folder that it shows, "" for none."""
        self.url = url
        self.root = root
        self._path = home
        self._log = log or logging.getLogger(__name__)
        self._clock = clock
        self._on_change = on_change
        self._workspace: Workspace | None = None
        self._home_id: str | None = None
        self._deleted = False
        self._duty: Duty | None = None
        self._lease: ExitStack | None = None
        self._trouble = "The host has not started yet."
        self._said = ""
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self.kernels = ServerKernels(
            kernels, idle_minutes=self._idle_minutes, on_use=self._kernel_used, clock=clock
        )
        self._used = UsedHere()

    @property
    def active(self) -> bool:
        """Whether this server is the active host of its home."""
        return self._duty is not None

    @property
    def scheduler(self) -> Scheduler | None:
        """The scheduler, where this server is active."""
        return self._duty.scheduler if self._duty is not None else None

    @property
    def workspace(self) -> Workspace:
        """The home that is served. Raises HomeRefused where it cannot be opened, or is gone."""
        if self._workspace is None:
            from metaclaw_jlab.core.errors import HomeRefused

            raise HomeRefused(self._trouble, "It is tried again by itself; see: metaclaw doctor.")
        return self._workspace

    def active_scheduler(self) -> Scheduler:
        """The scheduler. Raises HostElsewhere where another server is active, or none can be."""
        if self._duty is None:
            raise HostElsewhere(self.standing().sentence, "Ask there, or close it: this one takes over then.")
        return self._duty.scheduler

    def standing(self) -> Standing:
        """What this server is for its home."""
        from metaclaw_jlab.runtime.host import LEASE
        from metaclaw_jlab.runtime.leases import holder

        found = None if self._workspace is None else holder(self._workspace.home, LEASE)
        told = (None, None, None) if found is None else (found.pid, found.host, found.since)
        if self.active:
            return Standing(True, "This server is the active host of its home.", self._home_id, *told)
        if self._workspace is None or found is None:
            return Standing(False, self._trouble, self._home_id)
        said = f"The active host of this home is process {found.pid} on {found.host}."
        return Standing(False, said, self._home_id, *told)

    def knows(self, secret: str) -> bool:
        """Whether it is the secret by which processes of this home ask their host (runtime.host.SECRET_HEADER)."""
        own = self._duty.secret if self._duty is not None else ""
        return bool(own) and hmac.compare_digest(own.encode(), secret.encode("utf-8", "replace"))

    def activity(self, seconds_ago: float) -> None:
        """The page says when its user pressed a key or moved the pointer last."""
        seconds_ago = max(0.0, seconds_ago)
        if self._duty is not None:
            self._duty.page(seconds_ago)
        if seconds_ago <= FRESH_SECONDS:
            self._use(LAB)

    async def start(self) -> None:
        """Open the home and look after it from now on. Raises nothing."""
        if self._task is None:
            await self._open()
            self.kernels.watch()
            await self._try_for_duty()
            self._task = asyncio.create_task(self._run(), name="metaclaw-host")

    async def stop(self) -> None:
        """Stop what the window trains, give the home back, and close it. Raises nothing."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._leave_duty()
        self.kernels.close()
        self._used.close()
        workspace, self._workspace = self._workspace, None
        self._trouble = "The host has ended."
        if workspace is not None:
            await asyncio.to_thread(workspace.close)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._duty.seconds if self._duty else LOOK_SECONDS):
                    await self._wake.wait()
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the loop's boundary: it goes on
                self._complain(f"The host could not look after its home: {error}", error)

    async def _look(self) -> None:
        """One round: the home, the lease, the signals."""
        if self._workspace is not None and not self._still_there(self._workspace.home):
            await self._leave_home()
        if self._workspace is None:
            await self._open_again()
        if self._duty is None:
            self._used_by_kernels()
            await self._try_for_duty()
        elif not await self._duty.look():
            self._complain("Another process is the active host of this home now; this one has stepped back.")
            await self._leave_duty()

    async def _open(self) -> None:
        try:
            self._workspace = await asyncio.to_thread(_opened, self._path)
        except (MetaclawError, OSError) as error:
            self._trouble = str(error)
            self._complain(f"The home folder cannot be opened: {error}")
            return
        self._home_id = self._workspace.home.id
        database = self._workspace.database()
        if database.writable and database.journal_mode != "wal":
            self._log.warning(
                "metaclaw: %s is on a file system where SQLite keeps no write-ahead log (journal mode %s): "
                "processes wait longer for each other.",
                database.path,
                database.journal_mode,
            )

    async def _open_again(self) -> None:
        """A home that was deleted is not made again here: who works in it makes a new one."""
        if (
            not self._deleted
            or (self._path or default_path()).expanduser().absolute().joinpath(ID_FILE).exists()
        ):
            await self._open()

    def _still_there(self, home: Home) -> bool:
        try:
            return home.id == self._home_id
        except MetaclawError:
            return False

    async def _leave_home(self) -> None:
        """The home is gone, or another one lies in its place."""
        workspace, self._workspace = self._workspace, None
        assert workspace is not None
        self._trouble = f"The home folder {workspace.home.path} was deleted while this server used it."
        self._home_id, self._deleted = None, True
        self._complain(self._trouble)
        await self._leave_duty()
        await asyncio.to_thread(workspace.close)

    async def _try_for_duty(self) -> None:
        """Become the active host, where nobody is."""
        if self._workspace is None:
            return
        from metaclaw_jlab.jupyter.server.duty import Duty, take_lease

        try:
            self._lease = await asyncio.to_thread(take_lease, self._workspace.home)
        except LeaseHeld:
            return
        except (MetaclawError, OSError) as error:
            self._trouble = str(error)
            self._complain(f"This server cannot be the host of its home: {error}")
            return
        duty: Duty | None = None
        try:
            duty = Duty(
                self._workspace,
                self.kernels,
                clock=self._clock,
                log=self._log,
                on_change=self._on_change,
                wake=self._wake.set,
            )
            await duty.begin(self.url)
        except Exception as error:  # noqa: BLE001 - Jupyter starts without a host
            self._complain(f"This server cannot be the host of its home: {error}", error)
            self._trouble = str(error)
            if duty is not None:
                await duty.end()
            await self._give_back()
            return
        self._duty, self._trouble, self._said = duty, "", ""
        self._log.info("metaclaw: this server is the active host of %s.", self._workspace.home.path)

    async def _leave_duty(self) -> None:
        duty, self._duty = self._duty, None
        if duty is not None:
            await duty.end()
        await self._give_back()

    async def _give_back(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            with suppress(OSError):
                await asyncio.to_thread(lease.close)

    def _kernel_used(self) -> None:
        self._use(ServerKernels.name)

    def _use(self, source: str) -> None:
        """A sign of the user, now: to the scheduler here, or to the host that is elsewhere."""
        if self._duty is not None:
            self._duty.used(source)
        elif self._workspace is not None:
            self._used.tell(self._workspace, working=self.kernels.working())

    def _used_by_kernels(self) -> None:
        """A long cell in a server that is not active is told again and again, and its end."""
        self.kernels.look()
        if self._workspace is not None and (self.kernels.working() or self._used.working):
            self._used.tell(self._workspace, working=self.kernels.working())

    def _idle_minutes(self) -> float:
        return self._duty.idle_minutes if self._duty is not None else 10.0

    def _complain(self, sentence: str, error: BaseException | None = None) -> None:
        """Log what is wrong once, not at every look."""
        if sentence != self._said:
            self._said = sentence
            self._log.warning("metaclaw: %s", sentence)
            if error is not None:
                self._log.debug("metaclaw: where it happened", exc_info=error)


def _opened(path: Path | None) -> Workspace:
    """The workspace, its database open: what is wrong with it shows now."""
    from metaclaw_jlab.assembly import open_workspace

    workspace = open_workspace(path, namespace="")
    workspace.database()
    return workspace

"""What the active host does for its home: it publishes itself, listens, schedules trainings and supervises."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import LeaseHeld, MetaclawError
from metaclaw_jlab.core.window import SchedulerState
from metaclaw_jlab.runtime.activity_line import Sign, listen
from metaclaw_jlab.runtime.conductor import TrainingConductor, end_left_over
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.host import LEASE, publish, withdraw
from metaclaw_jlab.runtime.leases import lease, renew
from metaclaw_jlab.runtime.processes import pid_of, this_process
from metaclaw_jlab.runtime.supervision import Supervision

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.config import Settings
    from metaclaw_jlab.core.schedule import View
    from metaclaw_jlab.jupyter.server.kernels import ServerKernels
    from metaclaw_jlab.learning.scheduler import Scheduler
    from metaclaw_jlab.learning.signals.lab import LabActivity

VALID_SECONDS = 180.0  # how long other hosts wait for one that renews its lease no more
RENEW_SECONDS = 30.0
SUPERVISE_SECONDS = 15.0
WAITING_SECONDS = 10.0
TRAINING_SECONDS = 1.0
END_MARGIN_SECONDS = 10.0
KEPT_DAYS = 7.0  # rows of kernels that are gone
KERNELS = "kernels"


def take_lease(home: Home) -> ExitStack:
    """Hold the lease of the active host until the stack is closed. Raises LeaseHeld, StoreReadOnly, StoreFull."""
    stack = ExitStack()
    stack.enter_context(lease(home, LEASE, valid_seconds=VALID_SECONDS))
    return stack


class Duty:
    """The active host at work, on the event loop. What blocks is done beside it."""

    def __init__(
        self,
        workspace: Workspace,
        kernels: ServerKernels,
        *,
        clock: Callable[[], float],
        log: logging.Logger,
        on_change: Callable[[View], None],
        wake: Callable[[], None],
    ) -> None:
        self.secret = ""
        self._workspace = workspace
        self._kernels = kernels
        self._clock = clock
        self._log = log
        self._on_change = on_change
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._settings: Settings = workspace.settings()
        self._line: asyncio.DatagramTransport | None = None
        self._scheduler: Scheduler | None = None
        self._lab: LabActivity | None = None
        self._supervising: asyncio.Task[None] | None = None
        self._done_at: dict[str, float] = {}
        self._view: View | None = None
        self.conductor = TrainingConductor(
            workspace.home,
            stop_seconds=lambda: self._settings.training.stop_seconds,
            run_of=self._run_of,
            on_end=self._wake_from_thread,
        )
        self.supervision = Supervision(workspace.home, restart=self._restart_policy, say=self._say)

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler, from `begin` on."""
        assert self._scheduler is not None
        return self._scheduler

    @property
    def idle_minutes(self) -> float:
        """How long without a sign of the user counts as idle."""
        return self._settings.scheduler.idle_minutes

    @property
    def seconds(self) -> float:
        """When to look again."""
        state = self._view.state if self._view is not None else SchedulerState.WAITING
        if state in {SchedulerState.TRAINING, SchedulerState.GATING, SchedulerState.PAUSING}:
            return TRAINING_SECONDS
        return max(0.2, min(WAITING_SECONDS, self.idle_minutes * 60 / 4))

    async def begin(self, url: str) -> None:
        """Take up the work. Raises MetaclawError, OSError."""
        home = self._workspace.home
        ended = await asyncio.to_thread(self._clear_up)
        if ended:
            self._log.warning("metaclaw: ended a training that a crashed host had left behind.")
        record = await asyncio.to_thread(publish, home, url)
        self.secret = record.secret
        self._line, port = await listen(record.secret, self._heard)
        await asyncio.to_thread(publish, home, url, port, secret=record.secret)
        self._scheduler = self._make_scheduler()
        self._view = self._scheduler.tick()

    async def look(self) -> bool:
        """Look at everything; False where the home is another process's now."""
        if self._due("renew", RENEW_SECONDS):
            try:
                await asyncio.to_thread(renew, self._workspace.home, LEASE, valid_seconds=VALID_SECONDS)
            except LeaseHeld:
                return False
        self._settings = await asyncio.to_thread(self._read_settings)
        self._view = self.scheduler.tick()
        if self._due("supervise", SUPERVISE_SECONDS) and (
            self._supervising is None or self._supervising.done()
        ):
            self._supervising = asyncio.create_task(asyncio.to_thread(self.supervision.look))
        return True

    async def end(self) -> None:
        """Stop what was begun here, and withdraw. Raises nothing."""
        home = self._workspace.home
        for act in (self._end_scheduler, self._close_line):
            self._safely(act)
        await asyncio.to_thread(
            self.conductor.close, self._settings.training.stop_seconds + END_MARGIN_SECONDS
        )
        if self._supervising is not None:
            await asyncio.wait([self._supervising])
        await asyncio.to_thread(self._safely, lambda: self.supervision.end(self._policy_is_used))
        await asyncio.to_thread(self._safely, lambda: withdraw(home))

    def used(self, source: str) -> None:
        """A sign of the user, now: a window's training stops at once."""
        if self._scheduler is not None:
            self._safely(lambda: self.scheduler.activity(source))

    def page(self, seconds_ago: float) -> None:
        """The page told when it was used last."""
        if self._lab is not None:
            self._lab.seen(seconds_ago)

    def _make_scheduler(self) -> Scheduler:
        from metaclaw_jlab.assembly.schedule import make_scheduler
        from metaclaw_jlab.learning.signals.lab import LabActivity

        self._lab = LabActivity(lambda: self._settings.scheduler, clock=self._clock)
        return make_scheduler(
            self._workspace,
            self.conductor,
            lab=self._lab,
            own_kernels=self._kernels,
            pids=self._kernels.pids,
            clock=self._clock,
            on_change=self._changed,
        )

    def _changed(self, view: View) -> None:
        self._view = view
        self._on_change(view)

    def _heard(self, sign: Sign) -> None:
        if sign.busy and sign.process != this_process():
            self.used(KERNELS)

    def _wake_from_thread(self) -> None:
        """A training has ended: the scheduler looks at once."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._wake)

    def _read_settings(self) -> Settings:
        """A configuration file that is being edited, and wrong for a moment, changes nothing."""
        try:
            return self._workspace.settings()
        except MetaclawError:
            return self._settings

    def _run_of(self) -> tuple[int | None, bool]:
        """The run that is under way, and whether its gate is."""
        from metaclaw_jlab.core.training import RunState
        from metaclaw_jlab.store.training import Training

        try:
            run = Training(self._workspace.database()).current()
        except MetaclawError:
            return None, False
        return (None, False) if run is None else (run.number, run.state is RunState.GATING)

    def _clear_up(self) -> bool:
        """What a host that crashed has left: its training, and the rows of kernels that are long gone."""
        from metaclaw_jlab.runtime.processes import mark_alive
        from metaclaw_jlab.store.activity import Activities

        ended = end_left_over(self._workspace.home)
        activities, oldest = Activities(self._workspace.database()), time.time() - KEPT_DAYS * 86400
        for row in activities.since(float("inf")):
            if row.at < oldest and not mark_alive(row.process):
                activities.leave(row.process)
        return ended

    def _restart_policy(self, model: str) -> bool:
        """Start the policy server again, where it is still what answers. Raises ServerStartFailed."""
        settings = self._workspace.settings()
        if settings.policy.base_url is not None or settings.policy.local_model != model:
            return False
        self._workspace.serve(settings)
        return True

    def _policy_is_used(self) -> bool:
        """Whether a kernel or server that this one did not start may still ask the policy server."""
        from metaclaw_jlab.runtime.processes import mark_alive
        from metaclaw_jlab.runtime.training_process import conductor
        from metaclaw_jlab.store.activity import Activities

        own = {*self._kernels.pids().values(), pid_of(this_process())}
        rows = Activities(self._workspace.database()).since(KEPT_DAYS * 86400)
        others = any(pid_of(row.process) not in own and mark_alive(row.process) for row in rows)
        return others or conductor(self._workspace.home) is not None

    def _end_scheduler(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown()

    def _close_line(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _due(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._done_at.get(what, float("-inf")) < seconds:
            return False
        self._done_at[what] = now
        return True

    def _say(self, sentence: str) -> None:
        self._log.warning("metaclaw: %s", sentence)

    def _safely(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - the host's boundary: Jupyter goes on
            self._log.warning("metaclaw: %s", error, exc_info=error)

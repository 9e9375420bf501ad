"""A scheduler on a real store with a clock of its own, signals that say what a test wants, and a conductor."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import StoreDamaged
from metaclaw_jlab.core.schedule import Conducting, Need, View
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.scheduler import Scheduler
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.windows import Pauses, Windows

MONDAY = 1_794_787_200.0  # 2026-11-16 00:00 UTC
ENOUGH = Need(waiting=20, unfinished=False, older=0, trainable=True, sentence="20 tasks wait.")


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float = MONDAY + 12 * 3600) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Said:
    """A signal that says what it is told to."""

    def __init__(self, name: str, *, opens: bool = True, vetoes: bool = True) -> None:
        self.name = name
        self._opens, self._vetoes = opens, vetoes
        self.state = SignalState.UNKNOWN
        self.until: float | None = None

    def read(self) -> Reading:
        return Reading(
            self.name,
            self.state,
            f"{self.name} is {self.state.value}.",
            opens=self._opens,
            vetoes=self._vetoes,
            until=self.until,
        )


class Stage:
    """A conductor whose trainings a test ends. `obeys`: they are gone as soon as they are asked to stop."""

    def __init__(self, clock: Clock, *, obeys: bool = True) -> None:
        self._clock = clock
        self.obeys = obeys
        self.now: Conducting | None = None
        self.why: str | None = None
        self.begun: list[bool] = []  # whether each start took up a run
        self.stops = 0
        self.spans: list[tuple[float, float]] = []

    def start(self, *, resume: bool) -> None:
        assert self.now is None
        self.begun.append(resume)
        self.why = None
        self.now = Conducting(by_window=True, pid=100 + len(self.begun), since=self._clock())

    def stop(self) -> None:
        self.stops += 1
        if self.obeys:
            self.end()

    def conducting(self) -> Conducting | None:
        return self.now

    def failure(self) -> str | None:
        return self.why

    def end(self, why: str | None = None) -> None:
        """Whoever trains is gone."""
        if self.now is not None:
            self.spans.append((self.now.since, self._clock()))
        self.now, self.why = None, why

    def consented(self) -> None:
        """The user begins a training."""
        self.now = Conducting(by_window=False, pid=77, since=self._clock())


@dataclass
class Bench:
    """Everything around one scheduler."""

    database: Database
    clock: Clock = field(default_factory=Clock)
    settings: SchedulerSettings = field(default_factory=lambda: SchedulerSettings(timezone="UTC"))
    needed: Need | None = ENOUGH
    kernels: Said = field(default_factory=lambda: Said("kernels"))
    sleep: Said = field(default_factory=lambda: Said("sleep_hours", vetoes=False))
    quiet: Said = field(default_factory=lambda: Said("quiet_hours", opens=False))
    gpu: Said = field(default_factory=lambda: Said("gpu", opens=False))
    told: list[View] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.windows = Windows(self.database, clock=self.clock)
        self.pauses = Pauses(self.database, clock=self.clock)
        self.stage = Stage(self.clock)
        self.scheduler = self.another()
        self.scheduler.tick()
        self.wait(self.settings.idle_minutes * 60)  # since the host began

    def another(self) -> Scheduler:
        """A scheduler on the same things, as after a restart."""
        return Scheduler(
            signals=(self.kernels, self.sleep, self.quiet, self.gpu),
            conductor=self.stage,
            windows=self.windows,
            pauses=self.pauses,
            need=self._need,
            settings=lambda: self.settings,
            clock=self.clock,
            on_change=self.told.append,
        )

    def _need(self) -> Need:
        if self.needed is None:
            raise StoreDamaged("The store is damaged.", "Restore it.")
        return self.needed

    def change(self, **values: object) -> None:
        """Other settings from now on."""
        self.settings = self.settings.model_copy(update=values)

    def need(self, **values: object) -> None:
        """Something else to train on from now on."""
        assert self.needed is not None
        self.needed = replace(self.needed, **values)  # type: ignore[arg-type]

    def idle(self) -> View:
        """Kernels say that nobody works."""
        self.kernels.state = SignalState.IDLE
        return self.scheduler.tick()

    def wait(self, seconds: float, step: float = 30.0) -> View:
        """Time passes, with a tick each step."""
        end = self.clock.now + seconds
        view = self.scheduler.view()
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + step)
            view = self.scheduler.tick()
        return view

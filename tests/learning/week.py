"""A week in the life of a user, second by second: what they do, what the signals see of it, and who trains when.

The signals are the real ones, on a clock that is moved; the store and the calendar's file are real too. `Truth` says
independently, from the plan alone, in which seconds training is allowed.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from metaclaw_jlab.core.config import CalendarSettings, SchedulerSettings
from metaclaw_jlab.core.schedule import Conducting, Need
from metaclaw_jlab.core.window import Window
from metaclaw_jlab.learning.calendars.fetching import read
from metaclaw_jlab.learning.scheduler import Scheduler
from metaclaw_jlab.learning.signals.calendar import Calendar
from metaclaw_jlab.learning.signals.kernel_processes import KernelProcesses
from metaclaw_jlab.learning.signals.kernels import KnownKernels
from metaclaw_jlab.learning.signals.lab import LabActivity
from metaclaw_jlab.learning.signals.sleep_hours import QuietHours, SleepHours
from metaclaw_jlab.store.activity import Activities
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.windows import Pauses, Windows

TICK = 90
DAY = 86_400
BOOT, KERNEL, PID = "boot", "boot:4242:1", 4242
Span = tuple[int, int]  # from the first second to the one after the last


@dataclass
class Plan:
    """What happens in a week. `start` is a Monday; times of day are of `zone`. `keys` are seconds in which a key was
    pressed, `cells` ran in the kernel, `threads` computed in it behind Jupyter's back; the kernel lives, and the page
    is open, in `kernel` and `page`."""

    zone: ZoneInfo
    start: datetime.date
    settings: SchedulerSettings
    days: int = 7
    keys: set[int] = field(default_factory=set)
    cells: list[Span] = field(default_factory=list)
    threads: list[Span] = field(default_factory=list)
    kernel: list[Span] = field(default_factory=list)
    page: list[Span] = field(default_factory=list)
    meetings: list[Span] = field(default_factory=list)
    calendar: str = ""

    def at(self, day: int, clock: str) -> int:
        """That time of day of the week's day (0: Monday)."""
        date = self.start + datetime.timedelta(days=day)
        there = datetime.datetime.combine(date, datetime.time.fromisoformat(clock), self.zone)
        return int(there.timestamp())

    def work(self, day: int, begin: str, end: str, random: Random, *, next_day: bool = False) -> None:
        """Keys every now and then, and a cell after some of them, the last key in the last second."""
        at, until = self.at(day, begin), self.at(day + next_day, end)
        while at < until - 300:
            self.keys.add(at)
            if random.random() < 0.4:
                self.cells.append((at + 1, at + 1 + random.randint(1, 40)))
            at += random.randint(45, 280)
        self.keys.add(until - 1)

    @property
    def whole(self) -> Span:
        """The week."""
        return self.at(0, "00:00"), self.at(self.days, "00:00")

    def edges(self) -> set[int]:
        """Seconds in which something begins or ends, beside what the user does."""
        spans = (*self.threads, *self.kernel, *self.page, *self.meetings)
        hours = {self.at(day, clock) for day in range(self.days + 1) for clock in self._clocks()}
        return (
            {second for found in spans for second in found} | hours | {self.at(d, "00:00") for d in range(8)}
        )

    def _clocks(self) -> Iterator[str]:
        for hours in (self.settings.sleep_hours, self.settings.quiet_hours):
            for part in filter(None, hours.split(",")):
                yield from part.split()[-1].split("-")


class Truth:
    """In which seconds of the week training is allowed, by the plan alone."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.begin, self.end = plan.whole
        size = self.end - self.begin
        self.active = bytearray(size)
        shut, opens = bytearray(size), bytearray(size)
        idle = int(plan.settings.idle_minutes * 60)
        for first, last in self.signs():
            self._mark(self.active, first, last)
            self._mark(shut, first, last - 1 + idle)
        for first, last in plan.threads:
            self._mark(shut, first, last + idle)
        self._mark(shut, self.begin, self.begin + idle)  # the host begins
        for spans in (plan.kernel, plan.meetings):
            for first, last in spans:
                self._mark(opens, first, last)
        for minute in range(self.begin, self.end, 60):
            there = datetime.datetime.fromtimestamp(minute, plan.zone)
            if _within(plan.settings.sleep_hours, there):
                self._mark(opens, minute, minute + 60)
            if _within(plan.settings.quiet_hours, there):
                self._mark(shut, minute, minute + 60)
        self.allowed = bytearray(a & (1 - b) for a, b in zip(opens, shut, strict=True))

    def signs(self) -> list[Span]:
        """Everything that the user does."""
        return [*((key, key + 1) for key in self.plan.keys), *self.plan.cells]

    def spans(self) -> list[Span]:
        """The longest spans in which training is allowed."""
        found, first = [], None
        for number, flag in enumerate([*self.allowed, 0]):
            if flag and first is None:
                first = number
            elif not flag and first is not None:
                found.append((self.begin + first, self.begin + number))
                first = None
        return found

    def _mark(self, seconds: bytearray, first: int, last: int) -> None:
        first, last = max(first, self.begin) - self.begin, min(last, self.end) - self.begin
        if first < last:
            seconds[first:last] = b"\x01" * (last - first)


class Practice:
    """A conductor: each run takes `seconds` of training, however often it is stopped. It obeys at once."""

    def __init__(self, clock: Callable[[], float], seconds: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._left = 0.0
        self.waiting = 0
        self.runs = 0
        self.promoted = 0
        self.spans: list[tuple[int, int]] = []
        self._now: Conducting | None = None

    def start(self, *, resume: bool) -> None:
        assert resume == (self._left > 0)
        if not resume:
            self._left, self.waiting, self.runs = self._seconds, 0, self.runs + 1
        self._now = Conducting(by_window=True, pid=1000 + len(self.spans), since=self._clock())

    def stop(self) -> None:
        if self._now is not None:
            self.spans.append((int(self._now.since), int(self._clock())))
            self._left -= self._clock() - self._now.since
            self._now = None

    def conducting(self) -> Conducting | None:
        return self._now

    def failure(self) -> str | None:
        return None

    def done_at(self) -> float | None:
        """When the run ends, as things stand."""
        return None if self._now is None else self._now.since + self._left

    def end(self) -> None:
        """The run has ended."""
        self.stop()
        self.promoted += 1

    def need(self) -> Need:
        return Need(self.waiting, self._left > 0, 0, True, f"{self.waiting} wait.")


@dataclass(frozen=True)
class Lived:
    """What came of a week."""

    plan: Plan
    truth: Truth
    windows: Sequence[Window]
    practice: Practice


def live(plan: Plan, database: Database, folder: Path, *, run_seconds: int = 2400) -> Lived:
    """Live through a week."""
    return _Life(plan, database, folder, run_seconds).live()


class _Life:
    def __init__(self, plan: Plan, database: Database, folder: Path, run_seconds: int) -> None:
        self.plan = plan
        self.truth = Truth(plan)
        self.now = float(self.truth.begin)
        self.practice = Practice(self.clock, run_seconds)
        self.activities = Activities(database, clock=self.clock)
        self.windows = Windows(database, clock=self.clock)
        self.lab = LabActivity(self.settings, clock=self.clock)
        address = folder / "calendar.ics"
        address.write_text(plan.calendar)
        wanted = CalendarSettings(kind="ics", address=str(address), refresh_minutes=240)
        self.scheduler = Scheduler(
            signals=(
                self.lab,
                KnownKernels(
                    self.activities.since,
                    self.settings,
                    alive=lambda _: _in(self.plan.kernel, self.now),
                    boot=lambda: BOOT,
                    booted=lambda: self.truth.begin - DAY,
                    clock=self.clock,
                ),
                KernelProcesses(
                    lambda: {"k": PID} if _in(self.plan.kernel, self.now) else {},
                    self.settings,
                    trees=lambda roots, _: set(roots),
                    seconds=lambda pids: {(pid, 1): self._computed() for pid in pids},
                    clock=self.clock,
                ),
                SleepHours(self.settings, clock=self.clock),
                QuietHours(self.settings, clock=self.clock),
                Calendar(
                    lambda: wanted,
                    lambda: plan.settings.timezone,
                    fetch=read,
                    clock=self.clock,
                    start=lambda work: work(),
                ),
            ),
            conductor=self.practice,
            windows=self.windows,
            pauses=Pauses(database, clock=self.clock),
            need=self.practice.need,
            settings=self.settings,
            clock=self.clock,
        )

    def clock(self) -> float:
        return self.now

    def settings(self) -> SchedulerSettings:
        return self.plan.settings

    def live(self) -> Lived:
        happens = self._happens()
        for second in sorted({*happens, *self.plan.edges(), *range(self.truth.begin, self.truth.end, TICK)}):
            if not self.truth.begin <= second < self.truth.end:
                continue
            while (done := self.practice.done_at()) is not None and done <= second:
                self.now = done
                self.practice.end()
                self.scheduler.tick()
            self.now = second
            if _in(self.plan.page, second) and second % TICK == 0:
                self.lab.seen(1e6)  # the page is open: a quiet report, of no input for long
            for act in happens.get(second, ()):
                act()
            self.scheduler.tick()
        self.now = self.truth.end
        self.scheduler.shutdown()
        return Lived(self.plan, self.truth, self.windows.recent(10_000)[::-1], self.practice)

    def _happens(self) -> dict[int, list[Callable[[], None]]]:
        found: dict[int, list[Callable[[], None]]] = {}
        for first, _ in self.plan.kernel:
            found.setdefault(first, []).append(lambda: self.activities.touch(KERNEL, None, "idle"))
        for key in self.plan.keys:
            found.setdefault(key, []).append(self._key)
        for first, last in self.plan.cells:
            found.setdefault(first, []).append(self._cell)
            found.setdefault(last - 1, []).append(lambda: self.activities.touch(KERNEL, None, "idle"))
        return found

    def _key(self) -> None:
        self.scheduler.activity("lab")
        self.lab.seen(0)
        self.practice.waiting += 1

    def _cell(self) -> None:
        self.scheduler.activity("kernels")
        self.activities.touch(KERNEL, None, "busy")

    def _computed(self) -> float:
        """CPU seconds of the kernel so far."""
        return sum(max(0.0, min(self.now, last) - first) for first, last in self.plan.threads)


def _in(spans: Sequence[Span], at: float) -> bool:
    return any(first <= at < last for first, last in spans)


def _within(hours: str, there: datetime.datetime) -> bool:
    """Whether a time is in hours written as `Sat 23:00-07:00`, of days on which they begin."""
    clock = there.strftime("%H:%M")
    for part in filter(None, (part.strip() for part in hours.split(","))):
        *days, times = part.split()
        begin, end = times.split("-")
        today, before = there.strftime("%a"), (there.date() - datetime.timedelta(days=1)).strftime("%a")
        if begin < end:
            found = begin <= clock < end and (not days or today in days)
        else:
            found = (clock >= begin and (not days or today in days)) or (
                clock < end and (not days or before in days)
            )
        if found:
            return True
    return False

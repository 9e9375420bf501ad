"""The scheduler: opens a window when nobody works, has it trained in, and closes it at the first sign of the user.

It decides and keeps the books; what it knows comes from signals, what trains is a `Conductor`. Every method returns at
once, and all are called from one thread. A training that the user began is consent: it is watched, never begun, and
stopped only by a pause or where somebody else needs the GPU.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import MetaclawError, UsageMistake
from metaclaw_jlab.core.schedule import Conducting, Conductor, Need, View
from metaclaw_jlab.core.signal import Reading, Signal, SignalState
from metaclaw_jlab.core.window import Pause, SchedulerState, Window
from metaclaw_jlab.learning import outlook
from metaclaw_jlab.learning.local_day import zone
from metaclaw_jlab.learning.outlook import Ground
from metaclaw_jlab.learning.signals.phrases import span_ago
from metaclaw_jlab.learning.signals.sign import LastSign, after_sign
from metaclaw_jlab.learning.window_ledger import WindowLedger
from metaclaw_jlab.store.windows import Pauses, Windows

logger = logging.getLogger(__name__)

GPU = "gpu"  # the signal that takes back a consent, once it was free
START, CLOCK, STOPPED = "start", "clock", "stop"  # signs of the user that no signal gives
WHERE = {"lab": "the page", "server_kernels": "a kernel", "kernels": "a kernel", "desktop": "the desktop"}
BACK_SECONDS, GAP_SECONDS = 5.0, 120.0  # a clock that steps further than that has jumped
STEP_SECONDS = GAP_SECONDS  # most that is counted as trained between two ticks
REOPEN_SECONDS = 60.0
NEED_SECONDS, OPEN_NEED_SECONDS = 30.0, 5.0
NEED_RATIO = 500.0  # what takes long to count, in a large store, is counted less often
RETRY_SECONDS, MOST_RETRY_SECONDS = 60.0, 3600.0
_STRANGE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class _Closing:
    """A window that is being closed: since when, by what, and whether something trained in it then."""

    at: float
    by: str
    trained: bool


class Scheduler:
    """See the module. `tick` looks at everything; `activity` is told of a sign of the user as it happens."""

    def __init__(
        self,
        *,
        signals: Sequence[Signal],
        conductor: Conductor,
        windows: Windows,
        pauses: Pauses,
        need: Callable[[], Need],
        settings: Callable[[], SchedulerSettings],
        clock: Callable[[], float] = time.time,
        on_change: Callable[[View], None] = lambda _: None,
    ) -> None:
        self._signals = tuple(signals)
        self._conductor = conductor
        self._pauses = pauses
        self._ask_need = need
        self._settings = settings
        self._clock = clock
        self._on_change = on_change
        self._ledger = WindowLedger(windows)
        self._ground = Ground(now=clock(), settings=SchedulerSettings(), trouble="The host begins.")
        self._need: Need | None = None
        self._need_at: float | None = None
        self._need_cost = 0.0
        self._sign = LastSign()
        self._sign_of = ""
        self._ticked: float | None = None
        self._accounted = clock()
        self._seen: Conducting | None = None  # who trained when it was looked at last
        self._asked: object = None  # whom it asked to stop
        self._gpu_was_free: object = None
        self._closing: _Closing | None = None
        self._not_before = 0.0
        self._failures = 0
        self._failure = ""
        self._retry_at = 0.0
        self._over = False
        self._view = View(at=clock(), state=SchedulerState.WAITING, sentence="The host begins.")

    def tick(self) -> View:
        """Look at everything, and act. The host calls it every few seconds, every second while a window is open, and
        at once when a training has ended."""
        now = self._clock()
        self._watch_clock(now)
        self._ledger.settle()
        self._account(now)
        self._ground = self._look(now)
        self._notice_end(now)
        self._forget_consent(now)
        self._close_or_open(now)
        self._begin(now)
        return self._tell(now)

    def activity(self, source: str) -> None:
        """A sign of the user, now: a window's training is asked to stop before anything else is done."""
        window = self._ledger.window
        seen = None if window is None and self._seen is None else self._conductor.conducting()
        ours = seen is not None and seen.by_window
        if ours and seen is not None:
            self._stop(seen)
        now = self._clock()
        self._note(now, source)
        if window is not None or ours:
            self._account(now)
            self._ground = replace(self._ground, now=now, readings=self._with_sign(now, self._ground))
            if window is not None and self._closing is None:
                self._closing = _Closing(now, self._sign_of, trained=ours)
            self._finish_closing(now)
            self._tell(now)

    def pause(self, minutes: float | None) -> View:
        """Train nothing by itself for so long, None: until it is taken back. Raises UsageMistake, StoreError."""
        if minutes is not None and not 0 < minutes < float("inf"):
            raise UsageMistake(f"{minutes:g} is no number of minutes.", "Give one above 0, or none.")
        self._pauses.begin(None if minutes is None else self._clock() + minutes * 60)
        return self.tick()

    def unpause(self) -> View:
        """Take the pause back. Raises StoreError."""
        self._pauses.end()
        self._not_before = 0.0
        return self.tick()

    def shutdown(self) -> None:
        """The host ends: ask a window's training to stop, and close the books. No window opens any more."""
        seen, now = self._conductor.conducting(), self._clock()
        if seen is not None and seen.by_window:
            self._stop(seen)
        self._account(now)
        self._over = True
        self._ground = replace(self._ground, now=now, over=True)
        found = self._closing or _Closing(now, outlook.SHUTDOWN, trained=False)
        self._ledger.close(found.at, found.by, None)
        self._closing = None
        self._tell(now)

    def view(self) -> View:
        """What was found last."""
        return self._view

    def _look(self, now: float) -> Ground:
        """What is known now. A store or configuration that cannot be read forbids everything."""
        settings, pause, trouble = self._ground.settings, self._ground.pause, ""
        try:
            settings = self._settings()
            pause = self._pauses.current()
        except (MetaclawError, OSError) as error:
            trouble = str(error)
        ground = Ground(
            now=now,
            settings=settings,
            readings=tuple(signal.read() for signal in self._signals),
            pause=pause,
            trained_today=self._ledger.today(now, zone(settings.timezone)),
            not_before=self._not_before,
            trouble=trouble or self._ledger.trouble,
            over=self._over,
        )
        return replace(ground, readings=self._with_sign(now, ground))

    def _with_sign(self, now: float, ground: Ground) -> tuple[Reading, ...]:
        """The readings, and the last sign of the user among them as long as it counts."""
        readings = tuple(reading for reading in ground.readings if reading.name != "activity")
        last = self._sign.at(now)
        if last is None:
            return readings
        ago = span_ago(now - last)
        said = {
            START: f"This server began {ago}.",
            CLOCK: f"The clock jumped, or this machine slept, {ago}.",
            STOPPED: f"You stopped a training {ago}.",
        }.get(self._sign_of, f"You were active {ago} ({WHERE.get(self._sign_of, self._sign_of)}).")
        idle = ground.settings.idle_minutes * 60
        own = after_sign("activity", last, now, idle, busy=said, idle="", opens=False)
        return (own, *readings) if own.state is SignalState.BUSY else readings

    def _note(self, now: float, source: str) -> None:
        self._sign.note(now, now)
        self._sign_of = _STRANGE.sub("-", source)[:64] or "user"

    def _watch_clock(self, now: float) -> None:
        """A clock that jumped says nothing of how long anybody was away: the wait begins anew."""
        before, self._ticked = self._ticked, now
        if before is None:
            self._note(now, START)  # somebody began it
            return
        if -BACK_SECONDS <= now - before <= GAP_SECONDS:
            return
        logger.info("The clock went from %.0f to %.0f between two looks at it.", before, now)
        self._note(now, CLOCK)
        self._need_at = None
        self._not_before = min(self._not_before, now + REOPEN_SECONDS)
        self._retry_at = min(self._retry_at, now + RETRY_SECONDS)

    def _account(self, now: float) -> None:
        """Count what was trained in a window since the last time."""
        passed = min(max(0.0, now - self._accounted), STEP_SECONDS)
        self._accounted = now
        seen = self._seen
        if seen is not None and seen.by_window and passed:
            self._ledger.spend(passed, seen.run)

    def _notice_end(self, now: float) -> None:
        """See who trains now; where the one before is gone, find out why."""
        before, self._seen = self._seen, self._conductor.conducting()
        if before is None or (self._seen is not None and _who(self._seen) == _who(before)):
            return
        asked, self._asked = self._asked == _who(before), None
        failure = self._conductor.failure() if before.by_window and not asked else None
        self._need_at = None
        if failure is not None:
            self._failures += 1
            self._failure = failure
            self._retry_at = now + min(RETRY_SECONDS * 2 ** (self._failures - 1), MOST_RETRY_SECONDS)
            logger.warning("A training of a window came to nothing: %s", failure)
        elif not asked:
            self._failures, self._failure, self._retry_at = 0, "", now
            need = self._needed(now)
            if need is not None and need.unfinished and not self._over:
                self._note(now, STOPPED)  # by hand: whoever did that is there
                self._ground = replace(self._ground, readings=self._with_sign(now, self._ground))

    def _forget_consent(self, now: float) -> None:
        """Stop a training that the user began, where a pause is newer or somebody else came to need the GPU."""
        seen = self._seen
        if seen is None or seen.by_window:
            return
        gpu_taken = any(reading.name == GPU and reading.forbidding for reading in self._ground.readings)
        if not gpu_taken:
            self._gpu_was_free = _who(seen)
        pause = self._ground.pause
        paused = pause is not None and seen.since < pause.at <= now
        if paused or (gpu_taken and self._gpu_was_free == _who(seen)):
            self._stop(seen)

    def _close_or_open(self, now: float) -> None:
        ours = self._seen is not None and self._seen.by_window
        forbidden = outlook.forbidden_by(self._ground, training=ours)
        openers = outlook.opening(self._ground)
        window = self._ledger.window
        if window is not None and self._closing is None and (forbidden or not openers):
            by = self._sign_of if forbidden == "activity" else forbidden or window.opened_by[0]
            self._closing = _Closing(now, by, trained=ours)
        if self._closing is not None or (ours and window is None):
            if ours and self._seen is not None:
                self._stop(self._seen)
            self._finish_closing(now)
        elif window is None and openers and not forbidden and now >= self._not_before:
            self._open(now, openers)

    def _open(self, now: float, openers: tuple[str, ...]) -> None:
        if outlook.too_short(self._ground):
            return
        self._need_at = None
        if self._ledger.open(now, openers) is None:
            self._ground = replace(self._ground, trouble=self._ledger.trouble)

    def _finish_closing(self, now: float) -> None:
        """Close the window's row once nothing of it trains any more."""
        self._notice_end(now)
        found = self._closing
        if found is None or (self._seen is not None and self._seen.by_window):
            return
        self._closing = None
        self._ledger.close(found.at, found.by, now - found.at if found.trained else None)
        self._need_at = None
        if found.by not in {outlook.PAUSE, outlook.SETTINGS, outlook.BUDGET}:
            self._not_before = now + REOPEN_SECONDS

    def _begin(self, now: float) -> None:
        """Have the open window trained in, where there is something to train on."""
        if self._ledger.window is None or self._closing is not None or self._seen is not None:
            return
        need = self._needed(now, OPEN_NEED_SECONDS)
        if need is None or now < self._retry_at or outlook.too_short(self._ground) or self._ground.spent:
            return
        resume = outlook.wish(need, self._ground.settings)
        if resume is None:
            return
        self._conductor.start(resume=resume)
        self._seen = self._conductor.conducting() or Conducting(by_window=True, pid=0, since=now)
        self._accounted = now

    def _stop(self, seen: Conducting) -> None:
        self._conductor.stop()
        self._asked = _who(seen)

    def _needed(self, now: float, seconds: float = NEED_SECONDS) -> Need | None:
        """What there is to train on, looked up again after so long; None where the store cannot be read."""
        seconds = max(seconds, NEED_RATIO * self._need_cost)
        if self._need_at is None or not 0 <= now - self._need_at < seconds:
            begun = time.perf_counter()
            try:
                self._need = self._ask_need()
                self._need_at, self._need_cost = now, time.perf_counter() - begun
            except (MetaclawError, OSError) as error:
                self._need, self._need_at = None, None
                self._ground = replace(self._ground, trouble=str(error))
        return self._need

    def _tell(self, now: float) -> View:
        need = self._needed(now) if not self._over else self._need
        ground, window = self._ground, self._ledger.window
        open_now = window is not None and self._closing is None
        at, why = (None, "") if open_now else outlook.next_window(ground)
        missing = self._missing(need)
        state = self._state()
        view = View(
            at=now,
            state=state,
            sentence=self._sentence(state, missing),
            readings=ground.readings,
            window=window,
            pause=ground.pause,
            need=need,
            conducting=self._seen,
            missing=missing,
            trained_today=self._ledger.today(now, zone(ground.settings.timezone)),
            next_window=at,
            why=why,
        )
        before, self._view = self._view, view
        if _apart_from_time(view) != _apart_from_time(before):
            self._on_change(view)
        return view

    def _state(self) -> SchedulerState:
        seen = self._seen
        if seen is not None and self._asked == _who(seen):
            return SchedulerState.PAUSING
        if seen is not None:
            return SchedulerState.GATING if seen.gating else SchedulerState.TRAINING
        return SchedulerState.WAITING if self._ledger.window is None else SchedulerState.OPEN

    def _missing(self, need: Need | None) -> tuple[str, ...]:
        """What keeps a training from beginning now."""
        ground, told = self._ground, []
        if self._seen is not None:
            return ()
        if self._ledger.window is None:
            told.append(outlook.shut_sentence(ground))
        elif ground.trouble:
            told.append(ground.trouble)
        elif outlook.too_short(ground):
            told.append(outlook.short_sentence(ground))
        if need is not None and (lacks := outlook.lacking(need, ground.settings)):
            told.append(lacks)
        if ground.now < self._retry_at and self._failure:
            told.append(
                f"The last training came to nothing: {self._failure} Again {ground.time(self._retry_at)}."
            )
        return tuple(dict.fromkeys(told))

    def _sentence(self, state: SchedulerState, missing: tuple[str, ...]) -> str:
        window, seen, ground = self._ledger.window, self._seen, self._ground
        if state is SchedulerState.PAUSING:
            return "A training is being stopped; it goes on in a later window."
        if seen is not None and not seen.by_window:
            return f"The training that you began at {ground.time(seen.since)} runs; activity leaves it alone."
        if window is None or state is SchedulerState.WAITING:
            return missing[0] if missing else outlook.shut_sentence(ground)
        since = f"since {ground.time(window.opened_at)} ({', '.join(window.opened_by)})"
        if state is SchedulerState.OPEN:
            return " ".join([f"A window is open {since}.", *missing])
        what = "compares a new adapter with what serves" if state is SchedulerState.GATING else "trains"
        return f"It {what} in the window that is open {since}."


def _who(seen: Conducting) -> object:
    """What tells two trainings apart: the windows' come one at a time, and have no pid at first."""
    return "window" if seen.by_window else seen.pid


def _apart_from_time(view: View) -> View:
    window: Window | None = view.window and replace(view.window, used_seconds=0.0)
    return replace(view, at=0.0, trained_today=0.0, next_window=None, window=window)


__all__ = ["Conducting", "Conductor", "Need", "Pause", "Scheduler", "View"]

"""Training by itself as plain text: what each signal says, what is missing, when the next window could be, the log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import tzinfo

from metaclaw_jlab.core.window import Window
from metaclaw_jlab.inspection.lines import counted, local_time, one_line, rows, table
from metaclaw_jlab.inspection.scheduler import ScheduleAccount
from metaclaw_jlab.inspection.training import duration_in_words
from metaclaw_jlab.learning.local_day import zone
from metaclaw_jlab.learning.signals.phrases import moment

COLUMNS = 110
NO_WINDOWS = "No window was open yet."


def schedule_in_words(account: ScheduleAccount, *, now: float | None = None) -> str:
    """How it stands in one or two sentences, for the status card."""
    following = _next(account, time.time() if now is None else now)
    return f"{account.sentence} {following}".rstrip() if following else account.sentence


def schedule_lines(account: ScheduleAccount, *, now: float | None = None) -> list[str]:
    """Everything there is to tell, but for the log."""
    now = time.time() if now is None else now
    view = account.view
    used = f"{account.trained_today / 60:.0f} of {account.daily_minutes:g} min trained in windows"
    listed = [("today", used)]
    if (following := _next(account, now)) and view is not None:
        listed.append(("next", one_line(f"{following} {view.why}".rstrip(), COLUMNS)))
    head = ["By itself", f"  {account.sentence}", *rows(listed, "  ")]
    if view is None:
        return head
    told = [sentence for sentence in view.missing if sentence != account.sentence]
    signals = [
        (reading.name, reading.state.value, one_line(reading.sentence, COLUMNS)) for reading in view.readings
    ]
    return [*head, *(f"  ! {sentence}" for sentence in told), *(table(signals, "    ") if signals else ())]


def window_lines(windows: Sequence[Window]) -> list[str]:
    """The log: what opened and closed each window, what was trained in it, how fast it gave way."""
    if not windows:
        return [NO_WINDOWS]
    heading = ("", "opened", "by", "lasted", "closed by", "trained", "run", "gave way in")
    return table([heading, *map(_window, windows)])


def _window(found: Window) -> tuple[str, ...]:
    open_now = found.closed_at is None
    lasted = (time.time() if found.closed_at is None else found.closed_at) - found.opened_at
    return (
        f"{found.number}",
        local_time(found.opened_at),
        ", ".join(found.opened_by),
        duration_in_words(lasted) + (" so far" if open_now else ""),
        found.closed_by,
        duration_in_words(found.used_seconds) if found.used_seconds else "nothing",
        "" if found.run is None else f"{found.run}",
        "" if found.yield_seconds is None else f"{found.yield_seconds:.1f} s",
    )


def _next(account: ScheduleAccount, now: float) -> str:
    view = account.view
    if view is None or view.next_window is None or view.window is not None:
        return ""
    there: tzinfo | None = zone(account.timezone)
    if view.next_window <= now:
        return ""
    return f"The next window could open {moment(view.next_window, now, there)}."


def log_in_words(windows: Sequence[Window]) -> str:
    """What the log comes to, in a sentence."""
    used = [found for found in windows if found.used_seconds]
    fast = sorted(found.yield_seconds for found in windows if found.yield_seconds is not None)
    told = f"{counted(len(windows), 'window')}, {len(used)} used"
    return (
        f"{told}; gave way in {fast[len(fast) // 2]:.1f} s (median), {fast[-1]:.1f} s at most."
        if fast
        else f"{told}."
    )

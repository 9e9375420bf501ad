"""Pausing training by itself, and taking that back: a wish in the store, which whatever host there is obeys."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import UsageMistake

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

MOST_MINUTES = 366 * 24 * 60.0
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")


def pause_training(
    workspace: Workspace,
    minutes: float | None,
    until: str | None,
    *,
    clock: Callable[[], float] = time.time,
) -> dict[str, object]:
    """Train nothing by itself for so many minutes, until a time of day, or until it is taken back.

    Raises UsageMistake, StoreError.
    """
    from metaclaw_jlab.assembly.namespaces import in_home
    from metaclaw_jlab.learning.local_day import zone
    from metaclaw_jlab.learning.signals.phrases import moment
    from metaclaw_jlab.runtime.host import published
    from metaclaw_jlab.runtime.training_process import conductor
    from metaclaw_jlab.store.windows import Pauses

    if minutes is not None and until is not None:
        raise UsageMistake("A pause ends after minutes or at a time, not both.", "Leave one of them out.")
    now, there = clock(), zone(workspace.settings().scheduler.timezone)
    end = _next_time(until, now, there) if until is not None else _after(minutes, now)
    lasting = "until you take it back (train unpause)" if end is None else f"until {moment(end, now, there)}"
    told = f"Nothing is trained by itself {lasting}."
    with in_home(workspace) as whole:  # windows are the home's, whatever namespace asks
        Pauses(whole.database(), clock=clock).begin(end)
        if conductor(whole.home) is not None:
            stopped = published(whole.home) is not None
            told += (
                " What trains is being stopped."
                if stopped
                else " What you began trains on; stop it: train stop."
            )
    return {"paused": True, "until": end, "told": told}


def unpause_training(workspace: Workspace) -> dict[str, object]:
    """Take the pause back. Raises StoreError."""
    from metaclaw_jlab.assembly.namespaces import in_home
    from metaclaw_jlab.store.windows import Pauses

    with in_home(workspace) as whole:
        before = Pauses(whole.database()).end()
    told = (
        "Nothing was paused." if before is None else "The pause is over: training goes on when nobody works."
    )
    return {"paused": False, "until": None, "told": told}


def _after(minutes: float | None, now: float) -> float | None:
    if minutes is None:
        return None
    if not 0 < minutes <= MOST_MINUTES:
        raise UsageMistake(f"{minutes:g} is no number of minutes for a pause.", "Such as: train pause 90.")
    return now + minutes * 60


def _next_time(text: str, now: float, there: datetime.tzinfo | None) -> float:
    """When it is that time of day next."""
    match = _CLOCK.match(text.strip())
    if match is None:
        raise UsageMistake(f"{text!r} is no time of day.", "Such as: train pause --until 17:30.")
    today = datetime.datetime.fromtimestamp(now, there).date()
    at = datetime.time(int(match[1]), int(match[2]))
    times = (
        datetime.datetime.combine(today + datetime.timedelta(days=days), at, there).timestamp()
        for days in (0, 1)
    )
    return next(found for found in times if found > now)

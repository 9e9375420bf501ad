"""Why training by itself did or did not run: what the host's scheduler knows, the pause, and the log of windows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.schedule import Conducting, Need, View
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.core.window import Pause, SchedulerState, Window

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.config import SchedulerSettings
    from metaclaw_jlab.runtime.home import Home

RECENT = 5
NO_HOST = "No host runs, so nothing is trained by itself. Start JupyterLab, or: jupyter metaclaw."


@dataclass(frozen=True, slots=True)
class ScheduleAccount:
    """Training by itself in a home. `host` is the process of the active host, None where none runs; `view` is what its
    scheduler knows, None where it cannot be asked; `pause` is in force; `windows` are the newest first."""

    sentence: str
    host: int | None
    view: View | None
    pause: Pause | None
    windows: tuple[Window, ...]
    trained_today: float
    daily_minutes: float
    timezone: str = ""


def schedule(workspace: Workspace, view: View | None = None, *, recent: int = RECENT) -> ScheduleAccount:
    """What there is to tell; the host gives its own `view`, any other process asks it.

    Raises StoreError, ConfigError.
    """
    from metaclaw_jlab.assembly.namespaces import in_home

    with in_home(workspace) as whole:  # windows are the home's, whatever namespace asks
        return _schedule(whole, view, recent)


def _schedule(workspace: Workspace, view: View | None, recent: int) -> ScheduleAccount:
    import time

    from metaclaw_jlab.learning.local_day import day_start, zone
    from metaclaw_jlab.store.windows import Pauses, Windows

    settings, database = workspace.settings().scheduler, workspace.database()
    host, found = (os.getpid(), view) if view is not None else _asked(workspace.home)
    pause, windows = Pauses(database).current(), Windows(database)
    midnight = day_start(time.time(), zone(settings.timezone))
    return ScheduleAccount(
        sentence=_sentence(host, found, pause, settings),
        host=host,
        view=found,
        pause=pause,
        windows=windows.recent(recent),
        trained_today=found.trained_today if found is not None else windows.used_since(midnight),
        daily_minutes=settings.daily_minutes,
        timezone=settings.timezone,
    )


def read_view(told: Mapping[str, Any]) -> View:
    """A view as JSON has it. Raises KeyError, TypeError, ValueError where it is none."""
    fields = dict(told)
    readings = tuple(Reading(**(one | {"state": SignalState(one["state"])})) for one in fields["readings"])
    window = fields["window"] and Window(
        **(fields["window"] | {"opened_by": tuple(fields["window"]["opened_by"])})
    )
    return View(
        **fields
        | {
            "state": SchedulerState(fields["state"]),
            "readings": readings,
            "window": window,
            "pause": fields["pause"] and Pause(**fields["pause"]),
            "need": fields["need"] and Need(**fields["need"]),
            "conducting": fields["conducting"] and Conducting(**fields["conducting"]),
            "missing": tuple(fields["missing"]),
        }
    )


def _asked(home: Home) -> tuple[int | None, View | None]:
    """The process of the active host, and what its scheduler knows; None for what cannot be told."""
    from metaclaw_jlab.runtime.host import ask, published

    found = published(home)
    if found is None:
        return None, None
    if found.pid == os.getpid():
        return found.pid, None  # it has not begun yet
    answer = ask(home, "scheduler")
    try:
        return found.pid, read_view(answer["view"]) if isinstance(answer, dict) else None
    except (KeyError, TypeError, ValueError):
        return found.pid, None


def _sentence(host: int | None, view: View | None, pause: Pause | None, settings: SchedulerSettings) -> str:
    if view is not None:
        return view.sentence
    if not settings.enabled:
        return "Training by itself is switched off (scheduler.enabled)."
    if host is None:
        return f"{NO_HOST} It is paused too." if pause is not None else NO_HOST
    return f"The host (process {host}) does not say how its scheduler stands."

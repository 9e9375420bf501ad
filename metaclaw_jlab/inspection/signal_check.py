"""What the doctor finds out about the signals by which the host knows that nobody is working."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import MetaclawError, MissingExtra
from metaclaw_jlab.inspection.finding import Finding, install, ok, warn
from metaclaw_jlab.inspection.lines import counted
from metaclaw_jlab.learning.calendars.fetching import Fetched, fetch
from metaclaw_jlab.learning.calendars.wanted import Wanted
from metaclaw_jlab.learning.signals.calendar import wanted_of
from metaclaw_jlab.learning.signals.desktop import input_seconds_ago
from metaclaw_jlab.learning.signals.gpu import GpuUse, gpu_use
from metaclaw_jlab.learning.signals.power import battery

LOOK_SECONDS = 5.0
CALENDAR_SECONDS = 30.0
Found = TypeVar("Found")


def signals(
    workspace: Workspace,
    *,
    desktop: Callable[[], float | None] = input_seconds_ago,
    gpu: Callable[[], GpuUse | None] = gpu_use,
    seconds: float = LOOK_SECONDS,
) -> Finding:
    """Which signals have something to say on this machine, and whether a library for one of them is missing."""
    name, settings = "signals", workspace.settings().scheduler
    if not settings.enabled:
        return ok(name, "Training by itself is switched off (scheduler.enabled); no signal is looked at.")
    heard, troubles = ["JupyterLab", "kernels"], []
    try:
        if settings.desktop and _within(seconds, desktop) is not None:
            heard.append("keyboard and mouse")
    except MetaclawError as error:
        troubles.append(error)
    try:
        if _within(seconds, gpu) is not None:
            heard.append("the GPU")
    except MetaclawError as error:
        troubles.append(error)
    heard.extend(_of_settings(settings))
    told = f"Listened to: {', '.join(heard)}."
    if not troubles:
        return ok(name, told)
    advice = next((error.next_step for error in troubles if error.next_step), "Run `metaclaw doctor` again.")
    missing = next((error.extra for error in troubles if isinstance(error, MissingExtra)), None)
    told = " ".join([told, *(error.cause for error in troubles)])
    return warn(name, told, advice, install(missing) if missing else "")


def calendar(workspace: Workspace, *, fetch: Callable[[Wanted], Fetched] | None = None) -> Finding:
    """Whether the calendar that is set can be read. It is fetched for it."""
    name, settings = "calendar", workspace.settings()
    if settings.calendar.kind == "none":
        return ok(name, "No calendar is set (calendar.kind).")
    now = time.time()
    try:
        wanted = wanted_of(settings.calendar, settings.scheduler.timezone, now)
        found = (fetch or _fetch)(wanted)
    except MetaclawError as error:
        return warn(
            name,
            error.cause,
            error.next_step or "Check calendar.address, calendar.user and calendar.key_env.",
            install(error.extra) if isinstance(error, MissingExtra) else "",
        )
    ahead = sum(end > now for _, end in found.spans)
    told = f"The calendar at {wanted.where} can be read: {counted(ahead, 'span')} away in the next week"
    if not found.unreadable:
        return ok(name, f"{told}.")
    return warn(
        name,
        f"{told}, and {counted(found.unreadable, 'event')} that cannot be read.",
        "Those events are left out; mend or remove them in the calendar.",
    )


def _fetch(wanted: Wanted) -> Fetched:
    return fetch(wanted, seconds=CALENDAR_SECONDS)


def _of_settings(settings: SchedulerSettings) -> list[str]:
    chosen = (
        ("sleep hours", bool(settings.sleep_hours.strip())),
        ("quiet hours", bool(settings.quiet_hours.strip())),
        ("the battery", battery() is not None and not settings.battery),
    )
    return [*(name for name, there in chosen if there), "the load of other programs"]


def _within(seconds: float, look: Callable[[], Found | None]) -> Found | None:
    """What a look finds that may hang, None where it does; what it raises is raised here."""
    found: list[Found | None] = []
    failed: list[MetaclawError] = []

    def run() -> None:
        try:
            found.append(look())
        except MetaclawError as error:
            failed.append(error)
        except Exception as error:  # noqa: BLE001  a thread's boundary
            failed.append(MetaclawError(f"A signal cannot be read ({type(error).__name__}: {error}).", ""))

    thread = threading.Thread(target=run, name="metaclaw-doctor", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    return found[0] if found else None

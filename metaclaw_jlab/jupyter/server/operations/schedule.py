"""When the host trains by itself: what it knows, its windows, the user's pauses, and the signs of him."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from metaclaw_jlab.core.schedule import View
from metaclaw_jlab.core.window import Pause, Window
from metaclaw_jlab.jupyter.server.operation import FROM_TEXT, Arguments, Body, Operation, Whole

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

LIMIT = 20
MOST = 200
LARGEST = 2**53  # the largest integer that JavaScript knows exactly
LONGEST = 366 * 24 * 60.0  # minutes of a pause
AGES = 366 * 24 * 3600.0


class HowMany(Arguments):
    """Which windows."""

    limit: Whole = Field(LIMIT, ge=1, le=MOST, description="How many, the newest first.")
    before: Annotated[int, Field(ge=1, le=LARGEST), FROM_TEXT] | None = Field(
        None, description="Those with numbers under this one."
    )


class Paused(Body):
    """For how long nothing shall be trained by itself."""

    minutes: float | None = Field(
        None, gt=0, le=LONGEST, description="Minutes; until it is taken back where left out."
    )


class Seen(Body):
    """When the user was last active in a page: that there was a key or a pointer, and nothing else."""

    seconds_ago: float = Field(ge=0, le=AGES, description="Seconds since then.")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Training by itself in the home. `active`: this server is its host; `host` is the process that is, None where none
    runs. `view` is what its scheduler knows, None where that cannot be asked; `pause` is the user's, and in force."""

    active: bool
    sentence: str
    host: int | None
    view: View | None
    pause: Pause | None
    trained_today: float
    daily_minutes: float
    timezone: str


@dataclass(frozen=True, slots=True)
class WindowList:
    """Windows, the newest first. The first may be open: then `closed_at` is null."""

    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Noted:
    """Whether this server is the active host; where it is not, that one is told."""

    active: bool


def schedule(host: Host) -> Schedule:
    """What the scheduler knows; where this server is not the active host, that one is asked."""
    from metaclaw_jlab.inspection.scheduler import schedule as account

    found = account(host.workspace, view_of(host), recent=0)
    return Schedule(
        active=host.active,
        sentence=found.sentence,
        host=found.host,
        view=found.view,
        pause=found.pause,
        trained_today=found.trained_today,
        daily_minutes=found.daily_minutes,
        timezone=found.timezone,
    )


def view_of(host: Host) -> View | None:
    """What the scheduler of this server found last; None where it is not the active host."""
    scheduler = host.scheduler
    return None if scheduler is None else scheduler.view()


def windows(host: Host, *, limit: int, before: int | None) -> WindowList:
    """The log of windows."""
    from metaclaw_jlab.store.windows import Windows

    return WindowList(Windows(host.workspace.database()).recent(limit, before))


def pause(host: Host, *, minutes: float | None) -> View:
    """Train nothing by itself, and stop what is trained. Raises HostElsewhere."""
    return host.active_scheduler().pause(minutes)


def unpause(host: Host) -> View:
    """Train again when nobody works. Raises HostElsewhere."""
    return host.active_scheduler().unpause()


def activity(host: Host, *, seconds_ago: float) -> Noted:
    """Take down that the user was active in a page."""
    host.activity(seconds_ago)
    return Noted(host.active)


OPERATIONS = (
    Operation(
        method="GET",
        path="/scheduler",
        name="scheduler",
        about="Whether training may run now, which signals say what, what is missing, when the next window could be.",
        call=schedule,
        answer=Schedule,
        secret=True,
        counts=False,
    ),
    Operation(
        method="GET",
        path="/windows",
        name="windows",
        about="The log of windows: opened and closed by what, how long was trained, how fast it gave way.",
        call=windows,
        answer=WindowList,
        arguments=HowMany,
        secret=True,
        counts=False,
    ),
    Operation(
        method="POST",
        path="/scheduler/pause",
        name="pause",
        about="Train nothing, and stop what is trained now; for some minutes, or until it is taken back.",
        call=pause,
        answer=View,
        body=Paused,
        on_loop=True,
        errors=(409,),
    ),
    Operation(
        method="POST",
        path="/scheduler/unpause",
        name="unpause",
        about="Take the pause back: train again when nobody works.",
        call=unpause,
        answer=View,
        on_loop=True,
        errors=(409,),
    ),
    Operation(
        method="POST",
        path="/activity",
        name="activity",
        about="Report when the user of a page last pressed a key or moved the pointer; nothing else is reported.",
        call=activity,
        answer=Noted,
        body=Seen,
        on_loop=True,
        counts=False,
    ),
)

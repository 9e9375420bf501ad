import threading
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import CalendarError, MissingExtra
from metaclaw_jlab.inspection.finding import Level
from metaclaw_jlab.inspection.signal_check import calendar, signals
from metaclaw_jlab.learning.calendars.fetching import Fetched
from metaclaw_jlab.learning.calendars.wanted import Wanted
from metaclaw_jlab.learning.signals.gpu import GpuUse
from metaclaw_jlab.settings.configuration import set_value


def choose(workspace: Workspace, **values: str) -> None:
    for key, value in values.items():
        set_value(workspace.home.config, key.replace("__", "."), value)


def test_what_is_listened_to_is_told(workspace: Workspace) -> None:
    choose(workspace, scheduler__sleep_hours="23:00-07:00")
    found = signals(workspace, desktop=lambda: 5.0, gpu=lambda: GpuUse(0.0))
    assert found.level is Level.OK
    assert "JupyterLab, kernels, keyboard and mouse, the GPU, sleep hours" in found.sentence


def test_what_is_not_there_is_not_told(workspace: Workspace) -> None:
    found = signals(workspace, desktop=lambda: None, gpu=lambda: None)
    assert (found.level, "keyboard" in found.sentence, "GPU" in found.sentence) == (Level.OK, False, False)


def test_a_missing_library_is_named_with_its_extra(workspace: Workspace) -> None:
    def absent() -> float | None:
        raise MissingExtra("dbus-idle", "signals")

    found = signals(workspace, desktop=absent, gpu=lambda: None)
    assert (found.level, "metaclaw-jlab[signals]" in found.next_step) == (Level.WARN, True)


def test_a_look_that_fails_says_what_to_do(workspace: Workspace) -> None:
    def broken() -> GpuUse | None:
        raise RuntimeError("the driver is gone")

    found = signals(workspace, desktop=lambda: None, gpu=broken)
    assert (found.level, bool(found.next_step)) == (Level.WARN, True)


def test_a_look_that_hangs_is_left_alone(workspace: Workspace) -> None:
    ended = threading.Event()
    found = signals(workspace, desktop=lambda: float(ended.wait()), gpu=lambda: None, seconds=0.01)
    ended.set()
    assert found.level is Level.OK


def test_where_nothing_trains_by_itself_nothing_is_looked_at(workspace: Workspace) -> None:
    choose(workspace, scheduler__enabled="false")
    assert "switched off" in signals(workspace).sentence


def test_without_a_calendar_all_is_well(workspace: Workspace) -> None:
    assert calendar(workspace).level is Level.OK


def test_a_calendar_is_read(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "calendar.ics"
    path.write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    choose(workspace, calendar__kind="ics", calendar__address=str(path))
    found = calendar(workspace)
    assert (found.level, found.sentence) == (
        Level.OK,
        "The calendar at calendar.ics can be read: 0 spans away in the next week.",
    )


def test_a_calendar_that_cannot_be_read_says_why(workspace: Workspace) -> None:
    choose(workspace, calendar__kind="ics", calendar__address="calendar.ics")

    def down(wanted: Wanted) -> Fetched:
        raise CalendarError("It is down.", "Wait.")

    found = calendar(workspace, fetch=down)
    assert (found.level, found.sentence, found.next_step) == (Level.WARN, "It is down.", "Wait.")


def test_events_that_cannot_be_read_are_counted(workspace: Workspace) -> None:
    choose(workspace, calendar__kind="ics", calendar__address="calendar.ics")
    found = calendar(workspace, fetch=lambda wanted: Fetched((), 2))
    assert (found.level, "2 events" in found.sentence) == (Level.WARN, True)


def test_a_password_that_is_not_there_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALENDAR_KEY", raising=False)
    choose(workspace, calendar__kind="caldav", calendar__key_env="CALENDAR_KEY")
    assert "CALENDAR_KEY" in calendar(workspace).sentence

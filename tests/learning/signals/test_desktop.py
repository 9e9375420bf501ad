from collections.abc import Callable

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.errors import MissingExtra
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals.desktop import (
    FRESH_SECONDS,
    SESSION_VARIABLES,
    Desktop,
    input_seconds_ago,
)
from tests.learning.signals.clocks import Clock


class Screen:
    """A desktop whose last input was at a time; None: no desktop."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.touched: float | None = clock.now - 3600
        self.looks = 0

    def __call__(self) -> float | None:
        self.looks += 1
        return None if self.touched is None else self.clock.now - self.touched


@pytest.fixture
def screen(clock: Clock) -> Screen:
    return Screen(clock)


@pytest.fixture
def desktop(screen: Screen, settings: Callable[[], SchedulerSettings], clock: Clock) -> Desktop:
    return Desktop(settings, look=screen, clock=clock, start=lambda work: work())


def use(screen: Screen, desktop: Desktop, clock: Clock) -> None:
    """Let the desktop be looked at, and then be used."""
    desktop.read()
    clock.now += 60
    screen.touched = clock.now
    desktop.read()


def test_input_forbids_until_idle_minutes_after(desktop: Desktop, screen: Screen, clock: Clock) -> None:
    use(screen, desktop, clock)
    touched = clock.now
    clock.now += 599
    reading = desktop.read()
    assert (reading.forbidding, reading.until) == (True, touched + 600)


def test_a_desktop_left_alone_opens(desktop: Desktop, screen: Screen, clock: Clock) -> None:
    use(screen, desktop, clock)
    clock.now += 600
    assert desktop.read().opening


def test_a_screen_that_nobody_ever_used_is_unknown(desktop: Desktop, clock: Clock) -> None:
    for _ in range(3):
        clock.now += 3600
        assert desktop.read().state is SignalState.UNKNOWN


def test_without_a_desktop_it_is_unknown_and_seldom_looked_for(
    desktop: Desktop, screen: Screen, clock: Clock
) -> None:
    screen.touched = None
    for _ in range(60):
        assert desktop.read().state is SignalState.UNKNOWN
        clock.now += 5
    assert screen.looks == 1


def test_a_desktop_that_hangs_is_unknown(
    screen: Screen, settings: Callable[[], SchedulerSettings], clock: Clock
) -> None:
    begun: list[Callable[[], None]] = []
    desktop = Desktop(settings, look=screen, clock=clock, start=begun.append)
    desktop.read()
    begun.pop()()
    clock.now += FRESH_SECONDS + 1
    assert (desktop.read().state, desktop.read().state, len(begun)) == (*[SignalState.UNKNOWN] * 2, 1)


def test_a_missing_library_names_its_extra(settings: Callable[[], SchedulerSettings], clock: Clock) -> None:
    def absent() -> float | None:
        raise MissingExtra("dbus-idle", "signals")

    reading = Desktop(settings, look=absent, clock=clock, start=lambda work: work()).read()
    assert (reading.state, "metaclaw-jlab[signals]" in reading.sentence) == (SignalState.UNKNOWN, True)


def test_a_look_that_fails_is_unknown(settings: Callable[[], SchedulerSettings], clock: Clock) -> None:
    def broken() -> float | None:
        raise RuntimeError("the bus is gone")

    reading = Desktop(settings, look=broken, clock=clock, start=lambda work: work()).read()
    assert reading.state is SignalState.UNKNOWN


def test_the_user_may_switch_it_off(screen: Screen, clock: Clock) -> None:
    off = SchedulerSettings(desktop=False)
    reading = Desktop(lambda: off, look=screen, clock=clock, start=lambda work: work()).read()
    assert (reading.state, screen.looks) == (SignalState.UNKNOWN, 0)


def test_a_host_without_a_session_has_no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SESSION_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert input_seconds_ago() is None

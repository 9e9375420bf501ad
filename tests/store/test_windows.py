"""Windows and pauses in a real store, and what its triggers refuse."""

import pytest

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.window import Pause, Window
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.events import Events
from metaclaw_jlab.store.windows import Pauses, Windows
from tests.learning.trained import begun
from tests.store.samples import Attack


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def windows(database: Database, clock: Clock) -> Windows:
    return Windows(database, clock=clock)


@pytest.fixture
def pauses(database: Database, clock: Clock) -> Pauses:
    return Pauses(database, clock=clock)


def test_a_window_is_opened_used_and_closed(windows: Windows, database: Database) -> None:
    run = begun(database).number
    opened = windows.open(10.0, ["kernels", "lab"])
    assert opened == Window(1, 10.0, ("kernels", "lab")) == windows.current()
    windows.use(1, 30.0, run)
    closed = windows.close(1, 50.0, "lab", used_seconds=35.5, yield_seconds=0.4)
    assert closed == Window(1, 10.0, ("kernels", "lab"), 50.0, "lab", run, 35.5, 0.4)
    assert windows.current() is None
    assert windows.recent(5) == (closed,)


def test_opening_and_closing_are_events(windows: Windows, database: Database) -> None:
    windows.open(10.0, ["kernels", "lab"])
    windows.close(1, 50.0, "lab", used_seconds=2.0, yield_seconds=0.25)
    told = [(event.kind, dict(event.fields)) for event in Events(database).after(0, 9)]
    assert told == [
        ("window.opened", {"window": 1, "by": "kernels:lab"}),
        ("window.closed", {"window": 1, "by": "lab", "used_seconds": 2.0, "yield_seconds": 0.25}),
    ]


def test_one_window_is_open_at_a_time(windows: Windows) -> None:
    windows.open(10.0, ["lab"])
    with pytest.raises(InvariantViolation, match="begins open"):
        windows.open(20.0, ["lab"])


def test_a_closed_window_stays_as_it_is(windows: Windows) -> None:
    windows.open(10.0, ["lab"])
    windows.close(1, 20.0, "lab")
    with pytest.raises(InvariantViolation, match="does not change"):
        windows.close(1, 30.0, "budget")


def test_use_never_shrinks(windows: Windows) -> None:
    windows.open(10.0, ["lab"])
    windows.use(1, 30.0, None)
    with pytest.raises(InvariantViolation):
        windows.use(1, 29.0, None)


def test_what_is_not_there_is_not_found(windows: Windows) -> None:
    with pytest.raises(NotFound, match="no window 7"):
        windows.close(7, 1.0, "lab")


def test_windows_are_never_deleted(windows: Windows, attack: Attack) -> None:
    windows.open(10.0, ["lab"])
    attack("DELETE FROM windows")


def test_a_window_left_open_lasted_as_long_as_was_trained_in_it(windows: Windows) -> None:
    windows.open(10.0, ["lab"])
    windows.use(1, 120.0, None)
    left = windows.close_left_open()
    assert left is not None
    assert (left.closed_at, left.closed_by) == (130.0, "crash")
    assert windows.close_left_open() is None


def test_use_of_a_day_leaves_out_what_was_before_it(windows: Windows, clock: Clock) -> None:
    windows.open(10.0, ["lab"])
    windows.close(1, 90.0, "lab", used_seconds=80.0)
    windows.open(95.0, ["lab"])
    windows.close(2, 110.0, "lab", used_seconds=14.0)
    windows.open(120.0, ["lab"])
    windows.use(3, 5.0, None)
    clock.now = 130.0
    assert windows.used_since(100.0) == 10.0 + 5.0
    assert windows.used_since(125.0) == 5.0
    assert windows.used_since(0.0) == 99.0


def test_a_pause_lasts_until_its_time(pauses: Pauses, clock: Clock) -> None:
    assert pauses.current() is None
    assert pauses.begin(1060.0) == Pause(1000.0, 1060.0) == pauses.current()
    clock.now = 1060.0
    assert pauses.current() is None
    assert pauses.end() is None


def test_a_pause_without_end_lasts_until_it_is_taken_back(pauses: Pauses, clock: Clock) -> None:
    pauses.begin()
    clock.now = 1e9
    assert pauses.end() == Pause(1000.0)
    assert pauses.current() is None


def test_a_new_pause_takes_the_place_of_the_one_before(pauses: Pauses, clock: Clock) -> None:
    pauses.begin()
    clock.now = 1010.0
    pauses.begin(1020.0)
    assert pauses.current() == Pause(1010.0, 1020.0)
    clock.now = 1020.0
    assert pauses.current() is None


def test_pauses_are_never_deleted(pauses: Pauses, attack: Attack) -> None:
    pauses.begin()
    attack("DELETE FROM pauses")


def test_a_pause_ends_once(pauses: Pauses, attack: Attack) -> None:
    pauses.begin()
    pauses.end()
    attack("UPDATE pauses SET ended_at = 5")


def test_a_page_of_windows_goes_on_where_the_one_before_ended(windows: Windows) -> None:
    for number in range(1, 4):
        windows.open(10.0 * number, ["kernels"])
        windows.close(number, 10.0 * number + 1, "kernels")
    assert [window.number for window in windows.recent(2)] == [3, 2]
    assert [window.number for window in windows.recent(2, before=2)] == [1]

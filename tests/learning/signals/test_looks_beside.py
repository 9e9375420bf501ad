import threading
from collections.abc import Callable

import pytest

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.learning.signals.sampling import Beside, due
from tests.learning.signals.clocks import Clock


class Looks:
    """A look that counts, and fails where it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None

    def __call__(self) -> int:
        self.count += 1
        if self.error is not None:
            raise self.error
        return self.count


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def beside(looks: Looks, clock: Clock) -> Beside[int]:
    return Beside(looks, lambda: 60.0, retry_seconds=10.0, clock=clock, start=lambda work: work())


@pytest.mark.parametrize(
    ("last", "expected"), [(None, True), (100.0, False), (41.0, False), (40.0, True), (101.0, True)]
)
def test_it_is_due_after_its_time_and_when_the_clock_went_back(last: float | None, expected: bool) -> None:
    assert due(last, 100.0, 60.0) is expected


def test_it_is_taken_no_oftener_than_wanted(beside: Beside[int], looks: Looks, clock: Clock) -> None:
    for _ in range(13):
        beside.refresh()
        clock.now += 10
    assert (looks.count, beside.found) == (3, 3)


def test_one_that_fails_keeps_what_was_found_and_is_tried_again_soon(
    beside: Beside[int], looks: Looks, clock: Clock
) -> None:
    beside.refresh()
    looks.error = failed = CalendarError("It is down.", "Wait.")
    clock.now += 60
    beside.refresh()
    kept = (beside.found, beside.trouble)
    looks.error = None
    clock.now += 10
    beside.refresh()
    assert kept == (1, failed)
    assert (beside.found, beside.trouble) == (3, None)


def test_what_nobody_expected_is_told_too(beside: Beside[int], looks: Looks) -> None:
    looks.error = ZeroDivisionError("by zero")
    beside.refresh()
    assert "ZeroDivisionError: by zero" in str(beside.trouble)


def test_one_that_hangs_is_not_begun_again(looks: Looks, clock: Clock) -> None:
    begun: list[Callable[[], None]] = []
    beside = Beside(looks, lambda: 60.0, retry_seconds=10.0, clock=clock, start=begun.append)
    for _ in range(5):
        beside.refresh()
        clock.now += 3600
    assert len(begun) == 1


def test_a_look_keeps_nobody_waiting() -> None:
    ended, done = threading.Event(), threading.Event()

    def look() -> bool:
        ended.wait()
        return True

    def told() -> float:
        done.set()
        return 0.0

    beside = Beside(look, lambda: 60.0, retry_seconds=10.0, clock=told)
    beside.refresh()
    assert beside.found is None
    done.clear()
    ended.set()
    assert done.wait(60)


def test_what_is_forgotten_is_looked_for_at_once(beside: Beside[int], looks: Looks) -> None:
    beside.refresh()
    beside.forget()
    assert beside.found is None
    beside.refresh()
    assert beside.found == 2

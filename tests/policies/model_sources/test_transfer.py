import pytest

from metaclaw_jlab.core.errors import FetchStopped
from metaclaw_jlab.policies.model_sources.transfer import Meter, Progress


def test_a_rate_gives_the_time_that_is_left() -> None:
    now = iter([0.0, 1.0, 2.0])
    seen: list[Progress] = []
    meter = Meter(1000, seen.append, clock=lambda: next(now))
    for done in (0, 100, 200):
        meter.at(done)
    assert (seen[-1].rate, seen[-1].remaining) == (100.0, 8.0)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    now = iter([0.0, 1.0, 30.0, 31.0])
    seen: list[Progress] = []
    meter = Meter(None, seen.append, clock=lambda: next(now))
    for done in (0, 1000, 1000, 1010):
        meter.at(done)
    assert (seen[-1].rate, seen[-1].remaining) == (10.0, None)


def test_bytes_of_earlier_files_count() -> None:
    seen: list[Progress] = []
    meter = Meter(100, seen.append)
    meter.begin("fetching", "the hub", 60)
    meter.at(5)
    assert seen[-1].done == 65


def test_it_is_told_now_and_then_only() -> None:
    seen: list[Progress] = []
    meter = Meter(100, seen.append, clock=lambda: 1.0)
    for done in range(50):
        meter.at(done)
    assert len(seen) == 1


def test_a_cancel_is_heard_at_once() -> None:
    meter = Meter(100, None, lambda: True)
    with pytest.raises(FetchStopped):
        meter.at(0)

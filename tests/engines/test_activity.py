from __future__ import annotations

from metaclaw_jlab.engines.activity import Activity


class Clock:
    """Seconds that a test moves by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_idle_time_runs_from_the_end_of_the_last_request() -> None:
    clock = Clock()
    activity = Activity(clock)
    with activity.request():
        clock.now = 10.0
    clock.now = 25.0
    assert activity.idle_seconds() == 15.0


def test_a_server_is_not_idle_while_one_of_two_requests_is_under_way() -> None:
    clock = Clock()
    activity = Activity(clock)
    with activity.request():
        with activity.request():
            pass
        clock.now = 100.0
        assert activity.idle_seconds() == 0.0

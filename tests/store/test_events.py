import pytest

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.events import Event, Events


@pytest.fixture
def events(database: Database) -> Events:
    return Events(database, clock=lambda: 3.0)


def test_events_come_back_in_order(events: Events) -> None:
    first = events.append("trajectory.closed", trajectory="ab12", score=-0.5)
    second = events.append("generation.made", number=3)
    assert events.after(0, 9) == (
        Event(first, "trajectory.closed", {"trajectory": "ab12", "score": -0.5}, 3.0),
        Event(second, "generation.made", {"number": 3}, 3.0),
    )
    assert events.after(first, 9)[0].number == second
    assert events.latest() == second


def test_a_kind_was_seen_once_it_was_logged(events: Events) -> None:
    assert not events.seen("starts.asked")
    events.append("starts.asked")
    assert events.seen("starts.asked")


def test_a_new_log_is_empty(events: Events) -> None:
    assert events.latest() == 0
    assert events.after(0, 9) == ()


@pytest.mark.parametrize("value", ["print(1)", "two words", "", "x" * 129, "a\n"])
def test_text_does_not_get_into_the_log(events: Events, value: str) -> None:
    with pytest.raises(InvariantViolation, match="neither an id nor a number"):
        events.append("step", code=value)
    assert events.latest() == 0


@pytest.mark.parametrize("kind", ["", "Two Words", "import os"])
def test_a_kind_is_a_word(events: Events, kind: str) -> None:
    with pytest.raises(InvariantViolation, match="no kind"):
        events.append(kind)

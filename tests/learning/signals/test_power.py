import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.learning.signals.power import SAMPLE_SECONDS, Battery, Power
from tests.learning.signals.clocks import Clock


def power(found: Battery | None, *, allowed: bool = False) -> Power:
    return Power(lambda: SchedulerSettings(battery=allowed), look=lambda: found)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, SignalState.IDLE),
        ((80.0, True), SignalState.IDLE),
        ((80.0, None), SignalState.UNKNOWN),
        ((80.0, False), SignalState.BUSY),
    ],
)
def test_only_a_battery_in_use_forbids(found: Battery | None, state: SignalState) -> None:
    assert power(found).read().state is state


def test_the_user_may_allow_training_on_battery() -> None:
    assert not power((80.0, False), allowed=True).read().forbidding


def test_mains_open_nothing() -> None:
    assert not power((80.0, True)).read().opening


def test_a_plug_that_is_pulled_is_seen(clock: Clock) -> None:
    found = {"plugged": True}
    signal = Power(SchedulerSettings, look=lambda: (50.0, found["plugged"]), clock=clock)
    signal.read()
    found["plugged"] = False
    clock.now += SAMPLE_SECONDS
    assert signal.read().forbidding

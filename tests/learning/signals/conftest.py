from collections.abc import Callable

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from tests.learning.signals.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings() -> Callable[[], SchedulerSettings]:
    return lambda: SchedulerSettings(idle_minutes=10)

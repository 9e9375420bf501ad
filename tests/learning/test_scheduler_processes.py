"""The scheduler with real processes: a training begins, its user comes back, it is gone, and it goes on later."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from metaclaw_jlab.core.config import SchedulerSettings
from metaclaw_jlab.core.schedule import Need
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.core.window import SchedulerState
from metaclaw_jlab.learning.scheduler import Scheduler
from metaclaw_jlab.runtime.conductor import TrainingConductor
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.processes import process_alive
from metaclaw_jlab.runtime.training_process import conductor, last_words, start, stop
from metaclaw_jlab.store.windows import Pauses, Windows
from tests.learning.homes import Ground
from tests.learning.scheduling import Said

FAKE = Path(__file__).parents[1] / "runtime" / "fake_training.py"
MOMENT = 0.05  # minutes that count as idle


class Desk:
    """A scheduler on the real clock with a conductor of real processes, which train nothing."""

    def __init__(self, ground: Ground, *words: str, stop_seconds: float = 5.0) -> None:
        self.home: Home = ground.home
        self.kernels = Said("kernels")
        self.unfinished = False
        self.command = [sys.executable, str(FAKE), "--home", str(self.home.path), *words]
        self.conductor = TrainingConductor(
            self.home,
            stop_seconds=lambda: stop_seconds,
            run_of=lambda: (None, False),
            command=self.command,
        )
        self.windows = Windows(ground.database)
        settings = SchedulerSettings(idle_minutes=MOMENT)
        self.scheduler = Scheduler(
            signals=(self.kernels,),
            conductor=self.conductor,
            windows=self.windows,
            pauses=Pauses(ground.database),
            need=lambda: Need(20, self.unfinished, 0, True, ""),
            settings=lambda: settings,
        )
        self.kernels.state = SignalState.IDLE

    def close(self) -> None:
        self.scheduler.shutdown()
        self.conductor.close(30)
        stop(self.home, 30)

    def until(self, found: Callable[[], object]) -> None:
        """Tick until something holds: the deadline is that of the test."""
        pause = threading.Event()
        while True:
            self.scheduler.tick()
            if found():
                return
            pause.wait(0.02)

    def trains(self) -> bool:
        return conductor(self.home) is not None


@pytest.fixture
def desk(home_ground: Ground) -> Iterator[Desk]:
    with closing(Desk(home_ground)) as made:
        yield made


def test_it_trains_yields_and_goes_on(desk: Desk) -> None:
    desk.until(desk.trains)
    seen = desk.conductor.conducting()
    assert seen is not None
    desk.unfinished = True
    desk.scheduler.activity("lab")
    assert desk.scheduler.view().state in {SchedulerState.PAUSING, SchedulerState.WAITING}
    desk.until(lambda: desk.windows.current() is None)
    assert not process_alive(seen.pid)
    closed = desk.windows.recent(1)[0]
    assert closed.closed_by == "lab"
    assert closed.yield_seconds is not None
    desk.scheduler.unpause()  # without the moment between two windows
    desk.until(desk.trains)
    desk.until(lambda: "resume" in last_words(desk.home))
    assert [window.number for window in desk.windows.recent(9)] == [2, 1]


def test_a_worker_that_ignores_its_stop_is_pausing_until_it_is_killed(home_ground: Ground) -> None:
    with closing(Desk(home_ground, "stubborn", stop_seconds=0.2)) as desk:
        desk.until(desk.trains)
        desk.scheduler.activity("lab")
        assert desk.scheduler.tick().state is SchedulerState.PAUSING
        desk.until(lambda: desk.windows.current() is None)
        assert not desk.trains()


def test_a_start_that_fails_is_told_and_not_repeated_at_once(home_ground: Ground) -> None:
    with closing(Desk(home_ground, "fail")) as desk:
        desk.until(lambda: "came to nothing" in " ".join(desk.scheduler.view().missing))
        assert "Nothing waits to be trained on" in " ".join(desk.scheduler.view().missing)
        assert desk.scheduler.tick().state is SchedulerState.OPEN


def test_a_training_that_the_user_began_goes_on_beside_them(desk: Desk) -> None:
    process = start(desk.home, ("--now",), command=desk.command)
    desk.until(lambda: desk.scheduler.view().conducting is not None)
    desk.scheduler.activity("lab")
    desk.scheduler.tick()
    assert process.poll() is None
    assert desk.scheduler.view().state is SchedulerState.TRAINING
    desk.scheduler.pause(None)
    assert process.wait() == 0

import threading
from concurrent.futures import ThreadPoolExecutor

from metaclaw_jlab.core.errors import LeaseHeld, PolicyError
from metaclaw_jlab.learning.beside import Beside


def test_what_was_asked_for_is_done_when_the_waiting_ends() -> None:
    passes: list[int] = []

    def work() -> bool:
        passes.append(1)
        return len(passes) < 3

    beside = Beside(work, lambda _: None)
    beside.wake()
    assert beside.wait(10)
    assert len(passes) == 3
    assert not beside.busy


def test_waiting_ends_before_the_work_and_the_work_goes_on() -> None:
    released, finished = threading.Event(), threading.Event()

    def work() -> bool:
        released.wait(10)
        finished.set()
        return False

    beside = Beside(work, lambda _: None)
    beside.wake()
    assert not beside.wait(0.0)
    released.set()
    assert finished.wait(10)


def test_an_error_is_told_and_the_next_failure_is_looked_at() -> None:
    told: list[str] = []
    outcomes = iter([PolicyError("The endpoint is gone.", "Look at it."), None])

    def work() -> bool:
        error = next(outcomes)
        if error is not None:
            raise error
        return False

    beside = Beside(work, told.append)
    beside.wake()
    assert beside.wait(10)
    beside.wake()
    assert beside.wait(10)
    assert told == ["The endpoint is gone. Look at it."]
    assert next(outcomes, "used") == "used"


def test_a_mistake_of_the_program_does_not_end_the_thread_in_silence() -> None:
    told: list[str] = []
    beside = Beside(lambda: 1 / 0 > 0, told.append)
    beside.wake()
    assert beside.wait(10)
    assert "ZeroDivisionError" in told[0]


def test_the_end_of_the_interpreter_is_no_trouble() -> None:
    told: list[str] = []
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    beside = Beside(lambda: pool.submit(bool).result(), told.append)
    beside.wake()
    assert beside.wait(10)
    assert told == []


def test_while_another_process_evolves_it_waits_and_tries_again() -> None:
    turns = iter([LeaseHeld("Somebody holds it.", ""), None])

    def work() -> bool:
        turn = next(turns)
        if turn is not None:
            raise turn
        return False

    beside = Beside(work, lambda _: None, retry_seconds=0.0)
    beside.wake()
    assert beside.wait(10)
    assert next(turns, "used") == "used"


def test_a_failure_during_a_pass_is_looked_at_after_it() -> None:
    started, released = threading.Event(), threading.Event()
    passes: list[int] = []

    def work() -> bool:
        passes.append(1)
        started.set()
        released.wait(10)
        return False

    beside = Beside(work, lambda _: None)
    beside.wake()
    assert started.wait(10)
    beside.wake()
    released.set()
    assert beside.wait(10)
    assert len(passes) == 2


def test_after_stop_nothing_begins() -> None:
    passes: list[int] = []
    beside = Beside(lambda: bool(passes.append(1)), lambda _: None)
    beside.stop()
    beside.wake()
    assert beside.wait(1)
    assert passes == []


def test_an_idle_thread_lets_go_and_ends_and_another_one_starts() -> None:
    passes: list[int] = []
    rested = threading.Semaphore(0)
    beside = Beside(lambda: bool(passes.append(1)), lambda _: None, at_rest=rested.release, idle_seconds=0.0)
    for turn in (1, 2):
        beside.wake()
        assert beside.wait(10)
        assert rested.acquire(timeout=10)
        assert len(passes) == turn


def test_what_has_time_waits_until_something_has_none() -> None:
    passes: list[int] = []

    def work() -> bool:
        passes.append(1)
        return False

    beside = Beside(work, lambda _: None)
    beside.wake(quiet=3600)
    assert not beside.wait(0.0)
    assert beside.busy
    beside.wake()
    assert beside.wait(10)
    assert passes == [1]


def test_what_has_time_does_not_hold_up_what_has_none() -> None:
    released = threading.Event()
    passes: list[int] = []

    def work() -> bool:
        released.wait(10)
        passes.append(1)
        return False

    beside = Beside(work, lambda _: None)
    beside.wake()
    beside.wake(quiet=3600)
    released.set()
    beside.wake()
    assert beside.wait(10)


def test_waiting_for_quiet_ends_with_the_stop() -> None:
    rested = threading.Event()
    beside = Beside(lambda: False, lambda _: None, at_rest=rested.set)
    beside.wake(quiet=3600)
    beside.stop()
    assert rested.wait(10)

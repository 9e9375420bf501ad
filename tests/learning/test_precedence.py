import itertools
import threading
from collections.abc import Callable

import pytest

from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.learning.precedence import Precedence

ASKED = (Message("user", "hello"),)


class Talker:
    """A policy that says three words, with something happening before each."""

    model = "talker"

    def __init__(self, between: Callable[[int], None] = lambda _: None) -> None:
        self.between = between
        self.requests = 0
        self.stopped = threading.Event()

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self.requests += 1
        for word in ("one", "two", "three"):
            self.between(self.requests)
            try:
                if on_text is not None:
                    on_text(word)
            except InterruptedError:
                self.stopped.set()
                raise
        return Completion("one two three", "stop", self.model)


def test_what_is_beside_waits_for_the_users_task() -> None:
    precedence, talker = Precedence(), Talker()
    with precedence.first():
        thread = threading.Thread(target=precedence.yielding(talker).complete, args=(ASKED, Sampling()))
        thread.start()
        assert not precedence.wait(0.01)
        assert talker.requests == 0
    thread.join(60)
    assert talker.requests == 1


def test_an_answer_is_cut_off_for_the_users_task_and_asked_for_again() -> None:
    precedence = Precedence()
    arrived, cut = threading.Event(), threading.Event()

    def between(request: int) -> None:
        if request == 1:
            arrived.set()
            cut.wait(60)

    talker = Talker(between)
    found: list[Completion] = []
    yielding = precedence.yielding(talker)
    thread = threading.Thread(target=lambda: found.append(yielding.complete(ASKED, Sampling())))
    thread.start()
    assert arrived.wait(60)
    with precedence.first():
        cut.set()
        assert talker.stopped.wait(60)
        assert talker.requests == 1
    thread.join(60)
    assert (talker.requests, found[0].text) == (2, "one two three")


def test_the_text_comes_once() -> None:
    said: list[str] = []
    Precedence().yielding(Talker()).complete(ASKED, Sampling(), on_text=said.append)
    assert said == ["one two three"]


def test_the_clock_stands_still_while_the_users_task_is_done() -> None:
    ticks = itertools.count(100.0)
    precedence = Precedence(lambda: next(ticks))
    assert precedence.clock() == 100.0
    with precedence.first():  # from 101
        assert precedence.clock() == precedence.clock() == 101.0
        with precedence.first():
            assert precedence.busy
    assert precedence.clock() == 102.0  # the task took one tick, to 102; now it is 103
    assert not precedence.busy


def test_another_interruption_is_not_taken_for_the_users_task() -> None:
    def fails(_: int) -> None:
        raise InterruptedError("a system call")

    with pytest.raises(InterruptedError, match="system call"):
        Precedence().yielding(Talker(fails)).complete(ASKED, Sampling())

"""Rollouts that ask together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from metaclaw_jlab.agent.lockstep import Asked, Lockstep, LockstepPolicy
from metaclaw_jlab.core.policy import Completion, Message, Sampling

HELLO = (Message("user", "hello"),)


def asked(place: int) -> Asked:
    return Asked(place, HELLO, Sampling(seed=place))


class Recorded:
    """Answers with the places that asked together, and keeps them."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def __call__(self, batch: Sequence[Asked]) -> list[Completion]:
        self.batches.append([one.place for one in batch])
        return [Completion(str(one.place), "stop", "m") for one in batch]


def test_everybody_is_answered_at_once_in_the_order_of_their_places() -> None:
    generate = Recorded()
    lockstep = Lockstep(range(5), generate)
    with ThreadPoolExecutor(5) as threads:
        answers = [threads.submit(lockstep.ask, asked(place)) for place in (3, 1, 4, 0, 2)]
        assert [answer.result(10).text for answer in answers] == ["3", "1", "4", "0", "2"]
    assert generate.batches == [[0, 1, 2, 3, 4]]


def test_who_has_left_is_not_waited_for() -> None:
    generate = Recorded()
    lockstep = Lockstep([0, 1, 2], generate)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(lockstep.ask, asked(place)) for place in (0, 2)]
        lockstep.leave(1)
        assert [one.result(10).text for one in waiting] == ["0", "2"]
    assert generate.batches == [[0, 2]]


def test_rounds_follow_each_other_while_some_drop_out() -> None:
    generate = Recorded()
    lockstep = Lockstep([0, 1, 2], generate)

    def play(place: int) -> None:
        for _ in range(place + 1):
            lockstep.ask(asked(place))
        lockstep.leave(place)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(play, range(3)))
    assert generate.batches == [[0, 1, 2], [1, 2], [2]]


def test_what_generation_raises_is_raised_to_all() -> None:
    def fail(_: Sequence[Asked]) -> list[Completion]:
        raise ValueError("no")

    lockstep = Lockstep([0, 1], fail)
    with ThreadPoolExecutor(2) as threads:
        for one in [threads.submit(lockstep.ask, asked(place)) for place in (0, 1)]:
            with pytest.raises(ValueError, match="no"):
                one.result(10)


def test_the_first_completion_of_a_policy_is_there_already() -> None:
    generate = Recorded()
    lockstep = Lockstep([0], generate)
    policy = LockstepPolicy("m", 0, [Completion("mine", "stop", "m")], lockstep)
    found = [policy.complete(HELLO, Sampling()).text for _ in range(2)]
    assert found == ["mine", "0"]
    assert generate.batches == [[0]]


def test_only_one_thread_generates_at_a_time() -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def count(batch: Sequence[Asked]) -> list[Completion]:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        answers = [Completion("", "stop", "m") for _ in batch]
        with guard:
            inside -= 1
        return answers

    lockstep = Lockstep(range(8), count)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda place: lockstep.ask(asked(place)), range(8)))
    assert most == 1

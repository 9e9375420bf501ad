"""The query set is filled: what is decided on is admitted, and older tasks are attempted again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.core.errors import EvolverError, LeaseHeld, PolicyUnavailable
from metaclaw_jlab.core.start_state import Rooms, StartState
from metaclaw_jlab.core.task import Check, CheckResult, Task
from metaclaw_jlab.core.trajectory import Observation, Purpose
from metaclaw_jlab.learning import collecting
from metaclaw_jlab.learning.collecting import Collecting, collect
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.store.query import Query
from tests.learning.homes import SAID, Ground, failed
from tests.learning.slow_homes import Slow

RIGHT, WRONG = render_reply("semicolons", done=True), render_reply("commas", done=True)


@dataclass
class Room:
    """Implements core.executor.Executor: a check passes where the code speaks of semicolons."""

    code: str = ""

    def execute(self, code: str, *, on_output: Callable[[str], None] | None = None) -> Observation:
        self.code = code
        return Observation(stdout="ok")

    def evaluate(self, check: Check) -> CheckResult:
        well = "semicolons" in self.code
        return CheckResult(check, well, "" if well else SAID)

    def protections(self) -> tuple[str, ...]:
        return ("it runs nothing",)

    def close(self) -> None:
        pass


class Open:
    """Implements core.start_state.Rooms."""

    def open(self, start: StartState, task: Task) -> Room:
        return Room()

    def isolated(self) -> bool:
        return True


@dataclass
class Filling:
    """Collecting in a home, and what was seen of it."""

    slow: Slow
    replies: list[str] = field(default_factory=lambda: [RIGHT] * 9)
    settles: list[Callable[[], bool]] = field(default_factory=list)
    rooms_opened: int = 0
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def settle(self) -> bool:
        return self.settles.pop(0)() if self.settles else False

    @contextmanager
    def rooms(self) -> Iterator[Rooms]:
        self.rooms_opened += 1
        yield Open()

    def fill(self, **changes: Any) -> int:
        policy = ScriptedPolicy(self.replies)
        made: Collecting = replace(
            self.slow.collecting(),
            settle=self.settle,
            rooms=self.rooms,
            reattempts=lambda rooms: replace(
                self.slow.reattempts(rooms), policy=policy, max_steps=1, concurrency=1
            ),
            on_attempted=self.pairs.extend,
            **changes,
        )
        return collect(made)

    @property
    def waiting(self) -> tuple[str, ...]:
        return Query(self.slow.ground.database).waiting()

    def of_now(self, number: int = 99) -> list[str]:
        """The attempts under the current generation."""
        current = self.slow.ground.skills.current_generation().number
        found = self.slow.ground.trajectories.recent(number)
        return [
            one.id for one in found if one.purpose is Purpose.RETRY and one.stamp.skill_generation == current
        ]


@pytest.fixture
def filling(home_ground: Ground) -> Filling:
    return Filling(Slow(home_ground))


def test_what_passed_is_admitted(filling: Filling) -> None:
    ids = [filling.slow.works("a"), filling.slow.works("b")]
    assert filling.fill() == 2
    assert filling.waiting == tuple(ids)


def test_without_older_tasks_no_room_is_opened(filling: Filling) -> None:
    filling.slow.works("a")
    filling.fill()
    assert filling.rooms_opened == 0


def test_no_older_task_is_attempted_where_none_may_be(filling: Filling) -> None:
    filling.slow.works("a")
    filling.fill()
    filling.slow.advances()
    assert filling.fill(most=0) == 0
    assert filling.rooms_opened == 0


def test_the_share_that_is_held_out_is_the_configured_one(filling: Filling) -> None:
    id_ = filling.slow.works("a")
    assert filling.fill(held_out_share=1.0) == 1
    assert filling.waiting == ()
    assert Query(filling.slow.ground.database).held_out() == (id_,)


def test_a_failure_that_no_skill_was_made_of_yet_waits(filling: Filling) -> None:
    filling.slow.keeps(failed())
    assert filling.fill() == 0
    assert filling.waiting == ()


def test_older_tasks_are_attempted_again_and_take_the_place_of_the_first_attempts(filling: Filling) -> None:
    old = filling.slow.works("a")
    filling.fill()
    filling.slow.advances()
    assert filling.fill() == 1
    (new,) = filling.of_now()
    assert filling.waiting == (new,)
    assert filling.pairs == [(old, new)]


def test_a_task_that_was_given_again_since_is_not_attempted_again(filling: Filling) -> None:
    filling.slow.works("a")
    filling.slow.advances()
    now = filling.slow.works("a")
    assert filling.fill() == 1
    assert filling.waiting == (now,)
    assert filling.rooms_opened == 0


def test_the_fast_loop_has_its_turn_until_it_finds_nothing(filling: Filling) -> None:
    turns: list[int] = []
    filling.settles = [lambda: bool(turns.append(1)) or True] * 3
    filling.fill()
    assert len(turns) == 3
    assert filling.settles == []


@pytest.mark.parametrize("error", [EvolverError, PolicyUnavailable, LeaseHeld])
def test_a_fast_loop_that_fails_leaves_what_it_had_to_decide_on(
    filling: Filling, error: Callable[..., Exception]
) -> None:
    def fails() -> bool:
        raise error("It does not answer.", "Wait.")

    passed = filling.slow.works("a")
    filling.slow.keeps(failed())
    filling.settles = [fails, fails]
    assert filling.fill() == 1
    assert filling.waiting == (passed,)


def test_a_skill_made_of_an_attempt_has_all_attempted_again_under_it(filling: Filling) -> None:
    filling.slow.works("a")
    filling.slow.advances()

    def evolves() -> bool:
        filling.slow.advances()
        return False

    filling.settles = [lambda: False, evolves]
    filling.replies = [WRONG, *[RIGHT] * 8]
    assert filling.fill() == 1
    assert len(filling.pairs) == 2
    assert filling.waiting == tuple(filling.of_now())


def test_a_library_that_never_settles_does_not_hold_up_the_last_round(filling: Filling) -> None:
    filling.slow.works("a")
    filling.slow.advances()

    def evolves() -> bool:
        if filling.rooms_opened == len(rounds):
            return False
        rounds.append(1)
        filling.slow.advances()
        return False

    rounds: list[int] = []
    filling.settles = [evolves] * 9
    filling.replies = [WRONG] * 9
    assert filling.fill() == 1
    assert filling.rooms_opened == collecting._ROUNDS
    assert filling.waiting == tuple(filling.of_now())


def test_where_nothing_can_be_attempted_what_is_there_is_admitted(filling: Filling) -> None:
    filling.slow.works("a")
    filling.slow.advances()
    now = filling.slow.works("b")
    made = filling.slow.collecting()
    assert collect(replace(made, rooms=lambda: nullcontext(filling.slow.rooms().__enter__()))) == 1
    assert filling.waiting == (now,)

"""The watch over a promotion in a real home."""

from dataclasses import replace

import pytest

from metaclaw_jlab.core.task import CheckResult
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.learning.adapters import force, promote, published_folder, roll_back
from metaclaw_jlab.learning.watch import WatchDecision, assign
from metaclaw_jlab.learning.watching import current_watch, look_after, version_for
from metaclaw_jlab.store.serving import Serving, ServingCause
from tests.learning.homes import CHECK, Ground, passed
from tests.learning.trained import BASE, candidate, gated

KEYS = [f"t{number}" for number in range(30)]


def promoted(ground: Ground) -> int:
    """An adapter that a gate lets serve."""
    made = gated(ground.home, ground.database)
    promote(ground.home, ground.database, made.version, "It is better.")
    return made.version


def answered(ground: Ground, adapter: int | None, well: bool, times: int = 1, base: str = BASE) -> None:
    """Tasks of the user that an adapter of a model has answered."""
    for _ in range(times):
        done = passed()
        stop = StopReason.DONE if well else StopReason.CHECK_FAILED
        ground.record(
            replace(
                done,
                stamp=replace(done.stamp, adapter=adapter, model=base),
                stop=stop,
                checks=(CheckResult(CHECK, well),),
            )
        )


def in_turn(ground: Ground, adapter: int, before: int | None, times: int = 25) -> None:
    """The adapter fails and what served before passes, one after the other."""
    for _ in range(times):
        answered(ground, adapter, well=False)
        answered(ground, before, well=True)


def test_without_a_promotion_nothing_is_watched(home_ground: Ground) -> None:
    assert current_watch(home_ground.database) is None
    assert version_for(home_ground.database) is None


def test_tasks_and_controls_are_counted(home_ground: Ground) -> None:
    version = promoted(home_ground)
    answered(home_ground, version, well=True, times=3)
    answered(home_ground, None, well=False, times=2)
    watch = current_watch(home_ground.database)
    assert watch is not None
    assert (watch.version, watch.tasks, watch.passed, watch.controls) == (version, 5, 3, 2)


def test_only_what_began_after_the_promotion_counts(home_ground: Ground) -> None:
    answered(home_ground, None, well=True, times=4)
    promoted(home_ground)
    watch = current_watch(home_ground.database)
    assert watch is not None
    assert watch.tasks == 0


def test_what_an_older_adapter_answered_is_neither_task_nor_control(home_ground: Ground) -> None:
    first, second, third = (promoted(home_ground) for _ in range(3))
    answered(home_ground, first, well=True)
    answered(home_ground, None, well=True)
    answered(home_ground, second, well=True)
    answered(home_ground, third, well=True)
    watch = current_watch(home_ground.database)
    assert watch is not None
    assert (watch.tasks, watch.controls) == (2, 1)


def test_controls_are_answered_by_what_served_before(home_ground: Ground) -> None:
    first, second = promoted(home_ground), promoted(home_ground)
    watch = current_watch(home_ground.database)
    assert watch is not None
    found = [version_for(home_ground.database, key) for key in KEYS]
    assert found == [first if assign(watch, key) else second for key in KEYS]
    assert first in found


def test_a_key_is_answered_by_the_same_version_again(home_ground: Ground) -> None:
    promoted(home_ground)
    database = home_ground.database
    assert [version_for(database, key) for key in KEYS] == [version_for(database, key) for key in KEYS]


def test_a_drop_rolls_back_by_itself_and_says_so(home_ground: Ground) -> None:
    first, second = promoted(home_ground), promoted(home_ground)
    in_turn(home_ground, second, first)
    notices: list[str] = []
    watch = look_after(home_ground.home, home_ground.database, notices.append)
    assert watch is not None
    assert watch.decision is WatchDecision.ROLL_BACK
    newest = Serving(home_ground.database).history(1)[0]
    assert (newest.version, newest.cause, newest.reason) == (first, ServingCause.WATCH, watch.sentence)
    assert f"adapter v{first} answers again" in notices[0]


def test_after_a_first_promotion_the_base_answers_again(home_ground: Ground) -> None:
    version = promoted(home_ground)
    in_turn(home_ground, version, None)
    notices: list[str] = []
    look_after(home_ground.home, home_ground.database, notices.append)
    assert Serving(home_ground.database).current() is None
    assert "the base answers again" in notices[0]


def test_a_damaged_adapter_is_not_gone_back_to(home_ground: Ground) -> None:
    first, second = promoted(home_ground), promoted(home_ground)
    (published_folder(home_ground.home, first) / "adapter_model.safetensors").write_bytes(b"")
    in_turn(home_ground, second, first)
    look_after(home_ground.home, home_ground.database, lambda _: None)
    newest = Serving(home_ground.database).history(1)[0]
    assert (newest.version, newest.cause) == (None, ServingCause.WATCH)
    assert "checksum" in newest.reason


def test_what_was_rolled_back_is_not_rolled_back_twice(home_ground: Ground) -> None:
    version = promoted(home_ground)
    in_turn(home_ground, version, None)
    for _ in range(2):
        look_after(home_ground.home, home_ground.database, lambda _: None)
    assert len(Serving(home_ground.database).history(9)) == 2
    assert current_watch(home_ground.database) is None
    assert {version_for(home_ground.database, key) for key in KEYS} == {None}


def test_an_adapter_that_does_as_well_as_before_stays(home_ground: Ground) -> None:
    version = promoted(home_ground)
    for _ in range(20):
        answered(home_ground, version, well=True)
        answered(home_ground, None, well=True)
    notices: list[str] = []
    look_after(home_ground.home, home_ground.database, notices.append)
    assert Serving(home_ground.database).current() == version
    assert notices == []


@pytest.mark.parametrize("rolled_back", [False, True])
def test_what_a_person_chose_is_not_watched(home_ground: Ground, rolled_back: bool) -> None:
    made = candidate(home_ground.home, home_ground.database)
    first = promoted(home_ground)
    if rolled_back:
        promoted(home_ground)
        roll_back(home_ground.home, home_ground.database, first, "The old one was better.")
    else:
        force(home_ground.home, home_ground.database, made.version, "I want it.")
    serves = Serving(home_ground.database).current()
    assert serves is not None
    in_turn(home_ground, serves, None)
    assert look_after(home_ground.home, home_ground.database, lambda _: None) is None
    assert Serving(home_ground.database).current() == serves


def test_a_model_is_never_asked_for_the_version_of_another(home_ground: Ground) -> None:
    version = promoted(home_ground)
    asked = {version_for(home_ground.database, key, base="another-model") for key in KEYS}
    assert asked == {None}
    of_its_own = {version_for(home_ground.database, key, base=BASE) for key in KEYS}
    assert of_its_own == {version, None}  # the base is its control


def test_what_another_model_answered_says_nothing_of_a_promotion(home_ground: Ground) -> None:
    version = promoted(home_ground)
    answered(home_ground, version, well=True, times=3)
    answered(home_ground, None, well=True, times=30, base="a-larger-model")
    watch = current_watch(home_ground.database)
    assert watch is not None
    assert (watch.tasks, watch.controls) == (3, 0)

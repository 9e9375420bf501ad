import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.task import CheckResult
from metaclaw_jlab.core.trajectory import InjectedSkill, Purpose, Stamp, StopReason, new_trajectory_id
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.uses import Effect, SkillUse, Uses
from tests.store.samples import TASK, Attack, dump, ended, opened

PASSED: dict[str, object] = {"stop": StopReason.DONE, "checks": (CheckResult(TASK.checks[0], True),)}
RAISED: dict[str, object] = {"checks": (), "score": Score(-1.0, ScoreSource.OUTCOME)}
UNCHECKED: dict[str, object] = {"stop": StopReason.DONE, "checks": (), "score": None}
ENDS: dict[str, dict[str, object]] = {
    "passed": PASSED,
    "failed": {},
    "raised": RAISED,
    "unchecked": UNCHECKED,
    "open": {},
}


@pytest.fixture
def uses(database: Database) -> Uses:
    return Uses(database)


def under(*names: str, sha256: str = "aa") -> Stamp:
    return Stamp(0, tuple(InjectedSkill(name, sha256, 1.0) for name in names), "tiny")


records = st.tuples(
    st.sampled_from(sorted(ENDS)),
    st.sets(st.sampled_from(["a", "b-c", "d1"])),
    st.sampled_from(["aa", "bb"]),
    st.sampled_from([Purpose.USER, Purpose.PROXY, Purpose.ABLATION]),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=8))
def test_uses_are_those_of_the_trajectories_there_are(
    trajectories: Trajectories,
    uses: Uses,
    drawn: list[tuple[str, set[str], str, Purpose, bool, bool]],
) -> None:
    for known in trajectories.recent(1000):
        trajectories.forget(known.id)
    counted: dict[str, dict[str, int]] = {}
    for end, names, sha256, purpose, learn, forgotten in drawn:
        id_ = new_trajectory_id()
        stamp = under(*sorted(names), sha256=sha256)
        make = opened if end == "open" else ended
        trajectories.record(make(id_, stamp=stamp, purpose=purpose, learn=learn, **ENDS[end]))
        if forgotten:
            trajectories.forget(id_)
        elif learn and purpose is not Purpose.ABLATION:
            for name in names:
                of_name = counted.setdefault(name, dict.fromkeys(ENDS, 0))
                of_name[end] += 1
    wanted = {
        name: SkillUse(sum(ends.values()), ends["passed"], ends["failed"] + ends["raised"], ends["unchecked"])
        for name, ends in counted.items()
    }
    assert uses.all() == wanted
    assert all(uses.of(name) == use for name, use in wanted.items())


def test_one_content_of_a_skill_is_told_from_another(trajectories: Trajectories, uses: Uses) -> None:
    trajectories.record(ended(stamp=under("a")))
    trajectories.record(ended(stamp=under("a", sha256="bb"), **PASSED))
    assert uses.of("a") == SkillUse(2, 1, 1)
    assert uses.of("a", "bb") == SkillUse(1, 1)
    assert uses.of("z") == SkillUse()


@pytest.mark.parametrize("name", ["a b", "", "\udc80", "A"])
def test_what_can_be_no_skill_is_recorded_but_not_counted(
    trajectories: Trajectories, uses: Uses, name: str
) -> None:
    trajectories.record(ended("t1", stamp=under(name)))
    assert trajectories.get("t1").stamp == under(name)
    assert uses.all() == {}


def test_effects_are_counted(trajectories: Trajectories, uses: Uses) -> None:
    for id_, effect in (("t1", Effect.HELPED), ("t2", Effect.HURT), ("t3", Effect.NONE)):
        trajectories.record(ended(id_, stamp=under("a", "b")))
        uses.record_effect(id_, "a", "aa", effect)
    assert uses.all() == {"a": SkillUse(3, 0, 3, 0, 1, 1), "b": SkillUse(3, 0, 3)}


def test_checked_uses_are_unverified_until_somebody_told_their_effect(
    trajectories: Trajectories, uses: Uses
) -> None:
    trajectories.begin(opened("open", stamp=under("a")))
    trajectories.record(ended("failed", stamp=under("a", "b")))
    trajectories.record(ended("unchecked", stamp=under("a"), **UNCHECKED))
    trajectories.record(ended("raised", stamp=under("a"), **RAISED))
    trajectories.record(ended("off", stamp=under("a"), learn=False))
    trajectories.record(ended("replay", stamp=under("a"), purpose=Purpose.SKILL_REPLAY))
    trajectories.record(ended("passed", stamp=under("b"), **PASSED))
    assert uses.unverified(9) == (("passed", "b", "aa"), ("failed", "a", "aa"), ("failed", "b", "aa"))
    assert uses.unverified(1) == (("passed", "b", "aa"),)
    uses.record_effect("passed", "b", "aa", Effect.NONE)
    uses.record_effect("failed", "a", "aa", Effect.HURT)
    assert uses.unverified(9) == (("failed", "b", "aa"),)


def test_an_effect_is_told_once(trajectories: Trajectories, uses: Uses) -> None:
    trajectories.record(ended("t1", stamp=under("a")))
    uses.record_effect("t1", "a", "aa", Effect.HELPED)
    with pytest.raises(InvariantViolation, match="once"):
        uses.record_effect("t1", "a", "aa", Effect.HURT)
    assert uses.of("a").helped == 1


@pytest.mark.parametrize("use", [("t9", "a", "aa"), ("t1", "b", "aa"), ("t1", "a", "bb"), ("off", "a", "aa")])
def test_an_effect_is_of_a_use(trajectories: Trajectories, uses: Uses, use: tuple[str, str, str]) -> None:
    trajectories.record(ended("t1", stamp=under("a")))
    trajectories.record(ended("off", stamp=under("a"), learn=False))
    with pytest.raises(NotFound, match=use[0]):
        uses.record_effect(*use, Effect.HELPED)


def test_the_effect_of_what_nothing_checked_is_not_told(trajectories: Trajectories, uses: Uses) -> None:
    trajectories.record(ended("t1", stamp=under("a"), **UNCHECKED))
    with pytest.raises(InvariantViolation, match="checked task"):
        uses.record_effect("t1", "a", "aa", Effect.HELPED)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE uses SET effect = 'hurt'",
        "UPDATE uses SET effect = NULL",
        "UPDATE uses SET outcome = 'passed'",
        "UPDATE uses SET outcome = NULL",
        "UPDATE uses SET name = 'b'",
        "UPDATE uses SET number = 2",
        "DELETE FROM uses",
        "INSERT OR REPLACE INTO uses (name, sha256, number) VALUES ('a', 'aa', 1)",
        "INSERT INTO uses (name, sha256, number) VALUES ('b', 'aa', 1)",
        "INSERT INTO uses (name, sha256, number) VALUES ('a', 'aa', 2)",
        "INSERT INTO uses (name, sha256, number) VALUES ('a', 'aa', 9)",
    ],
)
def test_uses_are_what_the_trajectories_say(
    database: Database, trajectories: Trajectories, uses: Uses, attack: Attack, statement: str
) -> None:
    trajectories.record(ended("t1", stamp=under("a")))
    trajectories.record(ended("t2", stamp=under("a"), learn=False))
    uses.record_effect("t1", "a", "aa", Effect.HELPED)
    before = dump(database, "uses")
    attack(statement)
    assert dump(database, "uses") == before

"""Which failures wait, told by the store and by a model of it in a few lines."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.task import CheckResult, Origin, Task
from metaclaw_jlab.core.trajectory import Purpose, Role, Stamp, StopReason, new_trajectory_id
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.support import LATE_AT_ONCE, PASSED_SINCE, Decision, Settlement, Support
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import TASK, Attack, begun, dump, ended, opened, queried, skill

PASSED = CheckResult(TASK.checks[0], True)
FAILED = CheckResult(TASK.checks[0], False, "There is no out.csv.")
ENDS: dict[str, dict[str, object]] = {
    "passed": {"stop": StopReason.DONE, "checks": (PASSED,), "score": Score(1.0, ScoreSource.OUTCOME)},
    "failed": {"checks": (PASSED, FAILED), "score": Score(0.0, ScoreSource.OUTCOME)},
    "raised": {"stop": StopReason.OUT_OF_STEPS, "checks": (), "score": Score(-1.0, ScoreSource.OUTCOME)},
    "unchecked": {"stop": StopReason.DONE, "checks": (), "score": Unscored("nothing checks it")},
    "lost": {"stop": StopReason.POLICY_FAILED, "checks": (), "score": None},
}


@pytest.fixture
def support(database: Database) -> Support:
    return Support(database, clock=lambda: 2.5)


@pytest.fixture
def feedbacks(database: Database) -> Feedbacks:
    return Feedbacks(database)


@dataclass
class Modelled:
    """What is known of a trajectory, and whether it should wait."""

    end: str
    teaches: bool
    heard: list[FeedbackKind] = field(default_factory=list)
    settled_at: int | None = None
    support: bool = False

    def waits(self) -> bool:
        if not self.teaches or self.support or self.settled_at == len(self.heard):
            return False
        if self.heard:
            return self.heard[-1] is not FeedbackKind.GOOD
        return self.end in {"failed", "raised"}


events = st.lists(st.sampled_from(FeedbackKind) | st.sampled_from(["settle", "evolve"]), max_size=6)
lives = st.tuples(
    st.sampled_from(sorted(ENDS)),
    st.booleans(),
    st.sampled_from([Purpose.USER, Purpose.RETRY, Purpose.PROXY, Purpose.BENCHMARK]),
    st.lists(st.sampled_from(FeedbackKind), max_size=2),
    events,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lives, min_size=1, max_size=4))
def test_what_failed_waits_until_it_is_decided_on(
    trajectories: Trajectories,
    feedbacks: Feedbacks,
    support: Support,
    skills: Skills,
    drawn: list[tuple[str, bool, Purpose, list[FeedbackKind], list[FeedbackKind | str]]],
) -> None:
    models: dict[str, Modelled] = {}
    for end, learn, purpose, before, _ in drawn:
        id_ = new_trajectory_id()
        stamp = Stamp(skills.current_generation().number, (), "m")
        begun = opened(id_, task=Task(id_), stamp=stamp, learn=learn, purpose=purpose)
        trajectories.begin(begun)
        model = models[id_] = Modelled(end, learn and purpose is not Purpose.BENCHMARK)
        for kind in before:
            feedbacks.add(Feedback(id_, kind))
            model.heard.append(kind)
        assert id_ not in support.pending(1000)
        values = ENDS[end]
        trajectories.close(
            id_,
            values.get("stop", StopReason.CHECK_FAILED),  # type: ignore[arg-type]
            checks=values["checks"],  # type: ignore[arg-type]
            score=values["score"],  # type: ignore[arg-type]
        )
    for (id_, model), (*_, after) in zip(models.items(), drawn, strict=True):
        for what in after:
            if isinstance(what, FeedbackKind):
                feedbacks.add(Feedback(id_, what))
                model.heard.append(what)
            elif not model.teaches or model.support:
                with pytest.raises(InvariantViolation):
                    support.settle(id_, Decision.KEPT, "no")
            elif what == "settle":
                support.settle(id_, Decision.EXPLAINED, "a skill says so")
                model.settled_at = len(model.heard)
            else:
                skills.commit_generation(Cause.EVOLVER, [skill("a", id_)], [id_])
                model.support = True
            waiting = [other for other in models if models[other].waits()]
            assert [other for other in support.pending(1000) if other in models] == waiting
            assert [other for other in models if support.waits(other)] == waiting


def test_the_oldest_come_first_and_no_more_than_asked(trajectories: Trajectories, support: Support) -> None:
    for id_ in ("t3", "t1", "t2"):
        trajectories.record(ended(id_))
    assert support.pending(2) == ("t3", "t1")


def test_a_failure_is_named_by_the_users_last_word(
    trajectories: Trajectories, feedbacks: Feedbacks, support: Support
) -> None:
    trajectories.record(ended("t1"))
    assert not support.named()
    feedbacks.add(Feedback("t1", FeedbackKind.BAD, "No units."))
    assert support.named()
    feedbacks.withdraw("t1")
    assert not support.named()
    assert support.pending(9) == ("t1",)


def test_a_score_that_changes_later_is_no_failure(trajectories: Trajectories, support: Support) -> None:
    trajectories.record(ended("t1", **ENDS["unchecked"]))
    trajectories.score("t1", Score(-1.0, ScoreSource.OUTCOME))
    assert support.pending(9) == ()


def test_what_was_drained_does_not_wait(database: Database, support: Support) -> None:
    queried(database, ended("t1"))
    assert support.pending(9) == ("t1",)
    Query(database).drain(["t1"], begun(database).number)
    assert support.pending(9) == ()


def passes(trajectories: Trajectories, id_: str, **changes: object) -> None:
    trajectories.record(ended(id_, **ENDS["passed"], **changes))


def test_a_late_failure_whose_task_passed_since_is_kept_with_the_reason(
    trajectories: Trajectories, skills: Skills, support: Support
) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.USER, [skill("a")])
    passes(trajectories, "t2", stamp=Stamp(1, (), "tiny"))
    assert not support.waits("t1")
    assert support.pending(9) == ()
    assert support.settlement("t1") == Settlement("t1", Decision.KEPT, PASSED_SINCE, 2.5)
    assert trajectories.get("t1").role is Role.NEITHER


def test_a_failure_of_the_current_generation_waits_though_its_task_passed_since(
    trajectories: Trajectories, skills: Skills, support: Support
) -> None:
    trajectories.record(ended("t1"))
    passes(trajectories, "t2")
    assert support.pending(9) == ("t1",)
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    assert support.pending(9) == ()


def test_another_task_that_passed_settles_nothing(
    trajectories: Trajectories, skills: Skills, support: Support
) -> None:
    trajectories.record(ended("t1"))
    skills.commit_generation(Cause.USER, [skill("a")])
    elsewhere = Task(TASK.text, checks=TASK.checks, origin=Origin("b.ipynb", "c1"))
    passes(trajectories, "t2", task=elsewhere, stamp=Stamp(1, (), "tiny"))
    assert support.pending(9) == ("t1",)


def test_many_late_failures_are_never_told_and_settled_bit_by_bit(
    database: Database, trajectories: Trajectories, skills: Skills, support: Support
) -> None:
    for number in range(LATE_AT_ONCE + 1):
        trajectories.record(ended(f"t{number}"))
    skills.commit_generation(Cause.USER, [skill("a")])
    passes(trajectories, "p", stamp=Stamp(1, (), "tiny"))
    trajectories.record(ended("new", stamp=Stamp(1, (), "tiny")))
    assert support.pending(9) == ("new",)
    assert len(dump(database, "settlements")) == LATE_AT_ONCE
    assert support.pending(9) == ("new",)
    assert len(dump(database, "settlements")) == LATE_AT_ONCE + 1


def test_a_store_that_cannot_be_written_still_tells_what_waits(
    database: Database, trajectories: Trajectories, skills: Skills
) -> None:
    trajectories.record(ended("t1"))
    trajectories.record(ended("t2", task=Task("Other")))
    skills.commit_generation(Cause.USER, [skill("a")])
    passes(trajectories, "t3", stamp=Stamp(1, (), "tiny"))
    reader = open_database(database.path)
    reader.writable = False
    assert Support(reader).pending(9) == ("t2",)
    reader.close()


def test_a_decision_that_did_not_know_the_latest_feedback_is_not_written(
    trajectories: Trajectories, feedbacks: Feedbacks, support: Support
) -> None:
    trajectories.record(ended("t1"))
    heard = len(feedbacks.of("t1"))
    feedbacks.add(Feedback("t1", FeedbackKind.BAD, "Not so."))
    assert not support.settle("t1", Decision.KEPT, "no", heard=heard)
    assert support.pending(9) == ("t1",)
    assert support.settle("t1", Decision.KEPT, "no", heard=heard + 1)
    assert support.pending(9) == ()


def test_a_decision_may_be_made_again(trajectories: Trajectories, support: Support) -> None:
    trajectories.record(ended("t1"))
    assert support.settlement("t1") is None
    support.settle("t1", Decision.KEPT, "no")
    support.settle("t1", Decision.EXPLAINED, "Skill \udc80 says so.")
    assert support.settlement("t1") == Settlement("t1", Decision.EXPLAINED, "Skill \udc80 says so.", 2.5)


def test_evolved_is_said_by_the_generation_only(
    trajectories: Trajectories, skills: Skills, support: Support
) -> None:
    trajectories.record(ended("t1"))
    with pytest.raises(InvariantViolation, match="commit_generation"):
        support.settle("t1", Decision.EVOLVED, "it did")
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    assert support.settlement("t1") == Settlement("t1", Decision.EVOLVED, "It evolved generation 1.", 1.5)
    with pytest.raises(InvariantViolation):
        support.settle("t1", Decision.KEPT, "no")


def test_what_was_kept_may_evolve_after_all(
    trajectories: Trajectories, skills: Skills, support: Support
) -> None:
    trajectories.record(ended("t1"))
    support.settle("t1", Decision.KEPT, "no")
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t1"])
    settlement = support.settlement("t1")
    assert settlement is not None
    assert settlement.decision is Decision.EVOLVED


def test_only_what_has_ended_is_decided_on(trajectories: Trajectories, support: Support) -> None:
    trajectories.begin(opened("t1"))
    with pytest.raises(InvariantViolation, match="has ended"):
        support.settle("t1", Decision.KEPT, "no")
    with pytest.raises(NotFound, match="t9"):
        support.settle("t9", Decision.KEPT, "no")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO settlements VALUES ('t1', 'evolved', '', 0, 0)",
        "INSERT OR REPLACE INTO settlements VALUES ('t2', 'kept', '', 0, 0)",
        "INSERT OR REPLACE INTO settlements VALUES ('t3', 'explained', 'other', 0, 0)",
        "INSERT INTO settlements VALUES ('t1', 'kept', '', 1, 0)",
        "INSERT INTO settlements VALUES ('t1', 'no idea', '', 0, 0)",
        "INSERT INTO settlements VALUES ('t9', 'kept', '', 0, 0)",
        "UPDATE settlements SET decision = 'evolved' WHERE trajectory = 't3'",
        "UPDATE settlements SET decision = 'kept' WHERE trajectory = 't2'",
        "UPDATE settlements SET reason = 'x' WHERE trajectory = 't2'",
        "UPDATE settlements SET trajectory = 't1' WHERE trajectory = 't3'",
        "UPDATE settlements SET heard = 7",
        "DELETE FROM settlements",
        "UPDATE trajectories SET unsettled = 0 WHERE id = 't1'",
        "UPDATE trajectories SET unsettled = 1 WHERE id = 't2'",
        "UPDATE trajectories SET unsettled = 1 WHERE id = 'off'",
        "UPDATE trajectories SET unsettled = 1 WHERE id = 'open'",
        "UPDATE trajectories SET unsettled = 2 WHERE id = 't3'",
    ],
)
def test_what_was_decided_stays(
    database: Database,
    trajectories: Trajectories,
    skills: Skills,
    support: Support,
    attack: Attack,
    statement: str,
) -> None:
    for id_ in ("t1", "t2", "t3"):
        trajectories.record(ended(id_))
    trajectories.record(ended("off", learn=False))
    trajectories.begin(opened("open"))
    skills.commit_generation(Cause.EVOLVER, [skill("a")], ["t2"])
    support.settle("t3", Decision.KEPT, "no")
    before = dump(database, "settlements"), support.pending(9)
    attack(statement)
    assert (dump(database, "settlements"), support.pending(9)) == before

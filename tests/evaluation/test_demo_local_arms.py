"""Arms measured task by task, and what is kept of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import PolicyUnavailable, TaskFailed
from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.demo_local_arms import MOST_FAILURES, MeasuredArm, Stop, measure_together
from metaclaw_jlab.evaluation.demo_local_attempts import AttemptsKept
from metaclaw_jlab.evaluation.demo_local_folder import Lines
from metaclaw_jlab.evaluation.practice_arms import Household, draw_households, no_skills, rule_of_given
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask
from tests.evaluation.obeying import ObeyingPolicy

TASKS = 4


@dataclass
class FailingPolicy:
    """Never answers; stops the test where it is asked too often."""

    model: str = "failing"
    asked: int = 0

    def complete(self, *_: object, **__: object) -> Completion:
        self.asked += 1
        raise PolicyUnavailable("Nothing answers.")


@dataclass
class WatchedPolicy:
    """Tells what is asked before it answers."""

    policy: Policy
    on_ask: Callable[[str], None]
    model: str = "watched"
    asked: list[str] = field(default_factory=list)

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self.asked.append(messages[1].content)
        self.on_ask(messages[1].content)
        return self.policy.complete(messages, sampling, on_text=on_text)


@pytest.fixture(scope="module")
def household() -> Household:
    (found,) = draw_households(4, TASKS, houses=1, names="natural")
    return found


def given(household: Household) -> Callable[[PracticeTask], tuple[Match, ...]]:
    return lambda task: tuple(Match(skill, 1.0) for skill in household.skills if skill.name == task.rules[0])


def arms_of(policy: Policy, household: Household, pool: SandboxPool) -> list[MeasuredArm]:
    conditions = Conditions(policy=policy, pool=pool, sampling=Sampling())
    return [
        MeasuredArm("baseline", no_skills, rule_of_given, conditions),
        MeasuredArm("given", given(household), rule_of_given, conditions),
    ]


def kept_in(path: Path, household: Household) -> AttemptsKept:
    return AttemptsKept(Lines(path / "attempts.jsonl"), household.tasks)


def test_every_arm_does_a_task_before_the_next_one(
    household: Household, arm_pool: SandboxPool, tmp_path: Path
) -> None:
    single = [task for task in household.tasks if not task.compound]
    policy = ObeyingPolicy(household.tasks)
    found = measure_together(
        single, arms_of(policy, household, arm_pool), kept_in(tmp_path, household), concurrency=1
    )
    assert policy.asked == [task.text for task in single for _ in range(2)]
    assert [one.task for one in found["given"]] == single
    assert all(one.verdict.strict for one in found["given"])
    assert found["given"][0].stated == frozenset({single[0].rules[0]})


def test_a_prompt_that_two_arms_share_is_asked_once(
    household: Household, arm_pool: SandboxPool, tmp_path: Path
) -> None:
    single = [task for task in household.tasks if not task.compound]
    policy = ObeyingPolicy(household.tasks)
    baseline, _ = arms_of(policy, household, arm_pool)
    arms = [baseline, replace(baseline, name="skills"), replace(baseline, name="full", version=2)]
    found = measure_together(single, arms, kept_in(tmp_path, household), concurrency=1)
    assert len(policy.asked) == 2 * len(single)
    assert [one.arm for one in found["skills"]] == ["skills"] * len(single)
    assert [one.verdict for one in found["skills"]] == [one.verdict for one in found["baseline"]]


def test_what_is_kept_is_not_asked_again_and_is_equal(
    household: Household, arm_pool: SandboxPool, tmp_path: Path
) -> None:
    policy = ObeyingPolicy(household.tasks)
    arms = arms_of(policy, household, arm_pool)
    first = measure_together(household.tasks, arms, kept_in(tmp_path, household), concurrency=2)
    asked = len(policy.asked)
    again = measure_together(household.tasks, arms, kept_in(tmp_path, household), concurrency=2)
    assert len(policy.asked) == asked
    assert [replace(one, seconds=0) for one in again["given"]] == [
        replace(one, seconds=0) for one in first["given"]
    ]


def test_without_time_for_all_there_are_pairs_of_what_was_done(
    household: Household, arm_pool: SandboxPool, tmp_path: Path
) -> None:
    begun: list[None] = []

    def goes_on() -> bool:
        begun.append(None)
        return len(begun) <= 2

    done: list[None] = []
    found = measure_together(
        household.tasks,
        arms_of(ObeyingPolicy(household.tasks), household, arm_pool),
        kept_in(tmp_path, household),
        concurrency=1,
        goes_on=goes_on,
        on_done=lambda: done.append(None),
    )
    assert [one.task for one in found["baseline"]] == list(household.tasks[:2])
    assert [one.task for one in found["given"]] == list(household.tasks[:2])
    assert len(done) == 4


def test_a_policy_that_fails_again_and_again_is_given_up(arm_pool: SandboxPool, tmp_path: Path) -> None:
    (household,) = draw_households(4, 3 * MOST_FAILURES, houses=1, names="natural")
    policy = FailingPolicy()
    with pytest.raises(TaskFailed, match="Nothing answers"):
        measure_together(
            household.tasks,
            arms_of(policy, household, arm_pool)[:1],
            kept_in(tmp_path, household),
            concurrency=1,
        )
    assert MOST_FAILURES <= policy.asked < 3 * MOST_FAILURES


def test_an_attempt_in_which_the_policy_failed_is_made_again(
    household: Household, arm_pool: SandboxPool, tmp_path: Path
) -> None:
    task = household.tasks[:1]
    failed = measure_together(
        task,
        arms_of(FailingPolicy(), household, arm_pool)[:1],
        kept_in(tmp_path, household),
        concurrency=1,
    )
    assert failed["baseline"][0].failure == "Nothing answers."
    policy = ObeyingPolicy(household.tasks)
    again = measure_together(
        task, arms_of(policy, household, arm_pool)[:1], kept_in(tmp_path, household), concurrency=1
    )
    assert again["baseline"][0].failure is None


def test_a_request_under_way_ends_when_somebody_wants_to_stop(
    household: Household, arm_pool: SandboxPool, tmp_path: Path
) -> None:
    stop = Stop()
    policy = WatchedPolicy(ObeyingPolicy(household.tasks), lambda _: stop.event.set())
    guarded = stop.guarded(policy)
    asked = (Message("system", ""), Message("user", household.tasks[0].text))
    guarded.complete(asked, Sampling())
    with pytest.raises(KeyboardInterrupt):
        guarded.complete(asked, Sampling())
    assert len(policy.asked) == 1
    with pytest.raises(KeyboardInterrupt):
        measure_together(
            household.tasks,
            arms_of(guarded, household, arm_pool),
            kept_in(tmp_path, household),
            concurrency=2,
        )
    assert len(kept_in(tmp_path, household)) == 0


def test_half_a_line_is_cut_off_and_what_was_written_before_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "attempts.jsonl"
    lines = Lines(path)
    lines.append({"a": 1})
    with path.open("ab") as file:
        file.write(b'{"b": ')
    assert Lines(path).read() == [{"a": 1}]
    lines.append({"c": 2})
    assert Lines(path).read() == [{"a": 1}, {"c": 2}]


def test_lines_from_many_threads_are_whole(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "attempts.jsonl")
    threads = [threading.Thread(target=lambda n=n: lines.append({"n": n})) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(record["n"] for record in lines.read()) == list(range(20))


def test_a_line_that_is_no_attempt_is_left_out(household: Household, tmp_path: Path) -> None:
    lines = Lines(tmp_path / "attempts.jsonl")
    for record in ({"arm": "baseline"}, {"stream": "x", "verdict": {}}, {"verdict": 3}):
        lines.append(record)
    assert len(kept_in(tmp_path, household)) == 0


def test_a_skill_of_another_name_is_another_arms_own(
    household: Household, arm_pool: SandboxPool, tmp_path: Path
) -> None:
    task = household.tasks[0]
    said = household.skills[0]
    twin = Skill("another-name", said.description, said.body)
    conditions = Conditions(policy=ObeyingPolicy(household.tasks), pool=arm_pool, sampling=Sampling())
    arms = [
        MeasuredArm(name, lambda _, skill=skill: (Match(skill, 1.0),), rule_of_given, conditions)  # type: ignore[misc]
        for name, skill in (("given", said), ("skills", twin))
    ]
    found = measure_together([task], arms, kept_in(tmp_path, household), concurrency=1)
    assert found["given"][0].skills == (said.name,)
    assert found["skills"][0].skills == ("another-name",)

"""A stream: attempted in order in a home of its own, learnt from by the inner loop as it is; and the arms after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from metaclaw_jlab.agent.rooms import practice_start
from metaclaw_jlab.core.policy import Sampling
from metaclaw_jlab.core.trajectory import Purpose, Role, Trajectory
from metaclaw_jlab.evaluation.learning_report import learnt_report
from metaclaw_jlab.evaluation.learnt_arms import Arm, Learnt, draw_arms, learnt_of
from metaclaw_jlab.evaluation.practice_arms import draw_households
from metaclaw_jlab.evaluation.practice_attempt import Conditions, attempt
from metaclaw_jlab.evaluation.practice_replays import PracticeReplayer
from metaclaw_jlab.evaluation.practice_stream import Stream, draw_stream, run_stream
from metaclaw_jlab.evaluation.stream_learning import learn_from
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import rule_skill
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.support import Decision
from tests.evaluation.obeying import ObeyingPolicy

LENGTH, ROUND = 12, 4


@dataclass
class Run:
    """A stream that was run, and what was seen on the way."""

    stream: Stream
    rounds: list[int]
    generations: list[int]
    trajectories: list[Trajectory]

    def arms(self) -> dict[str, Arm]:
        settings = self.stream.workspace.settings().skills
        return {arm.name: arm for arm in draw_arms(learnt_of(self.stream), settings, 1)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, arm_pool: SandboxPool) -> Iterator[Run]:
    (household,) = draw_households(5, 8, houses=1)
    stream = draw_stream(household, tmp_path_factory.mktemp("house") / "home", seed=5, length=LENGTH)
    conditions = Conditions(policy=ObeyingPolicy(stream.tasks), pool=arm_pool, sampling=Sampling())
    rounds: list[int] = []
    generations: list[int] = []

    def learn() -> None:
        learn_from(stream, PracticeReplayer(stream.attempted, conditions))

    def on_round(number: int) -> None:
        rounds.append(number)
        generations.append(stream.generation())

    run_stream(stream, conditions, learn, round_size=ROUND, on_round=on_round)
    recorded = list(reversed(stream.workspace.trajectories().recent(100)))
    yield Run(stream, rounds, generations, recorded)
    stream.workspace.close()


@pytest.fixture(scope="module")
def learnt(run: Run) -> Learnt:
    return learnt_of(run.stream)


def test_the_tasks_are_of_the_train_split_and_of_the_house(run: Run) -> None:
    options = run.stream.household.house.options
    assert {task.split for task in run.stream.tasks} == {"train"}
    assert all({rule: options[rule] for rule in task.rules} == task.options for task in run.stream.tasks)
    assert sum(task.compound for task in run.stream.tasks) == LENGTH / 2


def test_equal_seeds_draw_equal_streams_and_others_others(run: Run, tmp_path: Path) -> None:
    for seed in (5, 6):
        again = draw_stream(run.stream.household, tmp_path / str(seed), seed=seed, length=LENGTH)
        with closing(again.workspace):
            assert (again.tasks == run.stream.tasks) == (seed == 5)


def test_every_task_is_attempted_once_as_the_users_in_the_houses_notebook(run: Run) -> None:
    found = run.trajectories
    assert sorted(one.task.name or "" for one in found) == sorted(task.id for task in run.stream.tasks)
    assert {trajectory.purpose for trajectory in found} == {Purpose.USER}
    assert {trajectory.task.origin.notebook for trajectory in found} == {run.stream.name}
    assert {trajectory.id for trajectory in found} == set(run.stream.attempted)


def test_every_attempt_has_a_cell_of_its_own_and_can_be_started_again(run: Run) -> None:
    starts = StartStates(run.stream.workspace.database())
    assert len({trajectory.task.identity for trajectory in run.trajectories}) == LENGTH
    for trajectory in run.trajectories:
        assert trajectory.task.origin.cell_id == trajectory.task.name
        assert starts.get(trajectory.id) == practice_start(run.stream.attempted[trajectory.id])


def test_rounds_end_with_what_the_stream_has_had(run: Run) -> None:
    assert run.rounds == [4, 8, 12]


def test_a_round_is_attempted_under_the_generation_that_the_one_before_left(run: Run) -> None:
    stamps = [trajectory.stamp.skill_generation for trajectory in run.trajectories]
    assert stamps == [*[0] * ROUND, *[run.generations[0]] * ROUND, *[run.generations[1]] * ROUND]
    assert run.generations[0] >= 1


def test_skills_that_were_learnt_are_in_the_prompts_after_it(run: Run) -> None:
    assert not any(t.stamp.skills for t in run.trajectories if t.stamp.skill_generation == 0)
    assert any(t.stamp.skills for t in run.trajectories)


def test_what_evolved_a_skill_is_support_and_what_passed_is_query(run: Run) -> None:
    for trajectory in run.trajectories:
        passed = all(result.passed for result in trajectory.checks)
        if trajectory.role is Role.SUPPORT:
            assert not passed
        if passed:
            assert trajectory.role is Role.QUERY
    assert {Role.SUPPORT, Role.QUERY} <= {trajectory.role for trajectory in run.trajectories}


def test_every_failure_is_settled(run: Run) -> None:
    failed = [t for t in run.trajectories if not all(result.passed for result in t.checks)]
    assert sum(run.stream.decisions().values()) == len(failed)
    assert run.stream.decisions()[Decision.EVOLVED] == sum(t.role is Role.SUPPORT for t in failed)


def test_the_rule_of_a_learnt_skill_is_one_that_applied(learnt: Learnt) -> None:
    applying = {rule for task in learnt.stream.tasks for rule in task.rules}
    assert learnt.rules
    assert set(learnt.rules.values()) <= applying


def test_the_report_counts_what_the_store_holds(run: Run, learnt: Learnt) -> None:
    report = learnt_report(learnt)
    roles = [trajectory.role for trajectory in run.trajectories]
    assert (report["query"], report["support"]) == (roles.count(Role.QUERY), roles.count(Role.SUPPORT))
    assert report["stream_attempted"] == LENGTH
    assert report["skills"] == len(learnt.skills)


def test_the_placebo_has_skills_of_another_house_that_this_one_does_not_want(
    run: Run, learnt: Learnt
) -> None:
    arms, own = run.arms(), set(learnt.house.options.items())
    told = [arms["placebo"].skills_of(task) for task in run.stream.household.tasks]
    for task, placebo in zip(run.stream.household.tasks, told, strict=True):
        assert len(placebo) == len(arms["skills"].skills_of(task))
        assert len({match.skill.name for match in placebo}) == len(placebo)
    wanted = {rule_skill(rule, option, Random(n)).body for rule, option in own for n in range(200)}
    assert not wanted & {match.skill.body for placebo in told for match in placebo}


def test_with_the_adapter_the_skills_are_those_of_the_arm_without(run: Run) -> None:
    arms = run.arms()
    for name, without in (("full", "skills"), ("adapter", "baseline")):
        assert arms[name].unadapted == without
        for task in run.stream.household.tasks:
            assert arms[name].skills_of(task) == arms[without].skills_of(task)


@pytest.mark.parametrize("arm", ["skills_oracle", "given_oracle", "held_out_oracle"])
def test_an_oracle_states_applying_rules_alone(arm: str, run: Run) -> None:
    chosen = run.arms()[arm]
    for task in run.stream.household.tasks:
        rules = [chosen.rule_of(match.skill) for match in chosen.skills_of(task)]
        assert set(rules) <= set(task.rules)
        assert len(rules) == len(set(rules)) <= 3


def test_held_out_phrasings_say_the_rules_otherwise(run: Run) -> None:
    arms, tasks = run.arms(), run.stream.household.tasks
    given = [{m.skill.body for m in arms["given_oracle"].skills_of(task)} for task in tasks]
    held_out = [{m.skill.body for m in arms["held_out_oracle"].skills_of(task)} for task in tasks]
    assert all(a.isdisjoint(b) for a, b in zip(given, held_out, strict=True))


def test_a_stream_goes_on_where_its_process_was_stopped(
    run: Run, tmp_path: Path, arm_pool: SandboxPool
) -> None:
    def opened() -> Stream:
        stream = draw_stream(run.stream.household, tmp_path / "home", seed=5, length=LENGTH)
        stream.restore()
        return stream

    def played(stream: Stream, policy: ObeyingPolicy, begin: int = 0, rounds: int = 9) -> None:
        conditions = Conditions(policy=policy, pool=arm_pool, sampling=Sampling())
        asked = iter(range(rounds))
        run_stream(
            stream,
            conditions,
            lambda: learn_from(stream, PracticeReplayer(stream.attempted, conditions)),
            round_size=ROUND,
            begin=begin,
            goes_on=lambda: next(asked, None) is not None,
        )
        stream.workspace.close()

    played(opened(), ObeyingPolicy(run.stream.tasks), rounds=1)
    again, policy = opened(), ObeyingPolicy(run.stream.tasks)
    assert (len(again.attempted), again.generation() >= 1) == (ROUND, True)
    played(again, policy, begin=ROUND)
    assert not {task.text for task in run.stream.tasks[:ROUND]} & set(policy.asked[:1])
    last = opened()
    with closing(last.workspace):
        assert len(last.attempted) == LENGTH
        assert last.passed == run.stream.passed
        assert [skill.body for skill in last.library()] == [skill.body for skill in run.stream.library()]


def test_a_round_that_was_stopped_takes_the_attempts_that_are_there(
    run: Run, tmp_path: Path, arm_pool: SandboxPool
) -> None:
    conditions = Conditions(policy=ObeyingPolicy(run.stream.tasks), pool=arm_pool, sampling=Sampling())
    stream = draw_stream(run.stream.household, tmp_path / "home", seed=5, length=ROUND)
    own = replace(conditions, purpose=Purpose.USER, notebook=stream.name)
    kept = {task.id: attempt(task, (), own) for task in stream.tasks}
    for _ in range(2):
        run_stream(
            stream, conditions, lambda: None, round_size=ROUND, attempting=lambda task, *_: kept[task.id]
        )
    with closing(stream.workspace):
        assert len(stream.workspace.trajectories().recent(100)) == len(stream.attempted) == ROUND
        assert stream.passed == sum(done.verdict.strict for done in kept.values())

"""A stream: attempted in order in a home of its own, learnt from by the inner loop as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from metaclaw_jlab.core.policy import Sampling
from metaclaw_jlab.core.trajectory import Purpose, Role, Trajectory
from metaclaw_jlab.evaluation.learning_report import learnt_report
from metaclaw_jlab.evaluation.learnt_arms import Arm, Learnt, draw_arms, learnt_of
from metaclaw_jlab.evaluation.practice_arms import Household, draw_households
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.evaluation.practice_replays import PracticeReplayer
from metaclaw_jlab.evaluation.practice_stream import Stream, draw_streams, run_streams
from metaclaw_jlab.evaluation.stream_learning import learn_from
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.store.support import Decision
from tests.evaluation.obeying import ObeyingPolicy

LENGTH, ROUND = 8, 4


@dataclass
class Run:
    """Two streams that were run, and what was seen on the way."""

    streams: tuple[Stream, ...]
    rounds: list[int]
    generations: list[list[int]]
    trajectories: dict[str, list[Trajectory]]

    def arms(self) -> dict[str, Arm]:
        learnt = [learnt_of(stream) for stream in self.streams]
        settings = self.streams[0].workspace.settings().skills
        return {arm.name: arm for arm in draw_arms(learnt, settings, 1)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, arm_pool: SandboxPool) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("houses")
    households = draw_households(5, 12, houses=2)
    streams = draw_streams(households, folder, seed=5, length=LENGTH)
    policy = ObeyingPolicy([task for stream in streams for task in stream.tasks])
    conditions = Conditions(policy=policy, pool=arm_pool, sampling=Sampling())
    rounds: list[int] = []
    generations: list[list[int]] = []

    def learn(stream: Stream) -> None:
        learn_from(stream, PracticeReplayer(stream.attempted, conditions))

    def on_round(number: int) -> None:
        rounds.append(number)
        generations.append([stream.generation() for stream in streams])

    run_streams(streams, conditions, learn, round_size=ROUND, on_round=on_round)
    recorded = {
        stream.name: list(reversed(stream.workspace.trajectories().recent(100))) for stream in streams
    }
    yield Run(streams, rounds, generations, recorded)
    for stream in streams:
        stream.workspace.close()


@pytest.fixture(scope="module")
def learnt(run: Run) -> list[Learnt]:
    return [learnt_of(stream) for stream in run.streams]


def all_of(run: Run) -> list[Trajectory]:
    return [trajectory for found in run.trajectories.values() for trajectory in found]


def test_the_tasks_are_of_the_train_split_and_of_the_house(run: Run) -> None:
    for stream in run.streams:
        options = stream.household.house.options
        assert {task.split for task in stream.tasks} == {"train"}
        assert all({rule: options[rule] for rule in task.rules} == task.options for task in stream.tasks)
        assert sum(task.compound for task in stream.tasks) == LENGTH / 2


def test_equal_seeds_draw_equal_streams_and_others_others(run: Run, tmp_path: Path) -> None:
    households: Sequence[Household] = [stream.household for stream in run.streams]
    for seed in (5, 6):
        again = draw_streams(households, tmp_path / str(seed), seed=seed, length=LENGTH)
        for stream in again:
            with closing(stream.workspace):
                assert (stream.tasks in [one.tasks for one in run.streams]) == (seed == 5)


def test_every_task_is_attempted_once_as_the_users_in_the_houses_notebook(run: Run) -> None:
    for stream in run.streams:
        found = run.trajectories[stream.name]
        assert sorted(trajectory.task.name or "" for trajectory in found) == sorted(
            task.id for task in stream.tasks
        )
        assert {trajectory.purpose for trajectory in found} == {Purpose.USER}
        assert {trajectory.task.origin.notebook for trajectory in found} == {stream.name}
        assert {trajectory.id for trajectory in found} == set(stream.attempted)


def test_rounds_end_with_what_each_stream_has_had(run: Run) -> None:
    assert run.rounds == [4, 8]


def test_a_round_is_attempted_under_the_generation_that_the_one_before_left(run: Run) -> None:
    for number, stream in enumerate(run.streams):
        stamps = [trajectory.stamp.skill_generation for trajectory in run.trajectories[stream.name]]
        assert stamps == [0] * ROUND + [run.generations[0][number]] * ROUND
        assert run.generations[0][number] >= 1


def test_skills_that_were_learnt_are_in_the_prompts_after_it(run: Run) -> None:
    assert not any(t.stamp.skills for t in all_of(run) if t.stamp.skill_generation == 0)
    assert any(t.stamp.skills for t in all_of(run))


def test_what_evolved_a_skill_is_support_and_what_passed_is_query(run: Run) -> None:
    for trajectory in all_of(run):
        passed = all(result.passed for result in trajectory.checks)
        if trajectory.role is Role.SUPPORT:
            assert not passed
        if passed:
            assert trajectory.role is Role.QUERY
    assert {Role.SUPPORT, Role.QUERY} <= {trajectory.role for trajectory in all_of(run)}


def test_every_failure_is_settled(run: Run) -> None:
    failed = [t for t in all_of(run) if not all(result.passed for result in t.checks)]
    settled = [sum(stream.decisions().values()) for stream in run.streams]
    assert sum(settled) == len(failed)
    assert sum(stream.decisions()[Decision.EVOLVED] for stream in run.streams) == sum(
        trajectory.role is Role.SUPPORT for trajectory in failed
    )


def test_the_rule_of_a_learnt_skill_is_one_of_the_house_against_its_habit(learnt: list[Learnt]) -> None:
    for one in learnt:
        applying = {rule for task in one.stream.tasks for rule in task.rules}
        assert one.rules
        assert set(one.rules.values()) <= applying


def test_the_report_counts_what_the_stores_hold(run: Run, learnt: list[Learnt]) -> None:
    report = learnt_report(learnt)
    roles = [trajectory.role for trajectory in all_of(run)]
    assert (report["query"], report["support"]) == (roles.count(Role.QUERY), roles.count(Role.SUPPORT))
    assert report["stream_attempted"] == 2 * LENGTH
    assert report["skills"] == [len(one.skills) for one in learnt]


def test_the_placebo_has_skills_of_the_other_house_that_this_one_does_not_want(
    run: Run, learnt: list[Learnt]
) -> None:
    arms = run.arms()
    for one, other in (learnt, reversed(learnt)):
        for task in one.stream.household.tasks:
            placebo = [match.skill for match in arms["placebo"].skills_of(task)]
            assert {skill.sha256 for skill in placebo} <= {skill.sha256 for skill in other.skills}
            own, strange = one.stream.household.house.options, other.stream.household.house.options
            stated = [other.rules[skill.sha256] for skill in placebo]
            possible = [rule for rule in other.rules.values() if own[rule] != strange[rule]]
            assert len(placebo) == min(len(arms["skills"].skills_of(task)), len(possible))
            assert all(own[rule] != strange[rule] for rule in stated)
            assert len({skill.sha256 for skill in placebo}) == len(placebo)


@pytest.mark.parametrize("arm", ["skills_oracle", "given_oracle", "held_out_oracle"])
def test_an_oracle_states_applying_rules_alone(arm: str, run: Run, learnt: list[Learnt]) -> None:
    chosen = run.arms()[arm]
    for one in learnt:
        for task in one.stream.household.tasks:
            rules = [chosen.rule_of(match.skill) for match in chosen.skills_of(task)]
            assert set(rules) <= set(task.rules)
            assert len(rules) == len(set(rules)) <= 3


def test_held_out_phrasings_say_the_rules_otherwise(run: Run) -> None:
    arms = run.arms()
    tasks = [task for stream in run.streams for task in stream.household.tasks]
    given = [{m.skill.body for m in arms["given_oracle"].skills_of(task)} for task in tasks]
    held_out = [{m.skill.body for m in arms["held_out_oracle"].skills_of(task)} for task in tasks]
    assert all(a.isdisjoint(b) for a, b in zip(given, held_out, strict=True))

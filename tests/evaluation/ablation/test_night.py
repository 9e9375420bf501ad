"""A night: the home's slow loop within the arm's window, and what of it the arm has otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.core.ablation import Days
from metaclaw_jlab.core.arm import Arm, SkillSource
from metaclaw_jlab.core.errors import NothingToTrain, TrainingError
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.training import RunState, TrainingRun
from metaclaw_jlab.evaluation.ablation import night
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.ablation.chain_home import ChainHome, open_chain_home
from metaclaw_jlab.evaluation.ablation.night import (
    SKIPPED,
    Night,
    gate_prompts,
    read_nights,
    spend_night,
    write_night,
)
from metaclaw_jlab.evaluation.ablation.seals import chain_home
from metaclaw_jlab.evaluation.ablation.trial_files import read_tasks, tasks_path
from metaclaw_jlab.evaluation.task_sets.practice_tasks import household_of, practice_task
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning import adapters, outer_loop
from metaclaw_jlab.learning.outer_loop import OuterLoop, Progress
from metaclaw_jlab.practice import PracticeTask
from metaclaw_jlab.runtime.home import Home
from tests.evaluation.ablation.chains import SEED, Chains, chains_of
from tests.evaluation.houses import trained

FULL = preset("full")
DONE = trained(None).run
Train = Callable[[OuterLoop], TrainingRun]


@pytest.fixture
def chains(tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch) -> Chains:
    made = chains_of(tmp_path / "home", [FULL], arm_pool, monkeypatch, days=Days(1, tasks=4, round_size=4))
    made.go(FULL)
    return made


@contextmanager
def opened(chains: Chains, **learning: object) -> Iterator[ChainHome]:
    """The chain's home after its day, with an arm that learns so, and a local model that can be trained."""
    arm = replace(FULL, learning=replace(FULL.learning, **learning))  # type: ignore[arg-type]
    home = chain_home(chains.run.chains / f"{FULL.name}-{SEED}")
    tasks = read_tasks(tasks_path(chains.run, SEED))
    with open_chain_home(home, chains.run.plan(), arm, SEED, tasks) as found:
        del found.workspace.overrides["policy.base_url"]
        found.workspace.overrides["scheduler.min_batch"] = 1
        yield found


def trains(patch: pytest.MonkeyPatch, train: Train) -> None:
    patch.setattr(outer_loop, "train_once", lambda loop, *, seed: train(loop))


def never() -> bool:
    return False


def test_where_nothing_can_be_trained_the_night_is_skipped_and_says_why(chains: Chains) -> None:
    (found,) = read_nights(chains.run, FULL.name, SEED)
    assert (found.day, found.state, found.served) == (1, SKIPPED, 0)
    assert "not trained here" in found.reason


def test_too_few_tasks_start_no_training(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    trains(monkeypatch, lambda _: pytest.fail("It trained."))
    with opened(chains) as home:
        home.workspace.overrides["scheduler.min_batch"] = 1000
        found = spend_night(home, 1, never)
    assert found.state == SKIPPED
    assert "scheduler.min_batch" in found.reason


def test_a_night_tells_what_came_of_its_training(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    trains(monkeypatch, lambda _: DONE)
    with opened(chains) as home:
        found = spend_night(home, 3, never)
    assert replace(found, seconds=0.0) == Night(3, "done", DONE.reason, DONE.steps_done, DONE.adapter, 0)


@pytest.mark.parametrize(
    ("error", "state"),
    [(NothingToTrain("None.", ""), SKIPPED), (TrainingError("All rewards were equal.", ""), "failed")],
)
def test_a_training_that_comes_to_nothing_is_the_nights_end_alone(
    error: Exception, state: str, chains: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(_: OuterLoop) -> TrainingRun:
        raise error

    trains(monkeypatch, train)
    with opened(chains) as home:
        assert spend_night(home, 1, never).state == state


def test_a_window_that_is_over_pauses_the_training(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def train(loop: OuterLoop) -> TrainingRun:
        now[0] = 59.0
        loop.on_progress(Progress(RunState.TRAINING, 1, 2))
        now[0] = 60.0
        with pytest.raises(KeyboardInterrupt):
            loop.on_progress(Progress(RunState.TRAINING, 2, 2))
        return replace(DONE, state=RunState.PAUSED)

    trains(monkeypatch, train)
    with opened(chains, window_minutes=1.0) as home:
        found = spend_night(home, 1, never, clock=lambda: now[0])
    assert (found.state, found.seconds) == ("paused", 60.0)
    assert "window was over" in found.reason


def test_a_worker_that_says_nothing_is_told_too(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    told, homes = threading.Event(), []

    def tell(home: Home) -> None:
        homes.append(home)
        told.set()

    def train(_: OuterLoop) -> TrainingRun:
        assert told.wait(60)
        return replace(DONE, state=RunState.PAUSED)

    monkeypatch.setattr(night, "tell_to_stop", tell)
    trains(monkeypatch, train)
    with opened(chains) as home:
        assert spend_night(home, 1, lambda: True).state == "paused"
        assert homes[0] == home.workspace.home


@pytest.mark.parametrize("inside", [True, False])
def test_a_user_who_interrupts_is_no_window(
    inside: bool, chains: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(_: OuterLoop) -> TrainingRun:
        if inside:
            return replace(DONE, state=RunState.PAUSED)
        raise KeyboardInterrupt

    trains(monkeypatch, train)
    with opened(chains, window_minutes=5.0) as home, pytest.raises(KeyboardInterrupt):
        spend_night(home, 1, never)


@pytest.mark.parametrize("gated", [True, False])
def test_without_a_gate_every_candidate_serves(
    gated: bool, chains: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[int] = []
    sets: list[int] = []

    def train(loop: OuterLoop) -> TrainingRun:
        gating = loop.gating()
        sets.append(len(gating.regression()))
        return replace(DONE, adapter=7)

    monkeypatch.setattr(adapters, "force", lambda _home, _database, version, _reason: forced.append(version))
    trains(monkeypatch, train)
    with opened(chains, gated=gated) as home:
        spend_night(home, 1, never)
    assert forced == ([] if gated else [7])
    assert (sets[0] > 0) is gated


def test_a_gate_has_fresh_tasks_of_the_house_under_the_arms_skills(chains: Chains) -> None:
    with opened(chains) as home:
        first, second = gate_prompts(home, 1, 20), gate_prompts(home, 2, 20)
        assert gate_prompts(home, 1, 20) == first
        options = household_of(home.tasks.test[0]).house.options
        bare = ChainHome(Arm("bare", SkillSource.NONE), SEED, home.tasks, home.workspace, home.pool)
        plain = gate_prompts(bare, 1, 20)
    for prompt in first:
        task = practice_task_of(prompt.start)
        assert (task.split, task.misjudged) == ("validation", False)
        assert task.options == {rule: options[rule] for rule in task.rules}
    assert not {one.task.text for one in first} & {one.task.text for one in second}
    assert any("<skill>" in one.messages[0].content for one in first)
    assert not any("<skill>" in one.messages[0].content for one in plain)


def test_a_gate_has_no_test_task(chains: Chains) -> None:
    with opened(chains) as home:
        first, *others = gate_prompts(home, 1, 6)
        tested = replace(home.tasks.test[0], task=Task(first.task.text))
        tasks = replace(home.tasks, test=(*home.tasks.test, tested))
        own = ChainHome(home.arm, SEED, tasks, home.workspace, home.pool)
        assert [one.task.text for one in gate_prompts(own, 1, 6)] == [one.task.text for one in others]


def test_a_gate_is_told_wrongly_too(chains: Chains) -> None:
    with opened(chains, wrong=0.3) as home:
        wrong = [practice_task_of(one.start).misjudged for one in gate_prompts(home, 1, 100)]
    assert 15 <= sum(wrong) <= 45


def test_older_tasks_are_attempted_again_with_the_arms_own_skills(
    chains: Chains, arm_pool: SandboxPool
) -> None:
    seen = []
    with opened(chains) as home:
        for arm in (FULL, replace(FULL, skills=SkillSource.NONE)):
            own = ChainHome(arm, SEED, home.tasks, home.workspace, home.pool)
            collecting = night._slow_loop(own, never).collecting()
            retrieve = collecting.reattempts(SandboxRooms(arm_pool)).retrieve
            seen.append(sum(len(retrieve(Task(trial.task.text))) for trial in home.tasks.days[0]))
    assert seen[0] > 0 == seen[1]


def test_an_arm_that_evolves_nothing_does_not_do_so_at_night(chains: Chains) -> None:
    with opened(chains, skills=False) as home:
        assert not home.evolves
        assert night._slow_loop(home, never).collecting().settle() is False


def test_a_night_that_is_spent_again_replaces_what_came_of_it(chains: Chains) -> None:
    for found in (Night(1, "done", "a"), Night(2, "done", "b"), Night(2, "paused", "c")):
        write_night(chains.run, "arm", 1, found)
    assert [one.reason for one in read_nights(chains.run, "arm", 1)] == ["a", "c"]


def practice_task_of(start: StartState) -> PracticeTask:
    task = practice_task(start)
    assert task is not None
    return task

"""A chain: days in order, learning between them, and a kill that changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.ablation import Attempt, Days
from metaclaw_jlab.core.arm import Arm, SkillSource
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task_set import TrialTask
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.evaluation.ablation import chain, day
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.ablation.chain_home import ChainHome
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from tests.evaluation.ablation.chains import Chains, chains_of, practice_tasks
from tests.evaluation.obeying import ObeyingPolicy

DAYS = Days(3, tasks=4, round_size=2)
BASELINE, SKILLS = preset("baseline"), preset("skills")


@pytest.fixture
def chains(tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch) -> Chains:
    return chains_of(tmp_path / "home", [BASELINE, SKILLS], arm_pool, monkeypatch, days=DAYS)


def values(found: Sequence[Attempt]) -> dict[str, tuple[float, int | None, int, tuple[str, ...]]]:
    """What must not hang on when it was done."""
    return {one.task: (one.value, one.day, one.steps, one.skills) for one in found}


def test_every_task_is_attempted_once_in_its_day_and_the_test_tasks_after_them(chains: Chains) -> None:
    found = chains.go(SKILLS)
    assert [one.day for one in found] == [1] * 4 + [2] * 4 + [3] * 4 + [None] * 4
    assert len({one.key for one in found}) == len(found)
    assert chains.told == list(found)
    assert all(one.trace is not None for one in found)


def test_an_arm_that_learns_skills_has_them_in_its_prompts_and_the_baseline_none(chains: Chains) -> None:
    learnt, plain = chains.go(SKILLS), chains.go(BASELINE)
    assert not any(one.skills for one in plain)
    assert not any(one.skills for one in learnt[:2])
    assert sum(one.value for one in learnt if one.day is None) > sum(
        one.value for one in plain if one.day is None
    )
    assert {one.task for one in learnt} == {one.task for one in plain}


def test_what_is_done_in_days_is_its_users_and_tests_are_not_recorded(chains: Chains) -> None:
    chains.go(SKILLS)
    with closing(chains.open(SKILLS)) as workspace:
        recorded = workspace.trajectories().recent(100)
    assert len(recorded) == 12
    assert {one.purpose for one in recorded} == {Purpose.USER}
    assert all(one.learn for one in recorded)


@pytest.mark.parametrize("where", ["learning", "sealing", "writing"])
def test_a_chain_that_is_killed_comes_to_the_same_values(
    where: str,
    chains: Chains,
    tmp_path: Path,
    arm_pool: SandboxPool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        _killed_on_the_second_day(patch, where)
        with pytest.raises(Killed):
            chains.go(SKILLS)
    before = len(chains.told)
    resumed = chains.go(SKILLS)
    whole = chains_of(tmp_path / "other", [SKILLS], arm_pool, monkeypatch, days=DAYS).go(SKILLS)
    assert values(resumed) == values(whole)
    assert len(chains.told) == len({one.key for one in chains.told}) == len(resumed) == 16
    assert 4 <= before < 8


class Killed(BaseException):
    """The process is gone."""


def _killed_on_the_second_day(patch: pytest.MonkeyPatch, where: str) -> None:
    learn, seal, spend = day.learn, chain.seal, chain.AttemptsLog.append
    rounds: list[int] = []

    def learning(home: ChainHome, trials: Sequence[TrialTask], done: Sequence[object]) -> None:
        rounds.append(1)
        if len(rounds) == 3:
            raise Killed
        learn(home, trials, done)  # type: ignore[arg-type]

    def sealing(folder: Path, number: int) -> None:
        seal(folder, number)
        if number == 2:
            raise Killed

    def writing(log: object, attempt: Attempt, trajectory: object) -> Attempt:
        rounds.append(1)
        if len(rounds) == 7:
            raise Killed
        return spend(log, attempt, trajectory)  # type: ignore[arg-type]

    kills: dict[str, Callable[[], None]] = {
        "learning": lambda: patch.setattr(day, "learn", learning),
        "sealing": lambda: patch.setattr(chain, "seal", sealing),
        "writing": lambda: patch.setattr(chain.AttemptsLog, "append", writing),
    }
    kills[where]()


def test_a_chain_that_is_told_to_stop_keeps_its_whole_days(chains: Chains) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 4

    found = chains.go(SKILLS, stop)
    assert [one.day for one in found] == [1] * 4
    assert len(chains.go(SKILLS)) == 16


def test_a_chain_at_its_end_opens_nothing(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chains.go(BASELINE)
    monkeypatch.setattr(chain, "open_chain_home", None)
    assert chains.go(BASELINE) == found


@dataclass
class CountingPolicy:
    """Lets `total` be the number that is asked for, up to four."""

    model: str = "counting"

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        number = min(4, int(messages[1].content.strip().rstrip(".").split()[-1]))
        return Completion(render_reply(f"total = {number}", done=True), "stop", self.model)


def test_tasks_of_ones_own_are_lived_on_a_copy_of_the_home(
    tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = open_home(tmp_path / "home")
    with closing(open_database(owner.database)) as database:
        Skills(database).commit_generation(Cause.USER, [Skill("owners", "Let total be.", "Do it.")], [])
    lines = [
        {"task": f"Let total be {number}.", "checks": [f"total == {number}"], **day}
        for number, day in enumerate(({"day": 1}, {"day": 2}, {}, {"day": 1}, {"day": 2}, {}), 1)
    ]
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text("".join(json.dumps(line) + "\n" for line in lines))
    chains = chains_of(
        tmp_path / "home",
        [SKILLS],
        arm_pool,
        monkeypatch,
        days=Days(2, tasks=2, round_size=1),
        tasks=str(tasks),
        policy=CountingPolicy(),
    )
    found = chains.go(SKILLS)
    assert [(one.day, one.value) for one in found] == [
        (1, 1.0),
        (1, 1.0),
        (2, 1.0),
        (2, 0.0),
        (None, 1.0),
        (None, 0.0),
    ]
    assert all("owners" in one.skills for one in found)
    with closing(chains.open(SKILLS)) as workspace:
        assert len(workspace.trajectories().recent(10)) == 4
    with closing(open_workspace(owner.path)) as workspace:
        assert workspace.trajectories().recent(10) == ()


@dataclass
class WarmPolicy(ObeyingPolicy):
    """Knows its tasks at a temperature of 0.3 alone."""

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        if sampling.temperature != 0.3:
            return Completion("I do not know.", "stop", self.model)
        return super().complete(messages, sampling, on_text=on_text)


def test_an_arm_at_its_best_temperature_has_it_for_the_test_tasks_alone(
    tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = Arm("best", SkillSource.GIVEN, adapter="base", temperature="best")
    days = Days(1, tasks=2, round_size=2)
    policy = WarmPolicy([])
    chains = chains_of(tmp_path / "home", [arm], arm_pool, monkeypatch, days=days, policy=policy)
    policy.tasks = practice_tasks(chains.run)
    found = chains.go(arm)
    assert [one.value for one in found if one.day == 1] == [0.0, 0.0]
    assert sum(one.value for one in found if one.day is None) >= 2


def test_raw_feedback_is_remembered_and_makes_no_skills(
    tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = preset("feedback")
    chains = chains_of(tmp_path / "home", [arm], arm_pool, monkeypatch, days=DAYS)
    found = chains.go(arm)
    with closing(chains.open(arm)) as workspace:
        assert workspace.synchronised().skills == ()
    assert any(one.skills for one in found if one.day == 3)


def test_a_round_that_fails_as_a_whole_is_no_result(chains: Chains, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(trials: object, *_: object, **__: object) -> object:
        found = attempted(trials, *_, **__)  # type: ignore[arg-type]
        return replace(found, attempt=replace(found.attempt, failure="The server is gone."))

    attempted = day.attempt_task
    monkeypatch.setattr(day, "attempt_task", failing)
    with pytest.raises(AblationError, match="The server is gone"):
        chains.go(SKILLS)
    assert chains.told == []


def test_a_run_without_days_has_no_chain(
    tmp_path: Path, arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = Arm("plain")
    chains = chains_of(tmp_path / "home", [arm], arm_pool, monkeypatch, days=DAYS)
    chains.run.replan(replace(chains.run.plan(), days=None))
    with pytest.raises(AblationError, match="no days"):
        chains.go(arm)

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.cli import practice_evolvers
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.evolution import Draft, Failure, Proposal, Source
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation import practice_replays, useful_skills
from metaclaw_jlab.evaluation.evolver_report import Plan, Writers, measure_evolvers
from metaclaw_jlab.evaluation.practice_attempt import Attempted, Conditions, attempt
from metaclaw_jlab.evaluation.useful_skills import WRITERS, Failed, draw_failure, look_at
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import RULES, PracticeTask, solution
from metaclaw_jlab.practice.rules import habits

GOOD, BAD = "Do it as this house wants it.", "Do it well."


@dataclass
class Reader:
    """A policy that follows a house's rules where a good skill is in its prompt, and its habits elsewhere."""

    tasks: dict[str, PracticeTask] = field(default_factory=dict)
    model: str = "reader"

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        task = self.tasks[messages[1].content]
        told = GOOD in messages[0].content
        (code,) = solution(task, task.options if told else habits(task.rules))
        return Completion(render_reply(code, done=True), "stop", self.model)


@dataclass
class Writer:
    """An evolver that says one thing of every failure."""

    name: str
    body: str | None
    doubtful: bool = False

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        if self.body is None:
            return Proposal(kept={failure.trajectory: f"{self.name} has no idea." for failure in failures})
        sources = tuple(Source(failure.trajectory, failure.feedback[0]) for failure in failures)
        return Proposal((Draft(self.name, "Use when.", (self.body,), sources, doubtful=self.doubtful),))


@pytest.fixture
def conditions(arm_pool: SandboxPool, monkeypatch: pytest.MonkeyPatch) -> Conditions:
    reader = Reader()

    def knowing(task: PracticeTask, skills: tuple[Match, ...], under: Conditions) -> Attempted:
        reader.tasks[task.text] = task
        return attempt(task, skills, under)

    monkeypatch.setattr(useful_skills, "attempt", knowing)
    monkeypatch.setattr(practice_replays, "attempt", knowing)
    return Conditions(policy=reader, pool=arm_pool, sampling=Sampling(seed=1))


@pytest.fixture
def failed(conditions: Conditions) -> Failed:
    found = draw_failure("1/0", "validation", conditions)
    assert found is not None
    return found


def looked_at(failed: Failed, conditions: Conditions, model: str | None, distiller: str | None) -> Any:
    writers = Writer("by-model", model, doubtful=True), Writer("by-distiller", distiller)
    return look_at(failed, *writers, conditions, trials=2, concurrency=2)["writers"]


def test_a_failure_is_one_of_a_rule_that_must_be_told(failed: Failed) -> None:
    assert failed.task.rules == (failed.rule,)
    assert failed.task.options[failed.rule] != RULES[failed.rule].habit
    assert failed.trajectory.checks[0].feedback


def test_equal_keys_draw_equal_failures(failed: Failed, conditions: Conditions) -> None:
    again = draw_failure("1/0", "validation", conditions)
    assert again is not None
    assert again.task == failed.task


def test_a_planted_good_skill_is_kept_and_useful(failed: Failed, conditions: Conditions) -> None:
    found = looked_at(failed, conditions, GOOD, BAD)
    for stage in ("before", "after"):
        assert found["model"][stage]["useful"]
        assert (found["model"][stage]["without"], found["model"][stage]["with_it"]) == (0, 2)
    assert found["both"]["after"]["skill"] == "by-model"


def test_a_planted_bad_skill_is_not_useful_and_dropped(failed: Failed, conditions: Conditions) -> None:
    found = looked_at(failed, conditions, BAD, GOOD)
    assert not found["model"]["before"]["useful"]
    assert found["model"]["after"]["skill"] is None
    assert "did not help" in found["model"]["after"]["reason"]
    assert found["both"]["after"]["skill"] == "by-distiller"
    assert found["both"]["after"]["useful"]


def test_where_both_are_bad_none_is_left(failed: Failed, conditions: Conditions) -> None:
    found = looked_at(failed, conditions, BAD, f"{BAD} Really.")
    assert [found[writer]["after"]["skill"] for writer in WRITERS] == [None] * 3
    assert all(not found[writer]["before"]["useful"] for writer in WRITERS)


def test_who_writes_nothing_says_why(failed: Failed, conditions: Conditions) -> None:
    found = looked_at(failed, conditions, None, GOOD)
    assert found["model"]["before"] == {"skill": None, "reason": "by-model has no idea."}
    assert found["both"]["before"]["skill"] == "by-distiller"


def measured(log: Path, conditions: Conditions, first: dict[str, Any], n: int = 2) -> tuple[Any, list[int]]:
    opened: list[int] = []

    @contextmanager
    def writers() -> Iterator[Writers]:
        opened.append(1)
        yield Writers(Writer("by-model", BAD, doubtful=True), Writer("by-distiller", GOOD), conditions)

    plan = Plan(model="reader", n=n, trials=1, concurrency=1)
    return measure_evolvers(plan, log, first, writers), opened


FIRST = {"model": "reader", "split": "validation", "seed": 1, "trials": 1}


def test_the_report_has_shares_with_intervals_and_is_not_measured_twice(
    tmp_path: Path, conditions: Conditions
) -> None:
    log = tmp_path / "out" / "log.jsonl"
    report, _ = measured(log, conditions, FIRST)
    found = report["evolvers"]
    assert (found["model"]["before"]["written"], found["model"]["before"]["useful"]) == (2, 0)
    assert (found["model"]["after"]["written"], found["model"]["after"]["of_written"]) == (0, None)
    assert found["both"]["after"]["of_failures"]["share"] == 1.0
    assert found["both"]["after"]["of_failures"]["ci95"][0] == pytest.approx(
        0.3424, abs=1e-4
    )  # Wilson, 2 of 2
    assert (found["both"]["after"]["strict_with"], found["both"]["after"]["strict_without"]) == (1.0, 0.0)
    again, opened = measured(log, conditions, FIRST)
    assert (again, opened) == (report, [])
    assert "both" in practice_evolvers.render(report)


def test_what_was_cut_off_is_measured_again(tmp_path: Path, conditions: Conditions) -> None:
    log = tmp_path / "log.jsonl"
    report, _ = measured(log, conditions, FIRST)
    whole = log.read_text()
    log.write_text(whole[:-30])
    again, opened = measured(log, conditions, FIRST)
    assert (again, opened) == (report, [1])
    assert [json.loads(line)["index"] for line in log.read_text().splitlines()[1:]] == [0, 1]


def test_the_log_of_something_else_is_left_alone(tmp_path: Path, conditions: Conditions) -> None:
    log = tmp_path / "log.jsonl"
    measured(log, conditions, FIRST, n=1)
    before = log.read_bytes()
    with pytest.raises(UsageMistake, match="another model"):
        measured(log, conditions, {**FIRST, "seed": 2}, n=1)
    assert log.read_bytes() == before

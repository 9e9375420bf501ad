"""The evaluation: which skills it gives, how it plays, and how it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.engines.embedded.evaluate import (
    MAX_SKILLS,
    Result,
    attempt_all,
    skills_for,
    summary,
)
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask, Verdict, solution, task_set


class Scripted:
    """Stands in for a generator: replies by conversation."""

    def __init__(self, reply: Callable[[Sequence[Message]], str]) -> None:
        self._reply = reply

    def complete(self, conversations: Sequence[Sequence[Message]], temperature: float) -> list[str]:
        return [self._reply(conversation) for conversation in conversations]


@pytest.fixture(scope="module")
def tasks() -> tuple[PracticeTask, ...]:
    return task_set("validation", 3, 8, compound_share=0.5)


@pytest.fixture(scope="module")
def pool() -> SandboxPool:
    with SandboxPool(1, isolation="none") as opened:
        yield opened


def _solved(tasks: Sequence[PracticeTask], *, fence: bool = True) -> Scripted:
    by_text = {task.text: solution(task, task.options) for task in tasks}

    def reply(conversation: Sequence[Message]) -> str:
        steps = by_text[conversation[1].content]
        index = sum(message.role == "assistant" for message in conversation)
        return render_reply(steps[index], done=index == len(steps) - 1) if fence else "I cannot."

    return Scripted(reply)


def test_right_code_in_each_step_is_strict(tasks: tuple[PracticeTask, ...], pool: SandboxPool) -> None:
    results = attempt_all(_solved(tasks), pool, tasks, [()] * len(tasks), 0.0)  # type: ignore[arg-type]
    assert [result.verdict.strict for result in results] == [True] * len(tasks)


def test_a_reply_without_code_did_not_run(tasks: tuple[PracticeTask, ...], pool: SandboxPool) -> None:
    policy = _solved(tasks, fence=False)
    results = attempt_all(policy, pool, tasks, [()] * len(tasks), 0.0)  # type: ignore[arg-type]
    assert not any(result.verdict.ran for result in results)


def test_every_applying_rule_is_told_among_three() -> None:
    for task in task_set("test", 5, 40):
        given = skills_for(task, "with_skill_and_two_distractors", 0)
        assert len(given) == MAX_SKILLS
        assert given == skills_for(task, "with_skill_and_two_distractors", 0)
        assert given != skills_for(task, "held_out_phrasings", 0)


def test_the_headline_counts_tasks_of_one_rule_and_one_step() -> None:
    tasks = task_set("test", 5, 60)
    right = Verdict(True, True, True, (), "")
    wrong = Verdict(True, True, False, (), "x")
    results = [Result(task, right if not task.compound and len(task.rules) == 1 else wrong) for task in tasks]
    found = summary(results)
    assert found["strict"] == 1.0
    assert found["task_right"] == 1.0
    assert found["compounds"]["strict"] == 0.0
    counts = found["by_rules"], found["compounds"]["by_rules"]
    assert sum(group["n"] for groups in counts for group in groups.values()) == len(tasks)


def test_code_that_raises_is_answered_until_it_repeats(
    tasks: tuple[PracticeTask, ...], pool: SandboxPool
) -> None:
    asked: list[int] = []

    def reply(conversation: Sequence[Message]) -> str:
        asked.append(len(conversation))
        return render_reply("raise ValueError('no')", done=True)

    results = attempt_all(Scripted(reply), pool, tasks[:1], [()], 0.0)  # type: ignore[arg-type]
    assert asked == [2, 4]
    assert not results[0].verdict.ran

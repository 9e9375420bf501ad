"""Groups of completions, run to the end of their tasks in real sandboxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from metaclaw_jlab.agent.group_rollout import MISMATCH, Answered, GroupRollout, start_groups
from metaclaw_jlab.agent.lockstep import Asked
from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.agent.prompt import observation_message, opening
from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.score import Score, Unscored
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Check, CheckKind, Task
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.core.trajectory import Observation, Step
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import draw_house, sample_task, solution

X_IS_TWO = Task("set x to 2", checks=(Check(CheckKind.EXPRESSION, "x == 2"),))


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as opened:
        yield opened


def reply(code: str, *, done: bool = True) -> Completion:
    return Completion(render_reply(code, done=done), "stop", "m")


def never(_: Sequence[Asked]) -> list[Completion]:
    raise AssertionError("Nobody should have asked.")


def how(
    pool: SandboxPool,
    threads: ThreadPoolExecutor,
    generate: object = never,
    prompting: Prompting = DEFAULT_PROMPTING,
) -> GroupRollout:
    return GroupRollout(
        model="m",
        generate=generate,  # type: ignore[arg-type]
        rooms=SandboxRooms(pool),
        sampling=Sampling(1.0, 64),
        max_steps=3,
        threads=threads,
        prompting=prompting,
    )


def prompt(task: Task = X_IS_TWO, before: tuple[Step, ...] = ()) -> TrainingPrompt:
    return TrainingPrompt("t", PromptKind.QUERY, task, opening(task, []), StartState(), before)


def values(answers: Sequence[Answered]) -> list[float | None]:
    return [one.outcome.value if isinstance(one.outcome, Score) else None for one in answers]


def test_each_completion_is_scored_by_what_it_did(arm_pool: SandboxPool, threads: ThreadPoolExecutor) -> None:
    completions = [reply("x = 2"), reply("x = 3"), reply("1 / 0")]
    # The one that raised goes on, and its next reply is asked for.
    groups = start_groups(
        [prompt()],
        [completions],
        [[1, 2, 3]],
        how(arm_pool, threads, lambda batch: [reply("x = 5") for _ in batch]),
    )
    assert values(groups.wait()[0]) == [1.0, -1.0, -1.0]


def test_a_task_ends_when_its_code_has_run_where_the_policy_is_asked_so(
    arm_pool: SandboxPool, threads: ThreadPoolExecutor
) -> None:
    once = how(arm_pool, threads, never, Prompting(ends="ran"))
    groups = start_groups([prompt()], [[reply("x = 2", done=False)]], [[1]], once)
    assert values(groups.wait()[0]) == [1.0]


def test_the_policy_goes_on_after_its_own_completion(
    arm_pool: SandboxPool, threads: ThreadPoolExecutor
) -> None:
    seen: list[Asked] = []

    def generate(batch: Sequence[Asked]) -> list[Completion]:
        seen.extend(batch)
        return [reply("x = y + 1") for _ in batch]

    groups = start_groups([prompt()], [[reply("y = 1", done=False)]], [[7]], how(arm_pool, threads, generate))
    (answer,) = groups.wait()[0]
    assert values([answer]) == [1.0]
    assert answer.step is not None
    assert answer.step.action == "y = 1"
    assert [one.sampling.seed for one in seen] == [7]


def test_equal_replies_are_run_once(arm_pool: SandboxPool, threads: ThreadPoolExecutor) -> None:
    groups = start_groups(
        [prompt()], [[reply("x = 2"), reply("x = 0"), reply("x = 2")]], [[1, 2, 3]], how(arm_pool, threads)
    )
    first, second, third = groups.wait()[0]
    assert first is third
    assert first is not second


def test_a_later_step_begins_where_the_earlier_ones_led(
    arm_pool: SandboxPool, threads: ThreadPoolExecutor
) -> None:
    messages = opening(X_IS_TWO, [])
    earlier = Step(
        0, messages, render_reply("y = 1\nprint(y)", done=False), "y = 1\nprint(y)", Observation("1\n")
    )
    later = (*messages, Message("assistant", earlier.reply), observation_message(Observation("1\n")))
    asked = TrainingPrompt("t", PromptKind.QUERY, X_IS_TWO, later, StartState(), (earlier,))
    groups = start_groups([asked], [[reply("x = y + 1"), reply("x = y")]], [[1, 2]], how(arm_pool, threads))
    answers = groups.wait()[0]
    assert values(answers) == [1.0, -1.0]
    assert answers[0].step is not None
    assert answers[0].step.messages == later


def test_a_replay_that_goes_otherwise_is_told_and_not_scored(
    arm_pool: SandboxPool, threads: ThreadPoolExecutor
) -> None:
    earlier = Step(
        0, opening(X_IS_TWO, []), render_reply("print(1)", done=False), "print(1)", Observation("2\n")
    )
    groups = start_groups([prompt(before=(earlier,))], [[reply("x = 2")]], [[1]], how(arm_pool, threads))
    (answer,) = groups.wait()[0]
    assert answer.mismatched
    assert answer.outcome == Unscored(MISMATCH)


def test_a_practice_task_is_scored_by_degrees(arm_pool: SandboxPool, threads: ThreadPoolExecutor) -> None:
    rng = Random("degrees")
    house = draw_house(rng, "train")
    task = sample_task(rng, "train", house, compound=False, rules=1)
    right = solution(task, task.options)
    asked = practice_prompt(task, [], "p", PromptKind.REPLAY)
    groups = start_groups(
        [asked], [[reply("\n".join(right)), reply("pass")]], [[1, 2]], how(arm_pool, threads)
    )
    best, worst = values(groups.wait()[0])
    assert best == 1.0
    assert worst == pytest.approx(-0.8)

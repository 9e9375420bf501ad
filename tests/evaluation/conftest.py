"""Policies that answer practice tasks by rule, whatever the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask

Answer = Callable[[PracticeTask], Sequence[str]]


@dataclass
class AnsweringPolicy:
    """Gives the steps of `answer` for the task that is asked; keeps seeds and system messages by task text."""

    tasks: Sequence[PracticeTask]
    answer: Answer
    model: str = "answering"
    seeds: dict[str, int | None] = field(default_factory=dict)
    systems: dict[str, str] = field(default_factory=dict)

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        text = messages[1].content
        self.seeds[text], self.systems[text] = sampling.seed, messages[0].content
        steps = self.answer(next(task for task in self.tasks if task.text == text))
        index = sum(message.role == "assistant" for message in messages)
        return Completion(render_reply(steps[index], done=index == len(steps) - 1), "stop", self.model)


@pytest.fixture(scope="session")
def arm_pool() -> Iterator[SandboxPool]:
    with SandboxPool(2, preload=("pandas", "matplotlib")) as opened:
        yield opened


@pytest.fixture(scope="session")
def answering() -> type[AnsweringPolicy]:
    return AnsweringPolicy

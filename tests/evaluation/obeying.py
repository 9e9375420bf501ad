"""A policy that follows the rules of a house exactly where its prompt holds skills."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from metaclaw_jlab.agent.parser import render_reply
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.practice import PracticeTask, solution
from metaclaw_jlab.practice.rules import habits


@dataclass
class ObeyingPolicy:
    """Answers the tasks that it knows by their text, under the house's options where a skill is in the prompt."""

    tasks: Iterable[PracticeTask]
    model: str = "obeying"
    asked: list[str] = field(default_factory=list)

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        text = messages[1].content
        self.asked.append(text)
        task = next((task for task in self.tasks if task.text == text), None)
        if task is None:
            return Completion("I do not know this task.", "stop", self.model)
        told = "<skill>" in messages[0].content
        steps = solution(task, task.options if told else habits(task.rules))
        index = sum(message.role == "assistant" for message in messages)
        return Completion(render_reply(steps[index], done=index == len(steps) - 1), "stop", self.model)

"""A practice task as a prompt for training: what the agent would send, and a start that brings the task back."""

from __future__ import annotations

import json

from metaclaw_jlab.agent.graded_sandbox import practice_check
from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.agent.rooms import practice_start
from metaclaw_jlab.core.training import PromptKind
from metaclaw_jlab.practice import from_dict, task_set
from metaclaw_jlab.practice.replay_set import replay_set


def test_the_messages_are_the_agents_first_prompt() -> None:
    told = replay_set(1)[0]
    prompt = practice_prompt(told.task, told.bodies, "replay-0", PromptKind.REPLAY)
    system, user = prompt.messages
    assert all(f"<skill>\n{body}\n</skill>" in system.content for body in told.bodies)
    assert user.content == told.task.text
    assert (prompt.id, prompt.kind, prompt.step) == ("replay-0", PromptKind.REPLAY, 0)


def test_the_task_has_the_check_of_its_start() -> None:
    (task,) = task_set("train", 2, 1)
    prompt = practice_prompt(task, (), "x", PromptKind.QUERY)
    assert prompt.start.practice is not None
    assert prompt.task.checks == (practice_check(from_dict(json.loads(prompt.start.practice))),)


def test_equal_tasks_have_equal_starts_and_others_others() -> None:
    first, second = task_set("train", 2, 2)
    assert practice_start(first).sha256 == practice_start(task_set("train", 2, 1)[0]).sha256
    assert practice_start(first).sha256 != practice_start(second).sha256
    assert from_dict(json.loads(practice_start(first).practice or "")) == first

"""A general task as a prompt: asked in the policy's own way, checked where its code ran."""

from __future__ import annotations

from metaclaw_jlab.agent.general_prompts import general_prompt
from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.training import PromptKind
from metaclaw_jlab.practice.general_tasks import general_tasks

TASK = next(task for task in general_tasks("replay") if "sales.csv" in task.files)


def test_it_is_asked_as_the_policy_is_asked() -> None:
    prompting = Prompting(instructions="brief", file_rows=2)
    prompt = general_prompt(TASK, prompting)
    assert prompt.messages == opening(prompt.task, (), prompting)
    assert [reference.name for reference in prompt.task.references] == ["sales.csv"]
    assert general_prompt(TASK, DEFAULT_PROMPTING).task.references == ()


def test_it_starts_from_its_files_and_has_its_check() -> None:
    prompt = general_prompt(TASK, DEFAULT_PROMPTING)
    assert prompt.start.files == {name: text.encode() for name, text in TASK.files.items()}
    assert [check.source for check in prompt.task.checks] == [TASK.check]
    assert prompt.checked
    assert (prompt.id, prompt.kind) == (TASK.id, PromptKind.REPLAY)

"""General tasks as training takes them: the prompt as the agent would send it, and where its code starts."""

from __future__ import annotations

from metaclaw_jlab.agent.file_references import NamedFile, file_names, file_references
from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Check, CheckKind, Task
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.practice.general_tasks import GeneralTask


def general_prompt(task: GeneralTask, prompting: Prompting) -> TrainingPrompt:
    """The prompt of a general task, without skills; a replay prompt, since no trajectory is behind it."""
    named = [NamedFile(name, task.files[name]) for name in file_names(task.text) if name in task.files]
    put = Task(
        task.text,
        file_references(named, prompting.file_rows),
        (Check(CheckKind.EXPRESSION, task.check),),
        name=task.id,
    )
    files = {name: text.encode() for name, text in task.files.items()}
    return TrainingPrompt(
        task.id, PromptKind.REPLAY, put, opening(put, (), prompting), StartState(files=files)
    )

"""Practice tasks as training takes them: the prompt as the agent would send it, and where its code starts."""

from __future__ import annotations

from collections.abc import Sequence

from metaclaw_jlab.agent.graded_sandbox import asked
from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.agent.rooms import practice_start
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.practice import PracticeTask


def practice_prompt(
    task: PracticeTask,
    skill_bodies: Sequence[str],
    prompt_id: str,
    kind: PromptKind,
    prompting: Prompting = DEFAULT_PROMPTING,
) -> TrainingPrompt:
    """The prompt of a practice task's first step, with these skills in it."""
    put = asked(task, file_rows=prompting.file_rows)
    messages = opening(put, skill_bodies, prompting)
    return TrainingPrompt(prompt_id, kind, put, messages, practice_start(task))

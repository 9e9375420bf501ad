"""Practice tasks as training takes them: the prompt as the agent would send it, and where its code starts."""

from __future__ import annotations

import json
from collections.abc import Sequence

from metaclaw_jlab.agent.graded_sandbox import asked
from metaclaw_jlab.agent.prompt import opening
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.practice import PracticeTask, to_dict


def practice_start(task: PracticeTask) -> StartState:
    """The start of a practice task; its files and its check are in it."""
    return StartState(practice=json.dumps(to_dict(task), sort_keys=True))


def practice_prompt(
    task: PracticeTask, skill_bodies: Sequence[str], prompt_id: str, kind: PromptKind
) -> TrainingPrompt:
    """The prompt of a practice task's first step, with these skills in it."""
    put = asked(task)
    return TrainingPrompt(prompt_id, kind, put, opening(put, skill_bodies), practice_start(task))

"""The parts of a task that are to be done one after another, told by the words that put them in an order.

A small model forgets the second half of what it is asked; asked for one part after the other it does both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Step

MOST_PARTS = 6
_NEXT = re.compile(
    r"(?:[.;!]\s+(?:and\s+)?|,\s*(?:and\s+)?|\s+and\s+)(?:then|after\s+that|afterwards|finally)\b,?\s+",
    re.IGNORECASE,
)
_FIRST = re.compile(r"^(?:at\s+)?first\b,?\s+", re.IGNORECASE)
_SENTENCE = re.compile(r"[.;!?]\s+")
_CONDITION = re.compile(r"(?:if|when|whenever|where)\b", re.IGNORECASE)


def parts_of(text: str) -> tuple[str, ...]:
    """The parts in their order; the text alone where nothing in it says "then", or where it holds code."""
    if "```" in text:
        return (text,)
    found, start = [], 0
    for match in _NEXT.finditer(text):
        before = text[start : match.start()]
        # "If it is empty, then ..." is one thing to do.
        if _CONDITION.match(_SENTENCE.split(before)[-1].strip()):
            continue
        found.append(before)
        start = match.end()
    found.append(text[start:])
    parts = [part.strip() for part in found]
    if not 1 < len(parts) <= MOST_PARTS or not all(parts):
        return (text,)
    return (_FIRST.sub("", parts[0]), *parts[1:])


def first_part(task: Task, prompting: Prompting) -> Task:
    """What is asked for first: the whole task, but of one that is done part by part."""
    return _part(task, parts_of(task.text)[0]) if prompting.ends == "parts" else task


def next_part(task: Task, steps: Sequence[Step], prompting: Prompting) -> Task | None:
    """What is asked for after these steps, None where no part is left. Each step that did not fail did one."""
    if prompting.ends != "parts":
        return None
    done = sum(1 for step in steps if step.observation is not None and not step.observation.failed)
    left = parts_of(task.text)[done:]
    return _part(task, left[0]) if left else None


def _part(task: Task, text: str) -> Task:
    """The task of this part alone, with what it refers to: what another part names would mislead."""
    named = tuple(reference for reference in task.references if reference.name in text)
    return replace(task, text=text, references=named)

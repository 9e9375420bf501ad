"""The prompts of a training run as a file: JSON lines, written aside and renamed. A start state is written once."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from metaclaw_jlab.core.errors import StoreDamaged
from metaclaw_jlab.core.policy import Usage
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Origin
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.core.trajectory import Step
from metaclaw_jlab.store import encoding


def write_prompts(path: Path, prompts: Iterable[TrainingPrompt]) -> None:
    """Write the prompts, readable by the user only, in place of what is at `path`; all of them or nothing."""
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(
        os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.writelines(line + "\n" for line in _lines(prompts))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def read_prompts(path: Path) -> tuple[TrainingPrompt, ...]:
    """Inverse of write_prompts. Raises StoreDamaged for what is no such file."""
    starts: dict[str, StartState] = {}
    found: list[TrainingPrompt] = []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                value = json.loads(line)
                if "start_sha256" in value:
                    starts[value["start_sha256"]] = _load_start(value)
                else:
                    found.append(_load_prompt(value, starts))
    except (ValueError, KeyError, TypeError) as error:
        raise StoreDamaged(
            f"{path} holds no prompts of a training ({error}).", "Abandon the run and begin another."
        ) from error
    return tuple(found)


def _lines(prompts: Iterable[TrainingPrompt]) -> Iterator[str]:
    written: set[str] = set()
    for prompt in prompts:
        start = prompt.start.sha256
        if start not in written:
            written.add(start)
            yield encoding.dump(_start(start, prompt.start))
        yield encoding.dump(
            {
                "id": prompt.id,
                "kind": prompt.kind.value,
                "task": encoding.dump_task(prompt.task),
                "origin": [prompt.task.origin.notebook, prompt.task.origin.cell_id],
                "messages": encoding.dump_messages(prompt.messages),
                "start": start,
                "before": [_step(step) for step in prompt.before],
            }
        )


def _load_prompt(value: Mapping[str, Any], starts: Mapping[str, StartState]) -> TrainingPrompt:
    return TrainingPrompt(
        id=value["id"],
        kind=PromptKind(value["kind"]),
        task=encoding.load_task(value["task"], Origin(*value["origin"])),
        messages=encoding.load_messages(value["messages"]),
        start=starts[value["start"]],
        before=tuple(_load_step(index, step) for index, step in enumerate(value["before"])),
    )


def _start(sha256: str, start: StartState) -> dict[str, object]:
    return {
        "start_sha256": sha256,
        "practice": start.practice,
        "files": {name: b64encode(content).decode() for name, content in start.files.items()},
        "objects": {name: b64encode(content).decode() for name, content in start.objects.items()},
    }


def _load_start(value: Mapping[str, Any]) -> StartState:
    files, objects = (
        MappingProxyType({name: b64decode(content) for name, content in value[kind].items()})
        for kind in ("files", "objects")
    )
    return StartState(files, objects, value["practice"])


def _step(step: Step) -> dict[str, object]:
    return {
        "messages": encoding.dump_messages(step.messages),
        "reply": step.reply,
        "action": step.action,
        "observation": encoding.dump_observation(step.observation),
        "scores": encoding.dump_scores(step.scores),
        "tokens": [step.usage.prompt_tokens, step.usage.completion_tokens],
        "policy_seconds": step.policy_seconds,
        "ran": step.ran,
    }


def _load_step(index: int, value: Mapping[str, Any]) -> Step:
    return Step(
        index=index,
        messages=encoding.load_messages(value["messages"]),
        reply=value["reply"],
        action=value["action"],
        observation=encoding.load_observation(value["observation"]),
        scores=encoding.load_scores(value["scores"]),
        usage=Usage(*value["tokens"]),
        policy_seconds=value["policy_seconds"],
        ran=value["ran"],
    )

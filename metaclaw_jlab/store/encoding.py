"""Core records as JSON text and back, exactly. Keys are short because every row carries them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Reference, Task
from metaclaw_jlab.core.trajectory import ExecutionError, InjectedSkill, Observation


def dump(value: object) -> str:
    """Compact JSON; what UTF-8 cannot carry (lone surrogates) is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def dump_task(task: Task) -> str:
    """Everything but the origin, which has columns."""
    return dump(
        {
            "text": task.text,
            "references": [[reference.name, reference.text] for reference in task.references],
            "checks": [_check(check) for check in task.checks],
            "name": task.name,
        }
    )


def load_task(text: str, origin: Origin) -> Task:
    """Inverse of dump_task."""
    value = json.loads(text)
    return Task(
        text=value["text"],
        references=tuple(Reference(*pair) for pair in value["references"]),
        checks=tuple(_load_check(check) for check in value["checks"]),
        origin=origin,
        name=value["name"],
    )


def task_text(text: str) -> str:
    """The text alone of what dump_task() made."""
    return str(json.loads(text)["text"])


def dump_checks(results: Iterable[CheckResult]) -> str:
    """Check results."""
    return dump([[*_check(result.check), result.passed, result.feedback] for result in results])


def load_checks(text: str) -> tuple[CheckResult, ...]:
    """Inverse of dump_checks."""
    return tuple(CheckResult(_load_check(row[:3]), row[3], row[4]) for row in json.loads(text))


def dump_injected(skills: Iterable[InjectedSkill]) -> str:
    """Skills as they were injected."""
    return dump([[skill.name, skill.sha256, skill.relevance] for skill in skills])


def load_injected(text: str) -> tuple[InjectedSkill, ...]:
    """Inverse of dump_injected."""
    return tuple(InjectedSkill(*row) for row in json.loads(text))


def dump_messages(messages: Iterable[Message]) -> str:
    """Messages."""
    return dump([[message.role, message.content] for message in messages])


def load_messages(text: str) -> tuple[Message, ...]:
    """Inverse of dump_messages."""
    return tuple(Message(*row) for row in json.loads(text))


def dump_observation(observation: Observation | None) -> str | None:
    """An observation; None where there is none yet."""
    if observation is None:
        return None
    error = observation.error
    return dump(
        {
            "stdout": observation.stdout,
            "stderr": observation.stderr,
            "result": observation.result,
            "error": error and [error.name, error.message, error.traceback],
            "seconds": observation.seconds,
            "truncated": observation.truncated,
        }
    )


def load_observation(text: str | None) -> Observation | None:
    """Inverse of dump_observation."""
    if text is None:
        return None
    value = json.loads(text)
    error = value.pop("error")
    return Observation(**value, error=error and ExecutionError(*error))


def dump_scores(scores: Iterable[Scoring]) -> str:
    """Scores and their absences."""
    return dump([_scoring(score) for score in scores])


def load_scores(text: str) -> tuple[Scoring, ...]:
    """Inverse of dump_scores."""
    return tuple(_load_scoring(value) for value in json.loads(text))


def dump_score(score: Scoring | None) -> str | None:
    """One score; None where nobody looked yet, which is not Unscored."""
    return None if score is None else dump(_scoring(score))


def load_score(text: str | None) -> Scoring | None:
    """Inverse of dump_score."""
    return None if text is None else _load_scoring(json.loads(text))


def dump_skill(skill: Skill) -> str:
    """Everything but the name, which has a column."""
    return dump(
        {
            "description": skill.description,
            "body": skill.body,
            "metadata": dict(skill.metadata),
            "license": skill.license,
            "compatibility": skill.compatibility,
            "allowed_tools": skill.allowed_tools,
        }
    )


def load_skill(name: str, text: str) -> Skill:
    """Inverse of dump_skill."""
    value = json.loads(text)
    return Skill(name=name, **(value | {"metadata": MappingProxyType(value["metadata"])}))


def _check(check: Check) -> list[str]:
    return [check.kind.value, check.source, check.feedback]


def _load_check(row: list[str]) -> Check:
    return Check(CheckKind(row[0]), row[1], row[2])


def _scoring(score: Scoring) -> dict[str, object]:
    if isinstance(score, Unscored):
        return {"unscored": score.reason}
    return {"value": score.value, "source": score.source.value, "reason": score.reason}


def _load_scoring(value: dict[str, Any]) -> Scoring:
    if "unscored" in value:
        return Unscored(value["unscored"])
    return Score(value["value"], ScoreSource(value["source"]), value["reason"])

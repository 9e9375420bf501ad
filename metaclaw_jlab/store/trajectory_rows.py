"""Trajectories and their steps as rows of the tables, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Scoring
from metaclaw_jlab.core.task import CheckResult, Origin
from metaclaw_jlab.core.trajectory import Purpose, Role, Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.schema import steps


def columns(trajectory: Trajectory, process: str) -> dict[str, object]:
    """The row of a trajectory that begins; its end comes later."""
    task, stamp = trajectory.task, trajectory.stamp
    return {
        "id": trajectory.id,
        "notebook": task.origin.notebook,
        "cell_id": task.origin.cell_id,
        "text_sha256": task.text_sha256,
        "task": encoding.dump_task(task),
        "skill_generation": stamp.skill_generation,
        "skills": encoding.dump_injected(stamp.skills),
        "model": stamp.model,
        "adapter": stamp.adapter,
        "seed": stamp.seed,
        "purpose": trajectory.purpose.value,
        "created_at": trajectory.created_at,
        "process": process,
        "role": Role.NEITHER.value,
        "role_reason": "",
        "stop_detail": trajectory.stop_detail,
        "checks": encoding.dump_checks(trajectory.checks),
        "seconds": trajectory.seconds,
        "score": encoding.dump_score(trajectory.score),
        "learn": int(trajectory.learn),
    }


def end_columns(
    trajectory_id: str,
    stop: StopReason,
    detail: str,
    checks: tuple[CheckResult, ...],
    score: Scoring | None,
    seconds: float,
) -> dict[str, object]:
    """What the end of a trajectory writes."""
    return {
        "key": trajectory_id,
        "stop": stop.value,
        "stop_detail": detail,
        "checks": encoding.dump_checks(checks),
        "score": encoding.dump_score(score),
        "seconds": seconds,
    }


def step_columns(trajectory_id: str, step: Step, before: tuple[Message, ...]) -> dict[str, object]:
    """The row of a step, after a prompt of the messages `before`."""
    shared = _shared(before, step.messages)
    return {
        "trajectory": trajectory_id,
        "position": step.index,
        "shared": shared,
        "messages": encoding.dump_messages(step.messages[shared:]),
        "reply": step.reply,
        "action": step.action,
        "observation": encoding.dump_observation(step.observation),
        "scores": encoding.dump_scores(step.scores),
        "prompt_tokens": step.usage.prompt_tokens,
        "completion_tokens": step.usage.completion_tokens,
        "policy_seconds": step.policy_seconds,
        "ran": step.ran,
    }


def _shared(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many messages two prompts have in common at their beginning: a prompt repeats the one before it."""
    for count, (old, new) in enumerate(zip(before, now, strict=False)):
        if old != new:
            return count
    return min(len(before), len(now))


def load_steps(connection: Connection, ids: Iterable[str]) -> dict[str, list[Step]]:
    """The steps of these trajectories, in order."""
    query = (
        select(steps).where(steps.c.trajectory.in_(list(ids))).order_by(steps.c.trajectory, steps.c.position)
    )
    found: dict[str, list[Step]] = {}
    for row in connection.execute(query):
        of_trajectory = found.setdefault(row.trajectory, [])
        before = of_trajectory[-1].messages if of_trajectory else ()
        of_trajectory.append(
            Step(
                index=row.position,
                messages=before[: row.shared] + encoding.load_messages(row.messages),
                reply=row.reply,
                action=row.action,
                observation=encoding.load_observation(row.observation),
                scores=encoding.load_scores(row.scores),
                usage=Usage(row.prompt_tokens, row.completion_tokens),
                policy_seconds=row.policy_seconds,
                ran=row.ran,
            )
        )
    return found


def load_trajectory(row: Row[Any], of_row: tuple[Step, ...]) -> Trajectory:
    """Inverse of columns() and end_columns()."""
    return Trajectory(
        id=row.id,
        task=encoding.load_task(row.task, Origin(row.notebook, row.cell_id)),
        stamp=Stamp(
            row.skill_generation, encoding.load_injected(row.skills), row.model, row.adapter, row.seed
        ),
        purpose=Purpose(row.purpose),
        steps=of_row,
        stop=None if row.stop is None else StopReason(row.stop),
        stop_detail=row.stop_detail,
        checks=encoding.load_checks(row.checks),
        score=encoding.load_score(row.score),
        role=Role(row.role),
        created_at=row.created_at,
        seconds=row.seconds,
        learn=bool(row.learn),
    )

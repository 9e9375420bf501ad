"""Trajectories of attempts as JSON and back: they are kept with their run, not in a store."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, replace
from typing import Any

from metaclaw_jlab.core.policy import Usage
from metaclaw_jlab.core.task import Origin
from metaclaw_jlab.core.trajectory import Purpose, Role, Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.store.encoding import (
    dump,
    dump_checks,
    dump_injected,
    dump_messages,
    dump_observation,
    dump_score,
    dump_scores,
    dump_task,
    load_checks,
    load_injected,
    load_messages,
    load_observation,
    load_score,
    load_scores,
    load_task,
)


def pack_trajectory(trajectory: Trajectory) -> bytes:
    """Compressed JSON."""
    stamp = trajectory.stamp
    record = {
        "id": trajectory.id,
        "task": dump_task(trajectory.task),
        "origin": asdict(trajectory.task.origin),
        "stamp": {**asdict(replace(stamp, skills=())), "skills": dump_injected(stamp.skills)},
        "purpose": trajectory.purpose.value,
        "steps": [_step_record(step) for step in trajectory.steps],
        "stop": None if trajectory.stop is None else trajectory.stop.value,
        "stop_detail": trajectory.stop_detail,
        "checks": dump_checks(trajectory.checks),
        "score": dump_score(trajectory.score),
        "role": trajectory.role.value,
        "created_at": trajectory.created_at,
        "seconds": trajectory.seconds,
        "learn": trajectory.learn,
    }
    return zlib.compress(dump(record).encode(), 1)


def unpack_trajectory(data: bytes) -> Trajectory:
    """Inverse of pack_trajectory. Raises ValueError, KeyError, TypeError or zlib.error for anything else."""
    record = json.loads(zlib.decompress(data))
    stamp = record["stamp"]
    return Trajectory(
        id=record["id"],
        task=load_task(record["task"], Origin(**record["origin"])),
        stamp=Stamp(**{**stamp, "skills": load_injected(stamp["skills"])}),
        purpose=Purpose(record["purpose"]),
        steps=tuple(_step(one) for one in record["steps"]),
        stop=None if record["stop"] is None else StopReason(record["stop"]),
        stop_detail=record["stop_detail"],
        checks=load_checks(record["checks"]),
        score=load_score(record["score"]),
        role=Role(record["role"]),
        created_at=record["created_at"],
        seconds=record["seconds"],
        learn=record["learn"],
    )


def _step_record(step: Step) -> dict[str, Any]:
    return {
        "index": step.index,
        "messages": dump_messages(step.messages),
        "reply": step.reply,
        "action": step.action,
        "observation": dump_observation(step.observation),
        "scores": dump_scores(step.scores),
        "usage": [step.usage.prompt_tokens, step.usage.completion_tokens],
        "policy_seconds": step.policy_seconds,
        "ran": step.ran,
    }


def _step(record: dict[str, Any]) -> Step:
    return Step(
        index=record["index"],
        messages=load_messages(record["messages"]),
        reply=record["reply"],
        action=record["action"],
        observation=load_observation(record["observation"]),
        scores=load_scores(record["scores"]),
        usage=Usage(*record["usage"]),
        policy_seconds=record["policy_seconds"],
        ran=record["ran"],
    )

"""Attempts as they are written down while a local model is measured, and read again by the process that goes on."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.evaluation.ablation.traces import pack_trajectory, unpack_trajectory
from metaclaw_jlab.evaluation.demo_local_folder import Lines
from metaclaw_jlab.evaluation.practice_arms import Attempt
from metaclaw_jlab.evaluation.practice_attempt import Attempted
from metaclaw_jlab.practice import PracticeTask, Verdict

Key = tuple[str, str]  # arm and task


class AttemptsKept:
    """The attempts of a measurement, by arm and task, and those of the stream.

    Those in which policy or sandbox failed are made again by the next process.
    """

    def __init__(self, lines: Lines, tasks: Iterable[PracticeTask]) -> None:
        self._lines = lines
        by_id = {task.id: task for task in tasks}
        self._arms: dict[Key, Attempt] = {}
        self._stream: dict[str, Attempted] = {}
        for record in lines.read():
            try:
                self._take(record, by_id)
            except (KeyError, TypeError, ValueError, zlib.error):
                continue

    def of_arm(self, arm: str, task: PracticeTask) -> Attempt | None:
        """The attempt that was made; None where there is none."""
        return self._arms.get((arm, task.id))

    def of_stream(self, task: PracticeTask) -> Attempted | None:
        """The attempt that was made; None where there is none."""
        return self._stream.get(task.id)

    def __len__(self) -> int:
        return len(self._arms)

    def keep(self, attempt: Attempt) -> None:
        """Write an arm's attempt down, from any thread. Raises StoreFull, StoreReadOnly."""
        self._lines.append(_arm_record(attempt))
        self._arms[(attempt.arm, attempt.task.id)] = attempt

    def keep_of_stream(self, task: PracticeTask, done: Attempted) -> None:
        """Write an attempt of the stream down, from any thread. Raises StoreFull, StoreReadOnly."""
        if done.trajectory is None or done.failure is not None:
            return
        trace = base64.b64encode(pack_trajectory(done.trajectory)).decode("ascii")
        self._lines.append({"stream": task.id, "verdict": asdict(done.verdict), "trace": trace})
        self._stream[task.id] = done

    def _take(self, record: Mapping[str, Any], tasks: Mapping[str, PracticeTask]) -> None:
        verdict = _verdict(record["verdict"])
        if "stream" in record:
            trajectory = unpack_trajectory(base64.b64decode(record["trace"]))
            self._stream[record["stream"]] = Attempted(verdict, trajectory)
        elif record["failure"] is None:
            attempt = _arm_attempt(record, tasks[record["task"]], verdict)
            self._arms[(attempt.arm, attempt.task.id)] = attempt


def _arm_record(attempt: Attempt) -> dict[str, Any]:
    return {
        "arm": attempt.arm,
        "task": attempt.task.id,
        "verdict": asdict(attempt.verdict),
        "stop": attempt.stop.value,
        "skills": list(attempt.skills),
        "stated": sorted(attempt.stated),
        "steps": attempt.steps,
        "seconds": round(attempt.seconds, 3),
        "failure": attempt.failure,
        "repairs": attempt.repairs,
        "mended": attempt.mended,
        "prompt_tokens": attempt.prompt_tokens,
        "completion_tokens": attempt.completion_tokens,
    }


def _arm_attempt(record: Mapping[str, Any], task: PracticeTask, verdict: Verdict) -> Attempt:
    return Attempt(
        record["arm"],
        task,
        verdict,
        StopReason(record["stop"]),
        tuple(record["skills"]),
        frozenset(record["stated"]),
        record["steps"],
        record["seconds"],
        record["failure"],
        record["repairs"],
        record["mended"],
        record["prompt_tokens"],
        record["completion_tokens"],
    )


def _verdict(told: Mapping[str, Any]) -> Verdict:
    return Verdict(**{**told, "broken": tuple(told["broken"])})

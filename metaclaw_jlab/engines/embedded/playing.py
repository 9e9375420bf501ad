"""Runs the code of an attempt in a throw-away sandbox and sees what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import Outcome, PracticeTask, probe


@dataclass(frozen=True, slots=True)
class Played:
    """The observation of each action, and the outcome of all of them."""

    observations: tuple[Observation, ...]
    outcome: Outcome


def play(pool: SandboxPool, task: PracticeTask, actions: Sequence[str]) -> Played:
    """All actions from the task's start, in one namespace and one working folder."""
    sandbox = pool.open(files=task.files)
    try:
        observations = tuple(sandbox.execute(action) for action in actions)
        files = sandbox.files()
        snippet = probe(task)
        probes = _read_probes(sandbox.execute(snippet)) if snippet else {}
    finally:
        sandbox.close()
    error = observations[-1].error if observations else None
    outcome = Outcome(
        error=f"{error.name}: {error.message}" if error else None,
        stdout="".join(observation.stdout for observation in observations),
        files=files,
        probes=probes,
    )
    return Played(observations, outcome)


def _read_probes(observation: Observation) -> dict[str, Any]:
    lines = observation.stdout.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

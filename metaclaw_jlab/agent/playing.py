"""Runs the code of an attempt in a throw-away sandbox and sees what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.executors.sandbox import Sandbox, SandboxPool
from metaclaw_jlab.practice import Outcome, PracticeTask, probe


@dataclass(frozen=True, slots=True)
class Played:
    """The observation of each action, and the outcome of all of them."""

    observations: tuple[Observation, ...]
    outcome: Outcome


def play(pool: SandboxPool, task: PracticeTask, actions: Sequence[str]) -> Played:
    """All actions from the task's start, in one namespace and one working folder."""
    with pool.open(files=task.files) as sandbox:
        observations = tuple(sandbox.execute(action) for action in actions)
        return Played(observations, outcome(sandbox, task, observations))


def outcome(sandbox: Sandbox, task: PracticeTask, observations: Sequence[Observation]) -> Outcome:
    """What the actions observed so far left in their sandbox. An error that later actions mended does not count."""
    files = sandbox.files()
    snippet = probe(task)
    probes = _read_probes(sandbox.execute(snippet)) if snippet else {}
    error = observations[-1].error if observations else None
    return Outcome(
        error=f"{error.name}: {error.message}" if error else None,
        stdout="".join(observation.stdout for observation in observations),
        files=files,
        probes=probes,
    )


def _read_probes(observation: Observation) -> dict[str, Any]:
    lines = observation.stdout.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

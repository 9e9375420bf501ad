"""The line about a task as a mime bundle: its text, and the same in ids, hashes and numbers for a front end of ours."""

from __future__ import annotations

from functools import cache

from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.inspection.lines import plain
from metaclaw_jlab.jupyter.kernel.display import bundle, summary

TASK_TYPE = "application/vnd.metaclaw-jlab.task.v1+json"
SCHEMA_VERSION = 1
FINEST_SECONDS = 3  # decimals


def task_line(trajectory: Trajectory, home: str, *more: str) -> dict[str, object]:
    """The line of `summary` in mime types; `home` is the id of the home that the task is kept in.

    A front end that does not know the type shows the text. No prompt, code or output is in it.
    """
    sentence = plain(summary(trajectory, *more))
    return {**bundle(sentence), TASK_TYPE: _facts(trajectory, home, sentence)}


def _facts(trajectory: Trajectory, home: str, sentence: str) -> dict[str, object]:
    from metaclaw_jlab.agent.rollout import waits

    stamp, checks = trajectory.stamp, trajectory.checks
    return {
        "version": SCHEMA_VERSION,
        "package": _package(),
        "home": home,
        "trajectory": trajectory.id,
        "generation": stamp.skill_generation,
        "adapter": stamp.adapter,
        "model": stamp.model,
        "skills": [{"name": skill.name, "sha256": skill.sha256} for skill in stamp.skills],
        "stop": None if trajectory.stop is None else trajectory.stop.value,
        "waits": waits(trajectory),
        "steps": len(trajectory.steps),
        "checks": {"passed": sum(result.passed for result in checks), "total": len(checks)}
        if checks
        else None,
        "seconds": round(trajectory.seconds, FINEST_SECONDS),
        "learn": trajectory.learn,
        "sentence": sentence,
    }


@cache
def _package() -> str:
    """The version of this package, which the page compares with its own."""
    from metaclaw_jlab.inspection.status import version

    return version()

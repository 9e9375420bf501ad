"""What a house has learnt, as JSON values and as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.evaluation.evolved_rules import Recall
from metaclaw_jlab.evaluation.learnt_arms import Learnt
from metaclaw_jlab.practice import RULES
from metaclaw_jlab.store.support import Decision

_DIGITS = 4


def learnt_report(learnt: Learnt) -> dict[str, Any]:
    """Generation and number of skills, and what became of all attempts of the stream."""
    stream = learnt.stream
    roles, decisions = stream.workspace.trajectories().counts().roles, stream.decisions()
    return {
        "skill_generation": stream.generation(),
        "skills": len(learnt.skills),
        "skills_of_known_rule": len(learnt.rules),
        "rules_to_learn": sum(option != RULES[rule].habit for rule, option in learnt.house.options.items()),
        "stream_attempted": len(stream.attempted),
        "stream_passed": stream.passed,
        "failures_settled": {decision.value: decisions[decision] for decision in Decision},
        "query": roles[Role.QUERY],
        "support": roles[Role.SUPPORT],
    }


def recall_report(found: Recall) -> dict[str, Any]:
    """A recall: over all rules that must be told, and over those that the library has a skill for."""
    return {
        "rules": found.needed,
        "recall_at_3": None if found.share is None else round(found.share, _DIGITS),
        "of_known": None if found.share_of_known is None else round(found.share_of_known, _DIGITS),
    }


def render_learning(report: Mapping[str, Any]) -> str:
    """What was learnt, in a few lines."""
    settled, obedience = report["failures_settled"], report.get("obedience")
    recalls = [
        f"{name} {_share(report['recall'][name]['recall_at_3'])}"
        for name in ("start", "middle", "end", "given")
        if name in report["recall"]
    ]
    lines = [
        f"learnt from {report['stream_attempted']} training tasks, of which {report['stream_passed']} passed: "
        f"{report['skills']} skills in {report['skill_generation']} generations",
        f"failures: {', '.join(f'{count} {name}' for name, count in settled.items())}; "
        f"{report['support']} support, {report['query']} query",
        f"recall@{report.get('max_skills', 3)} on validation tasks: {', '.join(recalls)}",
    ]
    if obedience is not None:
        lines.append(
            f"skills that alone reach the given one's obedience within {obedience['margin']:.2f}: "
            f"{_share(obedience['share_within_margin'])} of {obedience['skills']}"
        )
    lines.append(
        f"share of the distance from baseline to given_skills: {_share(report['share_of_distance'])}"
    )
    if report["evolver_trouble"]["n"]:
        lines.append(
            f"the evolver failed {report['evolver_trouble']['n']} times: {report['evolver_trouble']['example']}"
        )
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

"""The slow loop of a house: its training, what the gate said of it, and what serves afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metaclaw_jlab.core.gate import Comparison, GateReport
from metaclaw_jlab.core.training import StepReport, TrainingRun

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Trained:
    """A training that is over, its reports, the gate's where there was one, and the version that serves since (None:
    the base alone)."""

    run: TrainingRun
    steps: tuple[StepReport, ...]
    gate: GateReport | None
    served: int | None


def training_report(trained: Trained | None) -> dict[str, Any] | None:
    """A training as JSON values; None where there was none."""
    if trained is None:
        return None
    run, gate = trained.run, trained.gate
    return {
        "state": run.state.value,
        "reason": run.reason,
        "seed": run.seed,
        "steps": run.steps_done,
        "adapter": run.adapter,
        "served": trained.served,
        "seconds": round(sum(step.seconds for step in trained.steps), 1),
        "scoring_seconds": round(sum(step.scoring_seconds for step in trained.steps), 1),
        "reward": [round(step.reward, _DIGITS) for step in trained.steps],
        "gate": None if gate is None else _gate(gate),
    }


def render_training(report: Mapping[str, Any] | None) -> list[str]:
    """What was trained and what the gate said, in a line each; nothing where nothing was trained."""
    if report is None:
        return []
    lines = [
        f"trained {report['steps']} steps in {report['seconds']:.0f} s, mean reward {_ends(report['reward'])}: "
        f"{report['state']}. {report['reason']}"
    ]
    if report["gate"] is not None:
        lines.append(f"the gate said {report['gate']['verdict']}: {report['gate']['reason']}")
    served = report["served"]
    lines.append(
        "the base alone serves: full is skills, and adapter is baseline"
        if served is None
        else f"adapter v{served} serves"
    )
    return lines


def _gate(gate: GateReport) -> dict[str, Any]:
    return {
        "verdict": gate.verdict.value,
        "reason": gate.reason,
        "look": gate.look,
        "missing": gate.missing,
        "comparisons": [_comparison(one) for one in gate.comparisons],
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "name": one.name,
        "n": one.n,
        "candidate": round(one.candidate, _DIGITS),
        "reference": round(one.reference, _DIGITS),
        "difference": round(one.difference.estimate, _DIGITS),
        "interval": [round(one.difference.low, _DIGITS), round(one.difference.high, _DIGITS)],
        "passed": one.passed,
    }


def _ends(rewards: Sequence[float]) -> str:
    """The mean of the first and of the last few steps."""
    if not rewards:
        return "-"
    few = max(1, min(5, len(rewards) // 2))
    first, last = (sum(part) / len(part) for part in (rewards[:few], rewards[-few:]))
    return f"{first:.2f} to {last:.2f}"

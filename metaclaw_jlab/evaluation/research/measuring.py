"""What a run of the pipeline came to, in parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from metaclaw_jlab.evaluation.research.records import RunPlace
from metaclaw_jlab.evaluation.research.stages import (
    DONE,
    FAILED,
    PIVOT,
    REFINE,
    Execution,
    latest,
    read_lessons,
    read_rollbacks,
    read_summary,
    refine_iterations,
    retries,
    total_stages,
)
from metaclaw_jlab.evaluation.research.turns import HEADER, TIME, StageTurn, cost_of, skills_by_stage

# The published weights: "a weighted average of stage completion rate (40%), retry reduction (30%), and refine cycle
# efficiency (30%)". How the last two are scaled is not published, and the published values don't follow from the
# weights alone: what is here is our own reading.
WEIGHTS = {"completion": 0.4, "no_retries": 0.3, "no_refines": 0.3}
MOST_CYCLES = 2  # the pipeline's own limit of decisions to go back


def measured(place: RunPlace, turns: Sequence[StageTurn], *, bridged: bool) -> dict[str, Any]:
    """A run's result as JSON."""
    state = place.state()
    executions, rollbacks = state.executions, read_rollbacks(place.output)
    last, total = latest(executions), total_stages(place.log, executions)
    again = retries(executions, rollbacks)
    decisions = Counter(one.decision for one in rollbacks)
    code = state.codes[-1] if state.codes else None
    parts = _parts(last, total, sum(again.values()), decisions[REFINE])
    return {
        "arm": place.arm,
        "run": place.number,
        "state": "timed out" if code is None else "finished" if code == 0 else "failed",
        "exit_code": code,
        "starts": state.starts,
        "seconds": round(state.seconds, 1),
        **parts,
        "refine_cycles": decisions[REFINE],
        "pivots": decisions[PIVOT],
        "refine_iterations": refine_iterations(place.output),
        "stages": _stages(executions, again, turns),
        "failed_at": [one.name for one in last.values() if one.status == FAILED],
        "lessons": dict(Counter(one.severity for one in read_lessons(place.output))),
        **cost_of(turns),
        "skills_by_stage": skills_by_stage(turns),
        "turns": len(turns),
        "stage_told_by": _told_by(turns),
        "bridge": bridged,
        "summary": dict(read_summary(place.output)),
        "learnt": None,
    }


def composite(parts: Mapping[str, float]) -> float:
    """The weighted mean of completion, 1 - retry rate, and 1 - refine cycles by their limit, each in [0, 1]."""
    scaled = {
        "completion": parts["completion"],
        "no_retries": 1 - min(1.0, parts["retry_rate"]),
        "no_refines": 1 - min(1.0, parts["refine_cycles"] / MOST_CYCLES),
    }
    return sum(weight * scaled[name] for name, weight in WEIGHTS.items())


def _parts(last: Mapping[int, Execution], total: int, again: int, cycles: int) -> dict[str, Any]:
    done = sum(one.status == DONE for one in last.values())
    completion, rate = done / total, again / len(last) if last else 0.0
    return {
        "stages_done": done,
        "stages_total": total,
        "stages_begun": len(last),
        "degraded": sum(one.decision == "degraded" for one in last.values()),
        "retries": again,
        "completion": completion,
        "retry_rate": rate,
        "composite": composite({"completion": completion, "retry_rate": rate, "refine_cycles": cycles}),
    }


def _stages(
    executions: Sequence[Execution], again: Mapping[int, int], turns: Sequence[StageTurn]
) -> list[dict[str, Any]]:
    calls = Counter[str]()
    for turn in turns:
        calls[turn.stage] += turn.calls
    return [
        {
            "number": number,
            "name": one.name,
            "status": one.status,
            "executions": sum(other.number == number for other in executions),
            "retries": again.get(number, 0),
            "seconds": round(sum(other.seconds for other in executions if other.number == number), 1),
            "calls": calls[one.name],
        }
        for number, one in sorted(latest(executions).items())
    ]


def _told_by(turns: Sequence[StageTurn]) -> dict[str, int]:
    """How many turns say their stage themselves, how many are told by the time, and of how many it is not known."""
    counts = Counter(turn.told_by for turn in turns)
    return {HEADER: counts[HEADER], TIME: counts[TIME], "unknown": counts[""]}

"""Whether the statistics of ablations keep what they promise, on made-up ones whose truth is known, and their cost.

    python benchmarks/ablation_statistics.py [--ablations 2000]

Planted differences of 0, 5 and 15 points; tasks of unequal difficulty, arms whose luck goes together; several samples
a task or one, few tasks or many, arms in the middle or near the top. For each: how often the 95 % interval of the
difference and of the baseline's mean hold the truth, how often a difference is shown, how often wrongly, and the power
that was stated. Family-wise errors: four equal arms against a baseline. `few` marks plans in which so few tasks differ
that no interval covers closely, the careful one takes part, and coverage is shown but not demanded. Writes
build/bench/ablation_statistics.json.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.comparison import compare, compare_all
from metaclaw_jlab.core.conclusion import Finding, conclude
from metaclaw_jlab.core.power import Discordant, needed_sentence, tasks_needed
from metaclaw_jlab.evaluation.planted_ablation import ARM, BASELINE, Plan, PlantedWorld, run_ablations

OUTPUT = Path("build/bench/ablation_statistics.json")
PLANS = (
    Plan(0.0, 50),
    Plan(0.0, 200),
    Plan(0.05, 70),
    Plan(0.05, 200),
    Plan(0.15, 30),
    Plan(0.15, 60),
    Plan(0.0, 100, samples=1, seeds=1),
    Plan(0.05, 300, samples=1, seeds=1),
    Plan(0.15, 100, samples=1, seeds=1),
    Plan(0.0, 60, taste=1.0, together=0.0, samples=4),
    Plan(0.05, 150, level=0.85),
)
FEW = (
    Plan(0.15, 15),
    Plan(0.0, 30, samples=1, seeds=1),
    Plan(0.0, 60, level=0.9, samples=1),
    Plan(0.05, 60, level=0.9, samples=1),
)
ARMS = ("a", "b", "c", "d")
COVERAGE, FALSE_POSITIVES, POWER_ERROR = (0.935, 0.965), 0.06, 0.05


def measured(plan: Plan, ablations: int, few: bool) -> dict[str, Any]:
    tally = run_ablations(plan, ablations, seed=plan.tasks)
    found = {key: value for key, value in asdict(tally).items() if key != "plan"}
    row = {"plan": asdict(plan), "few": few, **{key: round(value, 4) for key, value in found.items()}}
    print(
        f"{100 * plan.difference:3.0f} points, {plan.tasks:3d} tasks x {plan.seeds * plan.samples}, "
        f"level {plan.level}: "
        f"covered {tally.covered:.1%}, arm {tally.arm_covered:.1%}, shown {tally.shown:.1%} "
        f"(promised {tally.promised:.1%}), wrongly {tally.shown_wrong:.1%}{' [few]' if few else ''}",
        flush=True,
    )
    return row


def as_demanded(row: dict[str, Any]) -> bool:
    low, high = COVERAGE
    covered = row["few"] or (low <= row["covered"] <= high and low <= row["arm_covered"] <= high)
    power_held = abs(row["shown"] - row["promised"]) <= POWER_ERROR
    return bool(covered and row["shown_wrong"] <= FALSE_POSITIVES and power_held)


def family_errors(ablations: int) -> float:
    """How often any of four arms that equal the baseline is called different."""
    world, rng = PlantedWorld(Plan(0.0, 50)), random.Random(1)
    wrong = 0
    for _ in range(ablations):
        found = compare_all(list(world.outcomes(rng, ARMS)), BASELINE)
        wrong += any(conclude(comparison).finding is not Finding.NOT_SHOWN for comparison in found)
    return wrong / ablations


def milliseconds_of_comparing(tasks: int) -> float:
    outcomes = list(PlantedWorld(Plan(0.05, tasks)).outcomes(random.Random(1)))
    started = time.perf_counter()
    conclude(compare(outcomes, ARM, BASELINE))
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ablations", type=int, default=2000)
    ablations = parser.parse_args().ablations
    rows = [measured(plan, ablations, few) for plans, few in ((PLANS, False), (FEW, True)) for plan in plans]
    errors = family_errors(max(1, ablations // 2))
    report = {
        "rows": rows,
        "family_errors": round(errors, 4),
        "as_demanded": all(map(as_demanded, rows)) and errors <= FALSE_POSITIVES,
        "plan": needed_sentence(0.05, Discordant(0.3)),
        "tasks_for_5_points_at_30_percent": tasks_needed(0.05, Discordant(0.3)),
        "compare_ms": {str(tasks): round(milliseconds_of_comparing(tasks), 2) for tasks in (50, 200, 2000)},
    }
    print(
        f"any of four equal arms shown to differ: {errors:.1%}\n{report['plan']}\ncompare: {report['compare_ms']} ms"
    )
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""What weights add to skills, for one seed: it draws house, stream, training and sampling."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from metaclaw_jlab.evaluation.arm_report import arm_report, paired_report
from metaclaw_jlab.evaluation.contradiction import (
    TASKS,
    contradicting_tasks,
    contradiction_report,
    told_attempts,
)
from metaclaw_jlab.evaluation.house_run import HouseRun, Plan, bar, learn_stream
from metaclaw_jlab.evaluation.house_training import training_report
from metaclaw_jlab.evaluation.learning_report import learnt_report
from metaclaw_jlab.evaluation.learnt_arms import FULL, SKILLS, Arm, Learnt, draw_arms, learnt_of
from metaclaw_jlab.evaluation.practice_arms import Attempt, measure
from metaclaw_jlab.evaluation.practice_measurement import Train, attempt_arm, relabelled
from metaclaw_jlab.practice import splits_sha256, validation_tasks

TEMPERATURES = (0.0, 0.3, 0.7)
_SEEDS = 2**31
_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedPlan:
    """How much is measured for each seed: test tasks, training tasks of the stream, validation tasks at each
    temperature, tasks under contradicting skills."""

    tasks: int = 600
    stream: int = 144
    validation: int = 120
    contradicting: int = TASKS

    def of(self, seed: int) -> Plan:
        """The plan of one seed's house."""
        return Plan(tasks=self.tasks, seed=seed, stream=self.stream)


def measure_seed(run: HouseRun, plan: SeedPlan, train: Train) -> dict[str, Any]:
    """The full arm at the serving temperature against the skills arm at its best one, and what else the adapter did.

    An adapter that was not promoted counts as what served instead: then both arms are the same.
    """
    began = time.monotonic()
    learn_stream(run)
    with run.notes.stage("training"):
        trained = train(run)
    learnt = learnt_of(run.stream)
    served = trained.served if trained is not None else None
    arms = {arm.name: arm for arm in draw_arms(learnt, run.workspace.settings().skills, run.plan.seed)}
    by_temperature = _validated(arms[SKILLS], run, learnt, plan)
    best = max(TEMPERATURES, key=lambda temperature: (by_temperature[temperature], -temperature))
    skills = attempt_arm(arms[SKILLS], run, 0, best)
    full = relabelled(skills, FULL) if served is None else attempt_arm(arms[FULL], run, served)
    return {
        "seed": run.plan.seed,
        "house": learnt.house.name,
        "temperature": {"full": run.conditions.sampling.temperature, "skills": best},
        "validation": {f"{temperature:g}": share for temperature, share in by_temperature.items()},
        **arm_report({SKILLS: skills, FULL: full}, run.workspace.settings().skills.max_skills),
        "difference": paired_report(skills, full),
        "contradiction": _contradiction(run, learnt, plan, served),
        **learnt_report(learnt),
        "training": training_report(trained),
        "recall": run.notes.recall,
        "trouble": run.notes.trouble[:1],
        "model": run.model,
        "splits_sha256": splits_sha256(),
        "stage_seconds": run.notes.seconds,
        "seconds": round(time.monotonic() - began, 1),
    }


def _validated(arm: Arm, run: HouseRun, learnt: Learnt, plan: SeedPlan) -> dict[float, float]:
    """The strict share of the skills arm on validation tasks at each temperature."""
    own = Random(f"temperature/{run.plan.seed}").randrange(_SEEDS)
    tasks = validation_tasks(learnt.house, own, plan.validation)
    shares = {}
    with run.notes.stage("validation"), bar("validation", len(tasks) * len(TEMPERATURES)) as shown:
        for temperature in TEMPERATURES:
            found = measure(
                arm.name,
                tasks,
                run.at(0, temperature),
                skills_of=arm.skills_of,
                on_progress=lambda _: shown.update(),
            )
            shares[temperature] = _strict(found)
    return shares


def _contradiction(run: HouseRun, learnt: Learnt, plan: SeedPlan, served: int | None) -> dict[str, Any]:
    told = contradicting_tasks(learnt.house, run.plan.seed, plan.contradicting)
    versions = [0] if served is None else [0, served]
    with run.notes.stage("contradiction"), bar("contradiction", len(told) * len(versions)) as shown:
        found = [
            told_attempts(f"v{version}", told, run.at(version), lambda _: shown.update())
            for version in versions
        ]
    return contradiction_report(found[0], found[-1])


def summary(seeds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all seeds say together. Raises ValueError where there are none."""
    differences = [seed["difference"]["difference"] for seed in seeds]
    ratios = [ratio for seed in seeds if (ratio := seed["contradiction"]["single"]["ratio"]) is not None]
    worst = min(seeds, key=lambda seed: float(seed["difference"]["difference"]))
    return {
        "n": len(seeds),
        "mean_difference": round(sum(differences) / len(differences), _DIGITS),
        "worst": {"seed": worst["seed"], **worst["difference"]},
        "each_above_zero": all(seed["difference"]["ci95"][0] > 0 for seed in seeds),
        "served": sum((seed["training"] or {}).get("served") is not None for seed in seeds),
        "least_obedience_kept": min(ratios, default=None),
        "obedience_kept": all(seed["contradiction"]["kept"] for seed in seeds),
    }


def _strict(found: Sequence[Attempt]) -> float:
    return round(sum(attempt.verdict.strict for attempt in found) / len(found), _DIGITS)

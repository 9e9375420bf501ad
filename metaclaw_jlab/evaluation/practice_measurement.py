"""A house learns, fast and slowly; then what it has learnt is measured on test tasks: one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from metaclaw_jlab.evaluation.arm_report import arm_report, share_of_distance
from metaclaw_jlab.evaluation.house_run import HouseRun, bar, learn_stream
from metaclaw_jlab.evaluation.house_training import Trained, training_report
from metaclaw_jlab.evaluation.learning_report import learnt_report
from metaclaw_jlab.evaluation.learnt_arms import (
    ADAPTER,
    FULL,
    PLACEBO,
    SKILLS,
    Arm,
    Learnt,
    draw_arms,
    learnt_of,
)
from metaclaw_jlab.evaluation.obedience import TRIALS, Candidate, compare_obedience, obedience_report
from metaclaw_jlab.evaluation.practice_arms import BASELINE, GIVEN_SKILLS, Attempt, measure

_PAIRS = (
    (BASELINE, SKILLS),
    (SKILLS, FULL),
    (BASELINE, ADAPTER),
    (SKILLS, GIVEN_SKILLS),
    (BASELINE, PLACEBO),
)

Train = Callable[[HouseRun], Trained | None]


def measure_learning(run: HouseRun, train: Train) -> dict[str, Any]:
    """The report of all arms, with progress on standard error. `train` is the slow loop; None where there is none."""
    learn_stream(run)
    with run.notes.stage("training"):
        trained = train(run)
    learnt = learnt_of(run.stream)
    attempts = _measured_arms(learnt, run, trained)
    with run.notes.stage("obedience"):
        obedience = _obedience(learnt, run)
    pairs = [pair for pair in _PAIRS if attempts.keys() >= set(pair)]
    arms = arm_report(attempts, run.most_skills, pairs)
    return {
        **arms,
        "share_of_distance": share_of_distance(arms, BASELINE, SKILLS, GIVEN_SKILLS),
        **learnt_report(learnt),
        "training": training_report(trained),
        "recall": {"split": "validation", **run.notes.recall},
        "evolver_trouble": {"n": len(run.notes.trouble), "example": next(iter(run.notes.trouble), None)},
        "stage_seconds": run.notes.seconds,
        "obedience": obedience,
        "split": "test",
        "seed": run.plan.seed,
        "stream": run.plan.stream,
        "model": run.model,
        "temperature": run.conditions.sampling.temperature,
        "max_skills": run.most_skills,
        "protections": run.conditions.pool.protections(),
    }


def _measured_arms(learnt: Learnt, run: HouseRun, trained: Trained | None) -> dict[str, tuple[Attempt, ...]]:
    attempts: dict[str, tuple[Attempt, ...]] = {}
    settings = run.workspace.settings().skills
    for arm in draw_arms(learnt, settings, run.plan.seed, run.conditions.prompting):
        if arm.unadapted is None:
            attempts[arm.name] = attempt_arm(arm, run, 0)
        elif trained is not None and trained.served is not None:
            attempts[arm.name] = attempt_arm(arm, run, trained.served)
        elif trained is not None:
            # What was not promoted does not serve: the base answers this arm too.
            attempts[arm.name] = relabelled(attempts[arm.unadapted], arm.name)
    return attempts


def attempt_arm(
    arm: Arm, run: HouseRun, version: int, temperature: float | None = None
) -> tuple[Attempt, ...]:
    """An arm's attempts at the test tasks, answered by one adapter version (0: the base alone)."""
    tasks = run.stream.household.tasks
    with run.notes.stage(arm.name), bar(arm.name, len(tasks)) as shown:
        return measure(
            arm.name,
            tasks,
            run.at(version, temperature),
            skills_of=arm.skills_of,
            rule_of=arm.rule_of,
            on_progress=lambda _: shown.update(),
        )


def relabelled(attempts: Sequence[Attempt], arm: str) -> tuple[Attempt, ...]:
    """The attempts as another arm's."""
    return tuple(replace(attempt, arm=arm) for attempt in attempts)


def _obedience(learnt: Learnt, run: HouseRun) -> dict[str, Any]:
    candidates = [
        Candidate(learnt.stream.household, skill, rule)
        for skill in learnt.skills
        if (rule := learnt.rule_of(skill)) is not None
    ]
    with bar("obedience", 2 * TRIALS * len(candidates)) as shown:
        found = compare_obedience(
            candidates, run.at(0, 0.0), seed=run.plan.seed, on_progress=lambda _: shown.update()
        )
    return obedience_report(found)

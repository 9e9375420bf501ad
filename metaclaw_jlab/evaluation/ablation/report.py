"""What an ablation came to: arms, differences, trainings and days, in JSON's own types."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.ablation import AblationPlan, Attempt
from metaclaw_jlab.core.arm import Arm
from metaclaw_jlab.core.comparison import PairedComparison, arm_mean, compare
from metaclaw_jlab.core.conclusion import Finding, conclude
from metaclaw_jlab.core.estimate import Interval
from metaclaw_jlab.core.multiplicity import holm
from metaclaw_jlab.core.outcome import Outcome, cells_of, task_means
from metaclaw_jlab.core.resampling import bootstrap_interval
from metaclaw_jlab.core.training_seeds import TrainingSeeds, compare_seeds
from metaclaw_jlab.evaluation.ablation.arms import describe, learners
from metaclaw_jlab.evaluation.ablation.verdict import verdict

if TYPE_CHECKING:
    from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, RunState

CHAIN = ("full", "skills")  # the paper's second step: what weights add to skills
_DIGITS = 4
_LEVEL = 0.05

ByArm = Mapping[str, Sequence[Outcome]]


def ablation_report(run: RunFolder, attempts: Sequence[Attempt] | None = None) -> dict[str, Any]:
    """The run as far as it is; `attempts` where they have been read already."""
    if attempts is None:
        from metaclaw_jlab.evaluation.ablation.attempts_log import read_attempts

        attempts = read_attempts(run)
    return report_of(run.number, run.plan(), run.state(), attempts)


def report_of(
    number: int, plan: AblationPlan, state: RunState, attempts: Sequence[Attempt]
) -> dict[str, Any]:
    """The report of these attempts. Means, intervals and differences are of test tasks; tokens, cost, seconds and
    failures of all attempts, those of the days too."""
    all_of = _by_arm(attempts)
    outcomes = {arm: [one.outcome() for one in found if one.day is None] for arm, found in all_of.items()}
    compared = _compared(plan, outcomes)
    comparisons = [_comparison(found) for found in compared.pooled]
    training = [_training(found, adjusted) for found, adjusted in compared.trained]
    done = len(attempts)
    return {
        "number": number,
        "state": state.state.value,
        "reason": state.reason,
        "created_at": state.created_at,
        "done": done,
        "of": state.of,
        "seconds": None if state.started_at is None else round(state.seconds(time.time()), 1),
        "tasks": plan.tasks,
        "reference": plan.reference,
        "seeds": list(plan.seeds),
        "samples": plan.samples,
        "days": _days(plan, all_of),
        "day_count": plan.days.number if plan.days is not None else None,
        "arms": {
            arm.name: _arm(arm, plan, all_of.get(arm.name, ()), outcomes.get(arm.name, ()))
            for arm in plan.arms
        },
        "comparisons": comparisons,
        "training_seeds": training,
        "notes": [*state.notes, *_notes(plan, done, state, compared)],
        "verdict": verdict(plan, comparisons, training, done=done, of=state.of),
    }


@dataclass(frozen=True, slots=True)
class _Compared:
    pooled: tuple[PairedComparison, ...]
    trained: tuple[tuple[TrainingSeeds, float], ...]  # with the p-value of all of its seeds, adjusted
    apart: tuple[tuple[str, str], ...]  # pairs that have no task in common yet


def _compared(plan: AblationPlan, outcomes: ByArm) -> _Compared:
    """The plan's pairs, with p-values adjusted for all of them.

    Where tasks come as a stream, each seed draws another world: its tasks have ids of their own, so that tasks of
    several seeds are as many tasks, each of which counts once. Where ids are the same under every seed (a user's own
    tasks), the seeds cluster within their task. Both is what pairing by id does. Weights that were trained are the
    same in all tasks of a seed, however: then tasks of one seed are not independent, pooling would call one lucky
    training many tasks, and each seed is compared by itself. That all trainings of an arm are better is shown where
    the largest p-value of its seeds is small enough: that needs no correction for the number of seeds.
    """
    trained_arms = frozenset(learners(plan.arms)) if plan.days is not None else frozenset()
    pooled: list[PairedComparison] = []
    trained: list[TrainingSeeds] = []
    apart: list[tuple[str, str]] = []
    for arm, reference in pairs_of(plan):
        ours, theirs = outcomes.get(arm, ()), outcomes.get(reference, ())
        if not ours or not theirs:
            continue
        both = _shared(ours, theirs)
        if not both:
            apart.append((arm, reference))
        elif arm in trained_arms:
            trained.append(compare_seeds(both, arm, reference))
        elif reference in trained_arms:
            trained.append(compare_seeds(both, reference, arm))
        else:
            pooled.append(compare(both, arm, reference))
    hardest = [max(seed.comparison.p_value for seed in found.seeds) for found in trained]
    adjusted = holm([*(found.p_value for found in pooled), *hardest])
    family = len(adjusted)
    return _Compared(
        tuple(
            replace(found, adjusted=p_value, family=family)
            for found, p_value in zip(pooled, adjusted, strict=False)
        ),
        tuple(zip(trained, adjusted[len(pooled) :], strict=True)),
        tuple(apart),
    )


def pairs_of(plan: AblationPlan) -> list[tuple[str, str]]:
    """Which arms are compared with which: all with the reference, and the paper's second step."""
    names = [arm.name for arm in plan.arms]
    pairs = [(name, plan.reference) for name in names if name != plan.reference]
    if set(CHAIN) <= set(names) and not {CHAIN, CHAIN[::-1]} & set(pairs):
        pairs.append(CHAIN)
    return pairs


def _shared(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> list[Outcome]:
    """What both attempted with the same seed: a run that is under way has more of one arm than of another."""
    both = {(one.task, one.seed) for one in ours} & {(one.task, one.seed) for one in theirs}
    return [one for found in (ours, theirs) for one in found if (one.task, one.seed) in both]


def _by_arm(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        found[attempt.arm].append(attempt)
    return dict(found)


def _arm(
    arm: Arm, plan: AblationPlan, attempts: Sequence[Attempt], outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    known = [attempt.right for attempt in attempts if attempt.day is None and attempt.right is not None]
    failures = [attempt.failure for attempt in attempts if attempt.failure is not None]
    prompt = sum(attempt.prompt_tokens for attempt in attempts)
    completion = sum(attempt.completion_tokens for attempt in attempts)
    mean = arm_mean(outcomes, arm.name) if outcomes else None
    report: dict[str, Any] = {
        "about": describe(arm),
        "tasks": mean.tasks if mean else 0,
        "attempts": len(attempts),
        "mean": round(mean.mean.estimate, _DIGITS) if mean else None,
        "ci95": _bounds(mean.mean) if mean else None,
        "right": round(fmean(known), _DIGITS) if known else None,
        "tokens": prompt + completion,
        "cost": round(plan.budget.cost(prompt, completion), 6),
        "seconds": _median(attempt.seconds for attempt in attempts),
        "policy_seconds": _median(attempt.policy_seconds for attempt in attempts),
        "failures": {"n": len(failures), "example": failures[0] if failures else None},
    }
    if plan.days is not None:
        seeds = _seed_means(outcomes)
        report["by_seed"] = {seed: round(one.estimate, _DIGITS) for seed, one in seeds.items()}
        report["by_seed_ci95"] = {seed: _bounds(one) for seed, one in seeds.items()}
    return report


def _seed_means(outcomes: Sequence[Outcome]) -> dict[str, Interval]:
    seeds: dict[int, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        seeds[outcome.seed].append(outcome)
    return {str(seed): arm_mean(seeds[seed], seeds[seed][0].arm).mean for seed in sorted(seeds)}


def _days(plan: AblationPlan, all_of: Mapping[str, Sequence[Attempt]]) -> dict[str, Any] | None:
    if plan.days is None:
        return None
    return {arm.name: _curve(arm.name, all_of.get(arm.name, ())) for arm in plan.arms}


def _curve(arm: str, attempts: Sequence[Attempt]) -> list[dict[str, Any]]:
    """The means of the days; the interval is over a day's tasks of all seeds."""
    days: dict[int, list[Outcome]] = defaultdict(list)
    for attempt in attempts:
        if attempt.day is not None:
            days[attempt.day].append(attempt.outcome())
    curve = []
    for day in sorted(days):
        means = list(task_means(cells_of(days[day], arm)).values())
        interval = bootstrap_interval(means)
        curve.append(
            {
                "day": day,
                "n": len(means),
                "mean": round(interval.estimate, _DIGITS),
                "ci95": _bounds(interval),
            }
        )
    return curve


def _comparison(found: PairedComparison) -> dict[str, Any]:
    told = conclude(found)
    effect = found.standardised
    return {
        "arm": found.arm,
        "reference": found.reference,
        "tasks": found.tasks,
        "difference": round(found.difference.estimate, _DIGITS),
        "ci95": _bounds(found.difference),
        "p": found.p_value,
        "adjusted": found.adjusted,
        "test": found.test,
        "effect": round(effect, _DIGITS) if effect is not None else None,
        "better": round(found.better, _DIGITS),
        "worse": round(found.worse, _DIGITS),
        "equal": round(found.equal, _DIGITS),
        "finding": told.finding.value,
        "sentence": told.sentence,
        "needed": told.needed,
        "smallest": told.smallest,
    }


def _training(found: TrainingSeeds, adjusted: float) -> dict[str, Any]:
    """Seeds one by one. `adjusted` is for all of them together, and `finding` says what every one of them shows."""
    estimates = [seed.comparison.difference.estimate for seed in found.seeds]
    finding = Finding.NOT_SHOWN
    if adjusted <= _LEVEL and (min(estimates) > 0 or max(estimates) < 0):
        finding = Finding.BETTER if min(estimates) > 0 else Finding.WORSE
    return {
        "arm": found.arm,
        "reference": found.worst.comparison.reference,
        "sentence": found.sentence,
        "finding": finding.value,
        "adjusted": adjusted,
        "worst": found.worst.seed,
        "best": found.best.seed,
        "seeds": [
            {
                "seed": seed.seed,
                "tasks": seed.comparison.tasks,
                "difference": round(seed.comparison.difference.estimate, _DIGITS),
                "ci95": _bounds(seed.comparison.difference),
                "p": seed.comparison.p_value,
            }
            for seed in found.seeds
        ],
    }


def _notes(plan: AblationPlan, done: int, state: RunState, compared: _Compared) -> list[str]:
    notes = []
    if done < state.of:
        notes.append(
            f"{state.of - done} of {state.of} attempts are missing: a mean is over the tasks that its arm did, a "
            "difference over those that both did."
        )
    notes += [f"{arm} and {reference} have no task in common yet." for arm, reference in compared.apart]
    if plan.days is None:
        return notes
    count = len(plan.seeds)
    if count > 1 and (trained := learners(plan.arms)):
        notes.append(
            f"The intervals of {_listed(trained)} are over the tasks of these {count} trainings, and do "
            "not tell what another training would come to: see the trainings one by one."
        )
    if taught := [arm.name for arm in plan.arms if arm.learning.skills and not arm.learning.weights]:
        streams = (
            f"each of {count} streams" if count > 1 else "one stream, and how much of it is luck is not known"
        )
        notes.append(
            f"What {_listed(taught)} learnt was learnt once in {streams}; the intervals are over their tasks."
        )
    return notes


def _bounds(interval: Interval) -> list[float]:
    return [round(interval.low, _DIGITS), round(interval.high, _DIGITS)]


def _median(values: Iterable[float]) -> float | None:
    listed = list(values)
    return round(median(listed), _DIGITS) if listed else None


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

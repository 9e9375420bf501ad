"""Made-up ablations whose truth is known: unequal tasks, arms that go together, several samples a task."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from metaclaw_jlab.core.comparison import ArmMean, PairedComparison, arm_mean, compare
from metaclaw_jlab.core.conclusion import Finding, conclude
from metaclaw_jlab.core.outcome import Outcome
from metaclaw_jlab.core.power import Deviation, Discordant, Spread, power

BASELINE, ARM = "baseline", "arm"
_POOL = 4000  # tasks that an ablation's are drawn from


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planted. `difference`: of the arms' true means; `difficulty`: standard deviation of the tasks' log-odds,
    `taste`: of how differently a task takes the change of arm; `together`: the chance that one sample's luck is the
    same in both arms."""

    difference: float
    tasks: int
    seeds: int = 2
    samples: int = 2
    level: float = 0.4
    difficulty: float = 1.5
    taste: float = 0.5
    together: float = 0.5


@dataclass(frozen=True, slots=True)
class Tally:
    """What many ablations of one plan came to, as shares; `promised` is the power that was stated beforehand."""

    plan: Plan
    ablations: int
    covered: float
    arm_covered: float
    shown: float
    shown_wrong: float
    promised: float


class PlantedWorld:
    """A pool of tasks with each arm's chance of solving them, whose means differ by exactly what is planted."""

    def __init__(self, plan: Plan, seed: int = 0) -> None:
        rng = random.Random(seed)
        logits = [rng.gauss(0.0, plan.difficulty) for _ in range(_POOL)]
        tastes = [rng.gauss(0.0, plan.taste) for _ in range(_POOL)]
        self.plan = plan
        self._baseline = _at_mean(logits, plan.level)
        changed = [logit + taste for logit, taste in zip(logits, tastes, strict=True)]
        self._arm = _at_mean(changed, plan.level + plan.difference)

    def outcomes(self, rng: random.Random, arms: Sequence[str] = (ARM,)) -> Iterator[Outcome]:
        """One ablation's, on tasks drawn from the pool; each of the arms is as good as the others."""
        plan = self.plan
        for number in range(plan.tasks):
            chosen = rng.randrange(_POOL)
            for seed in range(plan.seeds):
                for sample in range(plan.samples):
                    luck = rng.random()
                    passed = float(luck < self._baseline[chosen])
                    yield Outcome(BASELINE, f"t{number}", passed, seed, sample)
                    for arm in arms:
                        other = luck if rng.random() < plan.together else rng.random()
                        yield Outcome(arm, f"t{number}", float(other < self._arm[chosen]), seed, sample)

    def spread(self) -> Spread:
        """The true spread of the tasks' differences, computed, not sampled."""
        plan = self.plan
        attempts = plan.seeds * plan.samples
        chances = list(zip(self._baseline, self._arm, strict=True))
        same = [plan.together * min(a, b) + (1 - plan.together) * a * b for a, b in chances]  # both pass
        if attempts == 1:
            return Discordant(fmean(a + b - 2 * both for (a, b), both in zip(chances, same, strict=True)))
        between = pstdev(b - a for a, b in chances) ** 2
        within = fmean(a + b - 2 * both - (b - a) ** 2 for (a, b), both in zip(chances, same, strict=True))
        return Deviation(math.sqrt(between + within / attempts), 1 / attempts)


def run_ablations(plan: Plan, ablations: int, seed: int = 0) -> Tally:
    """Plays so many ablations of the plan and counts what was said of them."""
    world, rng = PlantedWorld(plan, seed), random.Random(seed + 1)
    covered = arm_covered = shown = wrong = 0
    for _ in range(ablations):
        outcomes = list(world.outcomes(rng))
        comparison = compare(outcomes, ARM, BASELINE)
        finding = conclude(comparison).finding
        covered += _holds(comparison, plan.difference)
        arm_covered += _holds(arm_mean(outcomes, BASELINE), plan.level)
        shown += finding is Finding.BETTER
        wrong += finding is Finding.WORSE or (finding is Finding.BETTER and not plan.difference)
    return Tally(
        plan,
        ablations,
        covered / ablations,
        arm_covered / ablations,
        shown / ablations,
        wrong / ablations,
        power(plan.tasks, plan.difference, world.spread()),
    )


def _holds(found: PairedComparison | ArmMean, truth: float) -> bool:
    interval = found.difference if isinstance(found, PairedComparison) else found.mean
    return interval.low <= truth <= interval.high


def _at_mean(logits: list[float], wanted: float) -> list[float]:
    """Chances of these log-odds, all shifted so that the mean is as wanted."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = fmean(1 / (1 + math.exp(-logit - middle)) for logit in logits)
        low, high = (middle, high) if mean < wanted else (low, middle)
    return [1 / (1 + math.exp(-logit - low)) for logit in logits]

"""Training seeds one by one: what one lucky run shows is not what training does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.comparison import PairedComparison, compare
from metaclaw_jlab.core.outcome import Outcome, seeds_of


@dataclass(frozen=True, slots=True)
class TrainingSeed:
    """One seed's training against the reference."""

    seed: int
    comparison: PairedComparison


@dataclass(frozen=True, slots=True)
class TrainingSeeds:
    """The trainings of an arm, ascending by seed; never pooled, because tasks of one training share its luck."""

    arm: str
    seeds: tuple[TrainingSeed, ...]

    @property
    def worst(self) -> TrainingSeed:
        return min(self.seeds, key=lambda seed: seed.comparison.difference.estimate)

    @property
    def best(self) -> TrainingSeed:
        return max(self.seeds, key=lambda seed: seed.comparison.difference.estimate)

    @property
    def sentence(self) -> str:
        """The worst and the best, by name."""
        if len(self.seeds) == 1:
            return (
                f"{self.arm} was trained with one seed, {_told(self.worst)}: how much is luck is not known."
            )
        return (
            f"Of {len(self.seeds)} trainings of {self.arm} the worst is {_told(self.worst)}, "
            f"the best {_told(self.best)}, against {self.worst.comparison.reference}."
        )


def compare_seeds(
    outcomes: Sequence[Outcome], arm: str, reference: str, confidence: float = 0.95
) -> TrainingSeeds:
    """Each of an arm's seeds against the reference's outcomes of that seed, or, where it has none, against all of
    them. Raises UsageMistake where a seed has no task in common with the reference."""
    theirs = set(seeds_of(outcomes, reference))
    found = []
    for seed in seeds_of(outcomes, arm):
        of_seed = [
            outcome
            for outcome in outcomes
            if (outcome.arm == arm and outcome.seed == seed)
            or (outcome.arm == reference and (outcome.seed == seed or seed not in theirs))
        ]
        found.append(TrainingSeed(seed, compare(of_seed, arm, reference, confidence)))
    if not found:
        compare(outcomes, arm, reference, confidence)  # which says what is missing
    return TrainingSeeds(arm, tuple(found))


def _told(seed: TrainingSeed) -> str:
    interval = seed.comparison.difference
    return (
        f"seed {seed.seed} at {100 * interval.estimate:+.1f} points "
        f"({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"
    )

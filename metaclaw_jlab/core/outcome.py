"""What an ablation observes: outcomes by arm, task, seed and sample, and their means by task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

Cells = Mapping[str, Mapping[int, Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt was worth, in [0, 1]. A cell may be attempted several times: its samples. Raises ValueError on
    another value."""

    arm: str
    task: str
    value: float
    seed: int = 0
    sample: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise ValueError(
                f"Task {self.task} in arm {self.arm} has the outcome {self.value}, not one from 0 to 1."
            )


@dataclass(frozen=True, slots=True)
class TaskPair:
    """One task's mean outcome in an arm and in its reference."""

    task: str
    arm: float
    reference: float

    @property
    def difference(self) -> float:
        return self.arm - self.reference


def arms_of(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """The arms in the order of their first outcome."""
    return tuple(dict.fromkeys(outcome.arm for outcome in outcomes))


def seeds_of(outcomes: Iterable[Outcome], arm: str) -> tuple[int, ...]:
    """The seeds that an arm has outcomes of, ascending."""
    return tuple(sorted({outcome.seed for outcome in outcomes if outcome.arm == arm}))


def cells_of(outcomes: Iterable[Outcome], arm: str) -> Cells:
    """An arm's values by task and seed. Raises ValueError where one attempt is there twice."""
    cells: dict[str, dict[int, dict[int, float]]] = {}
    for outcome in outcomes:
        if outcome.arm != arm:
            continue
        samples = cells.setdefault(outcome.task, {}).setdefault(outcome.seed, {})
        if outcome.sample in samples:
            raise ValueError(
                f"Task {outcome.task} has sample {outcome.sample} of seed {outcome.seed} twice in arm {arm}."
            )
        samples[outcome.sample] = outcome.value
    return {
        task: {seed: tuple(samples.values()) for seed, samples in seeds.items()}
        for task, seeds in cells.items()
    }


def task_means(cells: Cells) -> dict[str, float]:
    """Each task's mean over its seeds, of each seed's mean over its samples."""
    return {task: _mean(seeds, seeds) for task, seeds in cells.items()}


def task_pairs(cells: Cells, reference: Cells) -> tuple[TaskPair, ...]:
    """The tasks that both did, in the reference's order. Of a task the seeds that both did count; where they share
    none, all do: an arm that is not trained has no training seeds."""
    pairs = []
    for task, theirs in reference.items():
        if task in cells:
            ours = cells[task]
            shared = ours.keys() & theirs.keys()
            pairs.append(TaskPair(task, _mean(ours, shared or ours), _mean(theirs, shared or theirs)))
    return tuple(pairs)


def _mean(seeds: Mapping[int, Sequence[float]], chosen: Iterable[int]) -> float:
    return _of([_of(seeds[seed]) for seed in sorted(chosen)])


def _of(values: Sequence[float]) -> float:
    # Most means are of one value, and there are thousands.
    return float(values[0]) if len(values) == 1 else fmean(values)

"""What is told of ablations, as the description of the interface has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from metaclaw_jlab.core.ablation import AblationState

Interval = tuple[float, float]
Shown = Literal["better", "worse", "not shown"]


@dataclass(frozen=True, slots=True)
class AblationRow:
    """An ablation in the list. `done` of `of` attempts are made; `verdict` is "" where it is not worked out yet."""

    number: int
    state: AblationState
    reason: str
    created_at: float
    tasks: str
    arms: tuple[str, ...]
    reference: str
    done: int
    of: int
    eta_seconds: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class AblationRows:
    """The ablations of a home, the newest first. `next` is what `before` has to be for those after them."""

    runs: tuple[AblationRow, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class ArmChoice:
    """An arm that has a name. `learns`: it needs a stream of days to be more than what it begins with."""

    name: str
    about: str
    learns: bool


@dataclass(frozen=True, slots=True)
class ArmPart:
    """What an arm's line can change: `key=value`, such as `skills=none`; `values` where they are few."""

    key: str
    about: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskSetChoice:
    """A set of tasks; `count` is None where it is not known, `why_not` says why it cannot be used."""

    spec: str
    title: str
    about: str
    count: int | None
    why_not: str | None


@dataclass(frozen=True, slots=True)
class AblationDefaults:
    """What is done where nothing else is said."""

    arms: tuple[str, ...]
    tasks: str
    n: int
    seeds: int
    samples: int
    days: int | None
    budget_minutes: float | None
    budget_tokens: int | None


@dataclass(frozen=True, slots=True)
class AblationChoices:
    """What an ablation can be made of."""

    arms: tuple[ArmChoice, ...]
    parts: tuple[ArmPart, ...]
    task_sets: tuple[TaskSetChoice, ...]
    defaults: AblationDefaults


@dataclass(frozen=True, slots=True)
class ArmFailures:
    """Attempts at which the policy or the sandbox failed; an example of why."""

    n: int
    example: str | None


@dataclass(frozen=True, slots=True)
class ArmResult:
    """What an arm came to: the mean over tasks, each the mean of its attempts, with its 95 % interval; `right` is the
    share of attempts whose task itself was right, whatever the house wants. `seconds` are the median of an attempt.
    `by_seed`: the means of the seeds of a stream."""

    about: str
    tasks: int
    attempts: int
    mean: float | None
    ci95: Interval | None
    right: float | None
    tokens: int
    cost: float
    seconds: float | None
    policy_seconds: float | None
    failures: ArmFailures
    by_seed: dict[str, float] = field(default_factory=dict)
    by_seed_ci95: dict[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """An arm against the reference, by task. `p` is of the test that is named, `adjusted` for the number of arms;
    `needed` tasks would show a difference of five points, `smallest` is the difference that these tasks can show."""

    arm: str
    reference: str
    tasks: int
    difference: float
    ci95: Interval
    p: float
    adjusted: float
    test: str
    effect: float | None
    better: float
    worse: float
    equal: float
    finding: Shown
    sentence: str
    needed: int | None
    smallest: float | None


@dataclass(frozen=True, slots=True)
class SeedDifference:
    """An arm against the reference in one training."""

    seed: int
    tasks: int
    difference: float
    ci95: Interval
    p: float


@dataclass(frozen=True, slots=True)
class TrainingSeeds:
    """An arm whose weights are trained: its trainings one by one. `finding` is what every one of them shows, `worst`
    and `best` are seeds."""

    arm: str
    reference: str
    sentence: str
    finding: Shown
    adjusted: float
    worst: int
    best: int
    seeds: tuple[SeedDifference, ...]


@dataclass(frozen=True, slots=True)
class DayMean:
    """An arm on one day of its stream."""

    day: int
    n: int
    mean: float
    ci95: Interval | None


@dataclass(frozen=True, slots=True)
class AblationReport:
    """What an ablation has come to so far. `days` are the curves of a stream of `day_count` days."""

    number: int
    state: AblationState
    reason: str
    created_at: float
    done: int
    of: int
    eta_seconds: float | None
    seconds: float | None
    tasks: str
    reference: str
    seeds: tuple[int, ...]
    samples: int
    arms: dict[str, ArmResult]
    comparisons: tuple[ArmComparison, ...]
    training_seeds: tuple[TrainingSeeds, ...]
    days: dict[str, tuple[DayMean, ...]] | None
    day_count: int | None
    notes: tuple[str, ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class GridTask:
    """A row of the grid."""

    id: str
    title: str
    group: str
    day: int | None


@dataclass(frozen=True, slots=True)
class AblationGrid:
    """What each task was worth in each arm, None where it has not been attempted."""

    arms: tuple[str, ...]
    tasks: tuple[GridTask, ...]
    values: tuple[tuple[float | None, ...], ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TraceStep:
    """A step of an attempt: what the policy said, the code, and what came of it."""

    reply: str
    action: str
    stdout: str
    stderr: str
    result: str | None
    error: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TraceCheck:
    """A check of the task, and whether it held."""

    source: str
    passed: bool
    feedback: str


@dataclass(frozen=True, slots=True)
class Trace:
    """An attempt at a task, step by step."""

    arm: str
    value: float
    right: bool | None
    stop: str
    failure: str | None
    skills: tuple[str, ...]
    checks: tuple[TraceCheck, ...]
    steps: tuple[TraceStep, ...]


@dataclass(frozen=True, slots=True)
class TracePair:
    """The attempts of all arms at one task with one of its `seeds`. `task` is its text."""

    id: str
    task: str
    title: str
    group: str
    day: int | None
    seed: int
    sample: int
    seeds: tuple[int, ...]
    attempts: tuple[Trace, ...]


@dataclass(frozen=True, slots=True)
class AblationTold:
    """What was done to an ablation, in a sentence."""

    number: int
    state: AblationState
    told: str

"""What an ablation is: arms on the same tasks with the same seeds, and what each attempt came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from metaclaw_jlab.core.arm import Arm
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.outcome import Outcome


class AblationState(StrEnum):
    """How far an ablation is."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"  # by its user
    SPENT = "spent"  # its budget
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # its process is gone: it can be resumed

    @property
    def over(self) -> bool:
        """Whether nothing runs, and nothing will by itself."""
        return self not in (AblationState.PLANNED, AblationState.RUNNING)


@dataclass(frozen=True, slots=True)
class Budget:
    """What an ablation may use; None: as much as it takes. `money` in the currency of the two prices, each for a
    million tokens."""

    tokens: int | None = None
    money: float | None = None
    seconds: float | None = None
    prompt_price: float = 0.0
    completion_price: float = 0.0

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.prompt_price + completion_tokens * self.completion_price) / 1e6


@dataclass(frozen=True, slots=True)
class Days:
    """A stream: so many days of so many tasks, learnt from after each `round_size` of them; the weights may train in
    the night after every `nights`-th day."""

    number: int
    tasks: int = 24
    round_size: int = 8
    nights: int = 1


@dataclass(frozen=True, slots=True)
class AblationPlan:
    """What is to be done: `tasks` is the spec of a task set, `n` the most test tasks of it (for each seed, where seeds
    draw worlds of their own), `samples` the attempts at each with each seed. With `days` each arm learns from a stream
    in a home of its own, else all do their tasks on one frozen copy of the user's. `settings` hold for all arms.

    Raises UsageMistake where it is none.
    """

    arms: tuple[Arm, ...]
    tasks: str
    reference: str
    n: int = 100
    seeds: tuple[int, ...] = (1,)
    samples: int = 1
    days: Days | None = None
    budget: Budget = field(default_factory=Budget)
    parallel: int = 2
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageMistake(f"There are two arms called {twice}.", "Give each a name of its own.")
        if self.reference not in names:
            raise UsageMistake(
                f"There is no arm {self.reference} to compare with.",
                f"Arms are: {', '.join(names) or 'none'}.",
            )
        if len(set(self.seeds)) < len(self.seeds) or not self.seeds:
            raise UsageMistake(f"The seeds are {list(self.seeds)}.", "Give at least one, each once.")
        for value, what in ((self.n, "tasks"), (self.samples, "samples"), (self.parallel, "processes")):
            if value < 1:
                raise UsageMistake(f"{value} {what} are too few.", "Use 1 or more.")
        if (
            self.days is not None
            and min(self.days.number, self.days.tasks, self.days.round_size, self.days.nights) < 1
        ):
            raise UsageMistake("A stream has at least one day with one task.", "Use 1 or more of each.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an arm's attempt at a task came to: its `value` in [0, 1], 1 where every check held. `right` is whether the
    task itself was right, whatever the house wants, where that is known; `day` is that of a stream, None for a test
    task; `trace` is where the trajectory is kept (offset and length), None where there is none."""

    arm: str
    task: str
    seed: int
    sample: int
    value: float
    right: bool | None = None
    day: int | None = None
    group: str = ""
    stop: str = ""
    failure: str | None = None
    skills: tuple[str, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    policy_seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    trace: tuple[int, int] | None = None

    @property
    def key(self) -> tuple[str, str, int, int]:
        """Arm, task, seed and sample: no attempt is made twice."""
        return self.arm, self.task, self.seed, self.sample

    def outcome(self) -> Outcome:
        """For the statistics."""
        return Outcome(self.arm, self.task, self.value, self.seed, self.sample)

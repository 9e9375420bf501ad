"""What training is made of: prompts to be answered by a group, the run, and what is reported of each of its steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Step


class PromptKind(StrEnum):
    """Where a prompt of a training comes from."""

    QUERY = "query"  # a query trajectory of the current skill generation
    REPLAY = "replay"  # the frozen replay set, never a trajectory
    TURN = "turn"  # a query trajectory of another agent: nothing is run, a judge decides on the reply alone


@dataclass(frozen=True, slots=True)
class TrainingPrompt:
    """A prompt that a group of completions answers: the messages exactly as they were sent, and how to get to the
    state that they speak of. `before` are the steps to replay in a room at `start`; `id` is the trajectory's, or that
    of the replay task."""

    id: str
    kind: PromptKind
    task: Task
    messages: tuple[Message, ...]
    start: StartState
    before: tuple[Step, ...] = ()

    @property
    def step(self) -> int:
        """Which step of its task the prompt asks for, from 0."""
        return len(self.before)

    @property
    def checked(self) -> bool:
        """Whether checks tell its outcome; where they do, no judge is asked."""
        return bool(self.task.checks) or self.start.practice is not None


class RunState(StrEnum):
    """Where a training run stands."""

    COLLECTING = "collecting"  # older tasks are attempted again, the query set is filled
    TRAINING = "training"
    PAUSED = "paused"  # stopped by the user or the window; its checkpoint resumes
    GATING = "gating"
    DONE = "done"  # its adapter was decided on
    ABANDONED = "abandoned"  # its skill generation was superseded
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self in (RunState.DONE, RunState.ABANDONED, RunState.FAILED)


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A training run. `reason` says in a sentence why it stands where it stands; `parent` is the adapter it began
    from, `adapter` the one that it made."""

    number: int
    skill_generation: int
    base: str
    base_sha256: str
    seed: int
    steps: int
    state: RunState
    reason: str
    created_at: float
    changed_at: float
    steps_done: int = 0
    prompts: int = 0
    parent: int | None = None
    adapter: int | None = None


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one optimiser step saw. Rewards are means over completions in [-1, 1]; `kl` is against the base without
    adapter, None where it was not computed; groups of equal reward and unscored completions are left out of the
    gradient and counted; `mismatched` prompts could not be replayed to their state."""

    step: int
    reward: float
    loss: float
    kl: float | None = None
    entropy: float | None = None
    grad_norm: float | None = None
    completion_tokens: float = 0.0
    groups: int = 0
    equal_groups: int = 0
    unscored: int = 0
    mismatched: int = 0
    query_reward: float | None = None
    replay_reward: float | None = None
    tokens_per_second: float = 0.0
    generation_seconds: float = 0.0
    scoring_seconds: float = 0.0
    training_seconds: float = 0.0
    seconds: float = 0.0

"""What a trajectory is: the steps of one task, why it stopped, and what it ran under."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Scoring
from metaclaw_jlab.core.task import CheckResult, Task


class StopReason(StrEnum):
    """Why a trajectory ended."""

    DONE = "done"  # the policy said so, and no check failed
    CHECK_FAILED = "check_failed"  # the policy said it was done, a check says otherwise
    OUT_OF_STEPS = "out_of_steps"
    NO_ACTION = "no_action"  # the policy answered without code before anything was done
    REPEATED = "repeated"  # the policy proposed the same failing code again
    CANCELLED = "cancelled"
    POLICY_FAILED = "policy_failed"
    EXECUTOR_FAILED = "executor_failed"
    REJECTED = "rejected"  # the user turned the proposal down
    EXPIRED = "expired"  # a proposal that was never run
    INTERRUPTED = "interrupted"  # its process died


class Role(StrEnum):
    """What a trajectory may be used for. It has one role, and support is for ever (invariant 2)."""

    NEITHER = "neither"
    SUPPORT = "support"
    QUERY = "query"


class Purpose(StrEnum):
    """Why a trajectory was made. Only `user` and `retry` can ever be query or support."""

    USER = "user"
    RETRY = "retry"
    ABLATION = "ablation"
    GATE = "gate"
    BENCHMARK = "benchmark"
    SKILL_REPLAY = "skill_replay"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class ExecutionError:
    """An exception of the agent's code: its class name, its message and its traceback as plain text."""

    name: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What running an action did. Text is cut by the executor; `truncated` counts the characters left out."""

    stdout: str = ""
    stderr: str = ""
    result: str | None = None
    error: ExecutionError | None = None
    seconds: float = 0.0
    truncated: int = 0

    @property
    def failed(self) -> bool:
        """Whether the code raised."""
        return self.error is not None


@dataclass(frozen=True, slots=True)
class Step:
    """One reply of the policy, the action (code) in it, and its observation. `action` is "" where there was no code.

    `ran` is the code that was observed in place of the action, where the user edited it.
    """

    index: int
    messages: tuple[Message, ...]
    reply: str
    action: str
    observation: Observation | None = None
    scores: tuple[Scoring, ...] = ()
    usage: Usage = field(default_factory=Usage)
    policy_seconds: float = 0.0
    ran: str | None = None


@dataclass(frozen=True, slots=True)
class InjectedSkill:
    """A skill as it was put in the prompt, and how relevant retrieval found it."""

    name: str
    sha256: str
    relevance: float


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a trajectory ran under: fixed when its first prompt is built (invariant 1)."""

    skill_generation: int
    skills: tuple[InjectedSkill, ...]
    model: str
    adapter: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The steps of one task. `stop` is None while it is open. Without `learn` it never teaches anything."""

    id: str
    task: Task
    stamp: Stamp
    purpose: Purpose = Purpose.USER
    steps: tuple[Step, ...] = ()
    stop: StopReason | None = None
    stop_detail: str = ""
    checks: tuple[CheckResult, ...] = ()
    score: Scoring | None = None
    role: Role = Role.NEITHER
    created_at: float = 0.0
    seconds: float = 0.0
    learn: bool = True


class Recorder(Protocol):
    """Where trajectories are kept. A completed call is durable (invariant 4)."""

    def begin(self, trajectory: Trajectory) -> None:
        """Record an open trajectory with its stamp and no steps."""

    def append(self, trajectory_id: str, step: Step) -> None:
        """Record the next step."""

    def close(
        self,
        trajectory_id: str,
        stop: StopReason,
        *,
        detail: str = "",
        checks: tuple[CheckResult, ...] = (),
        score: Scoring | None = None,
        seconds: float = 0.0,
    ) -> None:
        """Record why the trajectory ended."""


@runtime_checkable
class ProposalRecorder(Recorder, Protocol):
    """A recorder that also keeps proposals: steps appended without an observation, which they get when they are run."""

    def observe(self, trajectory_id: str, step: Step) -> None:
        """Record the observation and scores of the last step, which was appended without."""


def new_trajectory_id() -> str:
    """A short random id, fit for a cell's mark (`# metaclaw:<id>`)."""
    return secrets.token_hex(6)

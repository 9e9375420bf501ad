"""A scripted policy, an executor and a recorder in memory, for tests of the rollout."""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from metaclaw_jlab.agent.rollout import Rollout
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Task
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    Observation,
    Step,
    StopReason,
    Trajectory,
)

TASK = Task("Set x to 1")
X_IS_ONE = Check(CheckKind.EXPRESSION, "x == 1", "x is not 1")
DATES = Skill("iso-dates", "Use when dates are written.", "Write dates as YYYY-MM-DD.")


def code(source: str, *, done: bool = True) -> str:
    return f"```python\n{source}\n```" + ("\nDone." if done else "")


@dataclass
class Scripted:
    """Replies in turn: text streams word by word, an exception is raised after what streamed before it."""

    replies: Iterator[str | BaseException | Completion]
    model: str = "scripted"
    prompts: list[tuple[Message, ...]] = field(default_factory=list)

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self.prompts.append(messages)
        for reply in self.replies:
            if isinstance(reply, BaseException):
                raise reply
            completion = reply if isinstance(reply, Completion) else Completion(reply, "stop", self.model)
            if on_text is not None:
                on_text(completion.text)
            if completion.finish_reason != "partial":
                return completion
        raise AssertionError("The policy was asked too often.")


@dataclass
class InProcess:
    """Runs code here; raises what `broken` says instead."""

    namespace: dict[str, Any] = field(default_factory=dict)
    broken: BaseException | None = None
    ran: list[str] = field(default_factory=list)

    def execute(self, code: str, *, on_output: Callable[[str], None] | None = None) -> Observation:
        self.ran.append(code)
        if self.broken is not None:
            raise self.broken
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(code, self.namespace)
        except Exception as error:  # noqa: BLE001 - the code under test is whatever the policy wrote
            return Observation(printed.getvalue(), error=ExecutionError(type(error).__name__, str(error)))
        return Observation(printed.getvalue())

    def evaluate(self, check: Check) -> CheckResult:
        passed = bool(eval(check.source, dict(self.namespace)))
        return CheckResult(check, passed, "" if passed else check.feedback)

    def protections(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        pass


class Outcome:
    def score(
        self, task: Task, action: str, observation: Observation, checks: tuple[CheckResult, ...]
    ) -> Scoring:
        if observation.failed:
            return Score(-1.0, ScoreSource.OUTCOME)
        if not checks:
            return Unscored("nothing is known")
        return Score(1.0 if all(result.passed for result in checks) else -1.0, ScoreSource.OUTCOME)


def last_score(steps: tuple[Step, ...], checks: tuple[CheckResult, ...]) -> Scoring:
    return steps[-1].scores[-1] if steps and steps[-1].scores else Unscored("no step was scored")


@dataclass
class Memory:
    """A recorder in memory that raises the given errors first."""

    errors: list[Exception] = field(default_factory=list)
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def _record(self, *call: Any) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.calls.append(call)

    def begin(self, trajectory: Trajectory) -> None:
        self._record("begin", trajectory)

    def append(self, trajectory_id: str, step: Step) -> None:
        self._record("append", step)

    def observe(self, trajectory_id: str, step: Step) -> None:
        self._record("observe", step)

    def close(self, trajectory_id: str, stop: StopReason, **rest: Any) -> None:
        self._record("close", stop, rest)

    @property
    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


def rollout(*replies: str | BaseException | Completion, **changes: Any) -> Rollout:
    plain = Rollout(
        policy=Scripted(iter(replies)),
        executor=InProcess(),
        reward_model=Outcome(),
        score_trajectory=last_score,
        recorder=Memory(),
    )
    return replace(plain, **changes)


def prompts(of: Rollout) -> Sequence[tuple[Message, ...]]:
    assert isinstance(of.policy, Scripted)
    return of.policy.prompts


def memory(of: Rollout) -> Memory:
    assert isinstance(of.recorder, Memory)
    return of.recorder


def ran(of: Rollout) -> list[str]:
    assert isinstance(of.executor, InProcess)
    return of.executor.ran

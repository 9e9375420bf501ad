"""What an executor is: something that runs an agent's code and tests a check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from metaclaw_jlab.core.task import Check, CheckResult
from metaclaw_jlab.core.trajectory import Observation


class Executor(Protocol):
    """Runs code in one namespace and one working folder, step after step."""

    def execute(self, code: str, *, on_output: Callable[[str], None] | None = None) -> Observation:
        """Run one action. What the code raises is in the observation. Raises ExecutorError, KeyboardInterrupt."""

    def evaluate(self, check: Check) -> CheckResult:
        """Test a check in the state that the code left. Raises ExecutorError."""

    def protections(self) -> tuple[str, ...]:
        """The protections that are active, in words for people; empty where there are none."""

    def close(self) -> None:
        """Let go of everything the executor holds."""

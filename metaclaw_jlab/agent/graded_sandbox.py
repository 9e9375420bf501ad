"""A sandbox that grades what a practice task's code left, as a check of the task."""

from __future__ import annotations

from collections.abc import Callable

from metaclaw_jlab.agent.file_references import NamedFile, file_names, file_references
from metaclaw_jlab.agent.playing import outcome
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.executors.sandbox import Sandbox
from metaclaw_jlab.practice import Outcome, PracticeTask, Verdict, check
from metaclaw_jlab.practice.misjudging import misjudged

_NOTHING_RAN = Outcome(error="NoCode: the reply holds no code", stdout="", files={}, probes={})


def practice_check(task: PracticeTask) -> Check:
    """The check that a GradedSandbox of this task knows."""
    return Check(CheckKind.SCRIPT, f"practice:{task.id}")


def asked(task: PracticeTask, notebook: str | None = None, *, file_rows: int = 0) -> Task:
    """The practice task as it is put to an agent, in a notebook of this name and a cell of its own.

    `file_rows`: first rows that are shown of each file that its text names (see core.prompting).
    """
    origin = Origin(notebook, task.id if notebook is not None else None)
    named = [NamedFile(name, task.files[name]) for name in file_names(task.text) if name in task.files]
    shown = file_references(named, file_rows)
    return Task(task.text, shown, (practice_check(task),), origin, task.id)


class GradedSandbox:
    """The sandbox of one practice task. Implements core.executor.Executor.

    What the code left is looked at before any check runs, so that no check changes another one's result.
    """

    def __init__(self, sandbox: Sandbox, task: PracticeTask) -> None:
        self._sandbox = sandbox
        self._task = task
        self._seen: list[Observation] = []
        self._verdict: Verdict | None = None

    def execute(self, code: str, *, on_output: Callable[[str], None] | None = None) -> Observation:
        """Run one action. Raises ExecutorError, KeyboardInterrupt."""
        self._verdict = None
        self._seen.append(self._sandbox.execute(code, on_output=on_output))
        return self._seen[-1]

    def evaluate(self, check: Check) -> CheckResult:
        """The verdict for the task's own check; any other check is the sandbox's. Raises ExecutorError."""
        verdict = self.verdict()
        if check != practice_check(self._task):
            return self._sandbox.evaluate(check)
        return CheckResult(check, verdict.strict, verdict.feedback)

    def verdict(self) -> Verdict:
        """The practice world's verdict on what ran so far; the wrong one of a misjudged task. Raises ExecutorError."""
        if self._verdict is None:
            left = outcome(self._sandbox, self._task, self._seen) if self._seen else _NOTHING_RAN
            truth = check(self._task, left)
            self._verdict = misjudged(self._task, truth.strict) if self._task.misjudged else truth
        return self._verdict

    def protections(self) -> tuple[str, ...]:
        """The sandbox's protections, in words."""
        return self._sandbox.protections()

    def close(self) -> None:
        """Close the sandbox."""
        self._sandbox.close()

"""An ablation that may be going on, for those who look at it again and again: only what is new is read and reckoned."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from metaclaw_jlab.core.ablation import AblationState, Attempt
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.evaluation.ablation.attempts_log import LINES, AttemptsReader
from metaclaw_jlab.evaluation.ablation.progress import eta_seconds
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, RunState, open_run
from metaclaw_jlab.runtime.home import Home, replace_private

KEPT = 8
_VERDICT = "verdict.json"


class LiveRun:
    """A run as it stands. Asked by several threads, it reads and reckons once."""

    def __init__(self, run: RunFolder, *, clock: Callable[[], float] = time.time) -> None:
        self.run = run
        self._clock = clock
        self._lock = threading.RLock()
        self._reader = AttemptsReader(run)
        self._attempts: list[Attempt] = []
        self._begun: object = None
        self._report: tuple[object, dict[str, Any]] = (None, {})
        self._grid: tuple[object, dict[str, Any]] = (None, {})

    def attempts(self) -> tuple[Attempt, ...]:
        """All that have been made."""
        with self._lock:
            self._read(self.run.state())
            return tuple(self._attempts)

    def report(self) -> dict[str, Any]:
        """The report, with `eta_seconds` beside it. Raises NotFound where the run was deleted."""
        from metaclaw_jlab.evaluation.ablation.report import report_of

        with self._lock:
            state = self.run.state()
            self._read(state)
            known = (len(self._attempts), state)
            if self._report[0] != known:
                found = report_of(self.run.number, self.run.plan(), state, tuple(self._attempts))
                self._report = (known, found)
            report = self._report[1]
            now = self._clock()
            eta = eta_seconds(state, len(self._attempts), now)
            return {**report, "eta_seconds": eta, "seconds": _seconds(state, now)}

    def grid(self) -> dict[str, Any]:
        """The grid of tasks. Raises NotFound where the run was deleted."""
        from metaclaw_jlab.evaluation.ablation.grid import task_grid

        with self._lock:
            self._read(self.run.state())
            if self._grid[0] != len(self._attempts):
                self._grid = (len(self._attempts), task_grid(self.run, tuple(self._attempts)))
            return self._grid[1]

    def pair(self, task: str, seed: int | None = None, sample: int = 0) -> dict[str, Any]:
        """What each arm did at a task, with the first of its `seeds` where none is named. Raises NotFound."""
        from metaclaw_jlab.evaluation.ablation.grid import trace_pair

        attempts = self.attempts()
        seeds = sorted({one.seed for one in attempts if one.task == task})
        wanted = seed if seed is not None else seeds[0] if seeds else 0
        return {**trace_pair(self.run, task, wanted, sample, attempts), "seeds": seeds}

    def _read(self, state: RunState) -> None:
        # One that is taken up again may have struck attempts out.
        if self._begun != state.started_at:
            self._reader, self._attempts, self._begun = AttemptsReader(self.run), [], state.started_at
            self._report = self._grid = (None, {})
        self._attempts += self._reader.read()


class LiveRuns:
    """The runs of a home that were looked at last, by number."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._runs: OrderedDict[int, LiveRun] = OrderedDict()

    def get(self, number: int) -> LiveRun:
        """A run. Raises NotFound."""
        run = open_run(self._home, number)
        with self._lock:
            found = self._runs.pop(number, None) or LiveRun(run)
            self._runs[number] = found
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
        return found

    def forget(self, number: int) -> None:
        """Let go of a run."""
        with self._lock:
            self._runs.pop(number, None)


def run_line(run: RunFolder) -> dict[str, Any]:
    """A run in a list, without a look into its attempts; one whose files are damaged says so."""
    try:
        plan, state = run.plan(), run.state()
    except MetaclawError as error:
        return {
            "number": run.number,
            "state": AblationState.FAILED.value,
            "reason": f"{error.cause} {error.next_step}".strip(),
            "created_at": 0.0,
            "tasks": "",
            "arms": [],
            "reference": "",
            "done": 0,
            "of": 0,
            "eta_seconds": None,
        }
    done = count_attempts(run)
    return {
        "number": run.number,
        "state": state.state.value,
        "reason": state.reason,
        "created_at": state.created_at,
        "tasks": plan.tasks,
        "arms": [arm.name for arm in plan.arms],
        "reference": plan.reference,
        "done": done,
        "of": state.of,
        "eta_seconds": eta_seconds(state, done, time.time()),
    }


def verdict_of(run: RunFolder) -> str:
    """What a run says, worked out anew only where it said something else before: a list of runs reckons none twice.
    Raises NotFound, AblationError."""
    from metaclaw_jlab.evaluation.ablation.report import ablation_report

    state = run.state()
    known = [state.state.value, state.of, state.ended_at, count_attempts(run)]
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads((run.path / _VERDICT).read_text(encoding="utf-8"))
        if kept["of"] == known:
            return str(kept["verdict"])
    said = str(ablation_report(run)["verdict"])
    if state.state.over:
        with suppress(OSError):
            replace_private(run.path / _VERDICT, json.dumps({"of": known, "verdict": said}))
    return said


def count_attempts(run: RunFolder) -> int:
    """How many attempts are written down: their lines, counted without a look into them."""
    try:
        return sum(path.read_bytes().count(b"\n") for path in run.jobs.glob(f"*{LINES}"))
    except OSError:
        return 0


def _seconds(state: RunState, now: float) -> float | None:
    return round(state.seconds(now), 1) if state.started_at is not None or state.used else None

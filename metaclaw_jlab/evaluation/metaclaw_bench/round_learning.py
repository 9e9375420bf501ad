"""What an arm learns from a day of the benchmark: each round is a task of its user's, and each wrong one a failure.

The fast loop looks at failures before the next round, as it does beside a user. Between days the slow loop may train
the weights: a round with a file check can be done again from the files that it began with, and its check brings its
checkers along, so that no room holds them while the agent works. A multiple choice teaches skills only.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import (
    AdapterRefused,
    EvolverError,
    LeaseHeld,
    NothingToTrain,
    PolicyError,
    TrainingError,
)
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.evaluation.metaclaw_bench.format import FileCheck, Round
from metaclaw_jlab.evaluation.metaclaw_bench.round_agent import Lived
from metaclaw_jlab.learning.admission import admit_settled
from metaclaw_jlab.learning.inner_loop import evolve_once
from metaclaw_jlab.reward_models.outcome import trajectory_score
from metaclaw_jlab.store.start_states import StartStates

_MOST_PASSES = 8
_SCRIPT = """\
import base64 as _b, json as _j, os as _o, re as _r, shutil as _c, subprocess as _s
import sys as _y, tempfile as _t, zlib as _z
_a = _j.loads(_z.decompress(_b.b85decode({packed!r})))
with _t.TemporaryDirectory() as _d:
    _w = _o.path.join(_d, "work")
    _c.copytree(".", _w, symlinks=True)
    for _n, _x in _a["checkers"].items():
        _o.makedirs(_o.path.dirname(_o.path.join(_w, _n)), exist_ok=True)
        with open(_o.path.join(_w, _n), "wb") as _f:
            _f.write(_b.b85decode(_x))
    for _n in ("python", "python3"):
        with open(_o.path.join(_d, _n), "w") as _f:
            _f.write('#!/bin/sh\\nexec "' + _y.executable + '" "$@"\\n')
        _o.chmod(_o.path.join(_d, _n), 0o755)
    _e = dict(_o.environ, PATH=_d + _o.pathsep + _o.environ.get("PATH", _o.defpath))
    _p = _s.run(_a["command"], shell=True, cwd=_w, env=_e, stdin=_s.DEVNULL, capture_output=True, text=True,
                errors="replace", timeout=_a["seconds"])
    _k = _p.returncode == _a["expect_exit"]
    if _k and _a["stdout"] is not None:
        _k = bool(_r.search(_a["stdout"], _p.stdout)) if _a["pattern"] else _a["stdout"] in _p.stdout
assert _k, _a["feedback"]
"""


@dataclass
class DayLearning:
    """Learns in one arm's home, in the order of the rounds. `trouble` are sentences on what could not be learnt. With
    `weights` rounds are kept so that they can be done again. Implements round_agent.Learner."""

    workspace: Workspace
    checkers: Mapping[str, bytes]
    weights: bool = False
    skills: bool = True
    trouble: list[str] = field(default_factory=list)

    def take_in(self, lived: Lived) -> None:
        """Record a round and learn from it. Raises StoreError."""
        done = as_task(lived, self.checkers)
        self.workspace.trajectories().record(done)
        if self.weights and isinstance(lived.round, FileCheck):
            files = {path: data for path, data in lived.files.items() if not path.endswith("/")}
            StartStates(self.workspace.database()).keep(done.id, StartState(files=files))
        if self.skills and not lived.result.right:
            self._evolve()

    def _evolve(self) -> None:
        loop = self.workspace.inner_loop()
        try:
            for _ in range(_MOST_PASSES):
                if evolve_once(loop).idle:
                    break
        except (PolicyError, EvolverError, LeaseHeld) as error:
            self.trouble.append(f"Failures wait: {error.cause}")


def as_task(lived: Lived, checkers: Mapping[str, bytes]) -> Trajectory:
    """The round as a task of a user's that has ended, with the check that told its outcome."""
    done, right = lived.trajectory, lived.result.right
    check = check_of(lived.round, checkers)
    results = (CheckResult(check, right, "" if right else lived.feedback),)
    return replace(
        done,
        task=replace(done.task, checks=(check,)),
        stop=StopReason.DONE if right else StopReason.CHECK_FAILED,
        stop_detail="" if right else lived.feedback,
        checks=results,
        score=trajectory_score(done.steps, results),
    )


def check_of(round_: Round, checkers: Mapping[str, bytes]) -> Check:
    """The round's own check, as far as it can be carried out where the code ran. What a choice is checked by cannot:
    it is about the reply."""
    if not isinstance(round_, FileCheck):
        return Check(CheckKind.EXPRESSION, f"answer == {sorted(round_.answer)}")
    asked = {
        "command": round_.command,
        "expect_exit": round_.expect_exit,
        "stdout": round_.stdout,
        "pattern": round_.stdout_is_pattern,
        "seconds": round_.seconds,
        "feedback": round_.when_wrong,
        "checkers": {path: base64.b85encode(data).decode() for path, data in checkers.items()},
    }
    packed = base64.b85encode(zlib.compress(json.dumps(asked).encode(), 9)).decode()
    return Check(CheckKind.SCRIPT, _SCRIPT.format(packed=packed), round_.when_wrong)


def night(workspace: Workspace, *, seed: int, say: Callable[[str], None]) -> str:
    """A training of the arm's home between two days, in a sentence. Raises KeyboardInterrupt."""
    if workspace.settings().policy.base_url is not None:
        return "An endpoint answers, whose weights are not trained here: the arm learns skills alone."
    from metaclaw_jlab.assembly.schedule import training_need
    from metaclaw_jlab.learning.outer_loop import train_once
    from metaclaw_jlab.learning.outlook import lacking

    admit_settled(workspace.database(), pending=workspace.evolver() is None)
    if missing := lacking(training_need(workspace), workspace.settings().scheduler):
        return f"The weights were not trained: {missing}"
    try:
        run = train_once(
            workspace.outer_loop(on_progress=lambda progress: _say(progress.sentence, say)), seed=seed
        )
    except NothingToTrain as error:
        return f"The weights were not trained: {error.cause}"
    except (TrainingError, AdapterRefused, LeaseHeld, PolicyError) as error:
        return f"The training came to nothing: {error.cause}"
    adapter = f"adapter v{run.adapter}" if run.adapter is not None else "no adapter"
    return f"The weights were trained {run.steps_done} steps: {run.state.value}, {adapter}. {run.reason}".rstrip()


def _say(sentence: str, say: Callable[[str], None]) -> None:
    if sentence:
        say(sentence)

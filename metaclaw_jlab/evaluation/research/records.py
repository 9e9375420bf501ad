"""The folder of a research benchmark: its plan, and of each arm its home and its runs.

`research.json`, `home/` (the frozen copy), `<arm>/home/`, and for each run `<arm>/run-<n>/` with `config.yaml` (the
run's own), `output/` (the pipeline's), `pipeline.log`, `server.log`, `state.json` (what is known while it goes on) and,
once it is over, `result.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.arm import Arm
from metaclaw_jlab.core.errors import ResearchError
from metaclaw_jlab.evaluation.ablation.arms import arm_record
from metaclaw_jlab.evaluation.research.stages import Execution, dump_executions, load_executions
from metaclaw_jlab.runtime.home import replace_private

PLAN, RESULT, STATE = "research.json", "result.json", "state.json"


@dataclass(frozen=True, slots=True)
class RunState:
    """What is known of a run that goes on: each execution of a stage so far, the ids of the keys that its calls were
    made with, how often the pipeline was started, for how long it has run, how each start ended, and whether it is
    over: then only its result is still to be written."""

    executions: tuple[Execution, ...] = ()
    clients: tuple[str, ...] = ()
    starts: int = 0
    seconds: float = 0.0
    codes: tuple[int | None, ...] = field(default=())
    over: bool = False


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run lies. `number` counts from 1."""

    arm: str
    number: int
    path: Path

    @property
    def output(self) -> Path:
        """The pipeline's own folder."""
        return self.path / "output"

    @property
    def log(self) -> Path:
        """What the pipeline printed."""
        return self.path / "pipeline.log"

    def state(self) -> RunState:
        """What is known of it; nothing where it has not begun."""
        found = _read(self.path / STATE)
        if not found:
            return RunState()
        return RunState(
            load_executions(found["executions"]),
            tuple(found["clients"]),
            found["starts"],
            found["seconds"],
            tuple(found["codes"]),
            found["over"],
        )

    def keep(self, state: RunState) -> None:
        """Write down what is known. Raises ResearchError."""
        _write(
            self.path / STATE,
            {
                "executions": dump_executions(state.executions),
                "clients": list(state.clients),
                "starts": state.starts,
                "seconds": state.seconds,
                "codes": list(state.codes),
                "over": state.over,
            },
        )

    def result(self) -> dict[str, Any] | None:
        """Its result, None while it is not over."""
        return _read(self.path / RESULT) or None

    def finish(self, result: Mapping[str, Any]) -> None:
        """It is over, and is not repeated. Raises ResearchError."""
        _write(self.path / RESULT, result)


def place_of(out: Path, arm: str, number: int) -> RunPlace:
    """Where a run of an arm lies."""
    return RunPlace(arm, number, out / arm / f"run-{number}")


def hold_to(out: Path, config: Path, arms: Sequence[Arm], home: str) -> None:
    """Take this folder for these arms of this configuration; one that another configuration or other arms of the same
    names were run in is refused, for runs in it are not repeated. Raises ResearchError."""
    kinds: dict[str, Any] = {arm.name: json.loads(json.dumps(arm_record(arm))) for arm in arms}
    wanted = {"config": hashlib.sha256(config.read_bytes()).hexdigest(), "home": home}
    found = _read(out / PLAN)
    others = found.get("arms", {})
    if found:
        same = all(others.get(name, one) == one for name, one in kinds.items())
        if not same or any(found.get(name) != value for name, value in wanted.items()):
            raise ResearchError(
                f"{out} holds runs of another configuration, home or kind of arm.",
                "Name another folder: --out FOLDER",
            )
    _write(out / PLAN, {**wanted, "arms": {**others, **kinds}})


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ResearchError(
            f"{path} cannot be read: {error}.", "Name another folder: --out FOLDER"
        ) from error
    return found if isinstance(found, dict) else {}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(path, json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise ResearchError(
            f"{path} cannot be written ({error.strerror}).", "Name another folder: --out FOLDER"
        ) from error

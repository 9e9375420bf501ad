"""The folder of a run, `runs/<number>/` of its home: its plan, how far it is, and where its files lie.

Whoever conducts a run holds its lease; a run that says it is running and whose lease nobody holds was interrupted.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.ablation import AblationPlan, AblationState
from metaclaw_jlab.core.errors import AblationError, LeaseHeld, NotFound
from metaclaw_jlab.evaluation.ablation.plans import plan_of, plan_record
from metaclaw_jlab.runtime.home import Home, home_error, replace_private, write_private
from metaclaw_jlab.runtime.leases import held_by, lease

RUNS = "runs"
_PLAN, _STATE, _STOP, _LAST = "plan.json", "state.json", "stop", ".last"
_ATTEMPTS = 1000


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is. `of` is the number of attempts that are planned; `used` the seconds that it has run for before
    it was started last, and `before` how many attempts were done then."""

    state: AblationState
    reason: str = ""
    of: int = 0
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    notes: tuple[str, ...] = ()
    used: float = 0.0
    before: int = 0

    def seconds(self, now: float) -> float:
        """How long it has run, all in all."""
        if self.started_at is None:
            return self.used
        return self.used + max(0.0, (now if self.ended_at is None else self.ended_at) - self.started_at)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run of a home, by its number."""

    home: Home
    number: int

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.home.path / RUNS / str(self.number)

    @property
    def frozen(self) -> Path:
        """The copy of the home that its arms run on; there while the run is not over."""
        return self.path / "home"

    @property
    def chains(self) -> Path:
        """Homes of arms that learn, one folder `<arm>-<seed>` each."""
        return self.path / "chains"

    @property
    def jobs(self) -> Path:
        """Attempts and their traces, by job."""
        return self.path / "jobs"

    @property
    def log(self) -> Path:
        """What its coordinator says, where it runs beside its user."""
        return self.path / "run.log"

    @property
    def lease_name(self) -> str:
        """The lease that its coordinator holds."""
        return f"ablation-{self.number}"

    @property
    def home_id(self) -> str:
        """The id of the home that it was planned in. Raises AblationError."""
        return str(_json(self.path / _PLAN).get("home", ""))

    def plan(self) -> AblationPlan:
        """What is to be done. Raises AblationError where its file is damaged."""
        return plan_of(_json(self.path / _PLAN))

    def replan(self, plan: AblationPlan) -> None:
        """Have it go on under another plan. Raises LeaseHeld while it runs."""
        with lease(self.home, self.lease_name):
            record = _json(self.path / _PLAN)
            _replace(self.path / _PLAN, {**record, **plan_record(plan)})

    def state(self) -> RunState:
        """How far it is. Raises AblationError where its file is damaged."""
        found = self._noted()
        if found.state is not AblationState.RUNNING or self.running():
            return found
        found = self._noted()  # it may have come to its end between the two looks
        if found.state is not AblationState.RUNNING:
            return found
        reason = "The process that conducted it has ended."
        return replace(found, state=AblationState.INTERRUPTED, reason=reason, ended_at=self._touched())

    def running(self) -> bool:
        """Whether a process conducts it now."""
        return held_by(self.home, self.lease_name) is not None

    def change(self, **parts: Any) -> RunState:
        """Write parts of the state anew, for whoever conducts it."""
        changed = replace(self._noted(), **parts)
        _replace(self.path / _STATE, _state_record(changed))
        return changed

    def note(self, sentence: str) -> None:
        """Add a sentence to the notes, once."""
        notes = self._noted().notes
        if sentence not in notes:
            self.change(notes=(*notes, sentence))

    def ask_to_stop(self) -> None:
        """Have it stop as soon as it can; one that nobody has begun is stopped at once."""
        try:
            write_private(self.path / _STOP, "")
        except OSError as error:
            raise home_error(self.home.path, error) from error
        if self._noted().state is AblationState.PLANNED:
            with suppress(LeaseHeld), lease(self.home, self.lease_name):
                if self._noted().state is AblationState.PLANNED:
                    self.change(state=AblationState.CANCELLED, reason="It was stopped before it began.")

    def wants_stop(self) -> bool:
        """Whether it was asked to stop."""
        return (self.path / _STOP).exists()

    def forget_stop(self) -> None:
        """Take an earlier wish to stop back, before it goes on."""
        (self.path / _STOP).unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete it with all that it found. Raises LeaseHeld while it runs."""
        try:
            with lease(self.home, self.lease_name):
                last = self.home.path / RUNS / _LAST
                replace_private(last, str(max(self.number, _last(self.home))))
                gone = self.path.with_name(f".gone-{self.number}-{secrets.token_hex(4)}")
                self.path.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)
        except LeaseHeld as error:
            raise LeaseHeld(
                f"Ablation {self.number} is running.", f"Stop it first: metaclaw ablate stop {self.number}."
            ) from error
        except OSError as error:
            raise home_error(self.home.path, error) from error

    def _noted(self) -> RunState:
        record = _json(self.path / _STATE)
        try:
            return RunState(
                **{**record, "state": AblationState(record["state"]), "notes": tuple(record["notes"])}
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(self.path / _STATE, str(error)) from error

    def _touched(self) -> float | None:
        """When an attempt was last written down."""
        try:
            return max((entry.stat().st_mtime for entry in os.scandir(self.jobs)), default=None)
        except OSError:
            return None


def create_run(home: Home, plan: AblationPlan, *, clock: Callable[[], float] = time.time) -> RunFolder:
    """A new run under the next number, which no other run ever had. Raises StoreFull, StoreReadOnly."""
    runs = home.path / RUNS
    now = clock()
    try:
        runs.mkdir(mode=0o700, exist_ok=True)
        draft = runs / f".new-{secrets.token_hex(6)}"
        draft.mkdir(mode=0o700)
        (draft / "jobs").mkdir(mode=0o700)
        record = {**plan_record(plan), "created_at": now, "home": home.id}
        _replace(draft / _PLAN, record)
        _replace(draft / _STATE, _state_record(RunState(AblationState.PLANNED, created_at=now)))
        try:
            return RunFolder(home, _placed(home, draft))
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise home_error(home.path, error) from error


def open_run(home: Home, number: int) -> RunFolder:
    """A run by its number. Raises NotFound."""
    run = RunFolder(home, number)
    if not (run.path / _STATE).is_file():
        known = ", ".join(str(one.number) for one in list_runs(home)[:5]) or "none"
        raise NotFound(f"There is no ablation {number} in this home.", f"The newest are: {known}.")
    return run


def list_runs(home: Home) -> tuple[RunFolder, ...]:
    """All runs, the newest first."""
    return tuple(RunFolder(home, number) for number in sorted(_numbers(home), reverse=True))


def _placed(home: Home, draft: Path) -> int:
    """Give a draft its number: of two that want the same one, a folder can take the place of neither."""
    for _ in range(_ATTEMPTS):
        number = max([0, _last(home), *_numbers(home)]) + 1
        place = draft.with_name(str(number))
        try:
            if not place.exists():
                draft.rename(place)
                return number
        except OSError:
            if not place.exists():
                raise
    raise AblationError(f"No number is free in {draft.parent}.", "Delete ablations that are not needed.")


def _numbers(home: Home) -> list[int]:
    try:
        names = os.listdir(home.path / RUNS)
    except OSError:
        return []
    return [int(name) for name in names if name.isascii() and name.isdigit()]


def _last(home: Home) -> int:
    """The highest number that was ever deleted."""
    try:
        return int((home.path / RUNS / _LAST).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _state_record(state: RunState) -> dict[str, Any]:
    return {**asdict(state), "state": state.state.value, "notes": list(state.notes)}


def _replace(path: Path, record: dict[str, Any]) -> None:
    replace_private(path, json.dumps(record, ensure_ascii=True, indent=1) + "\n")


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"{path} is gone.", "The ablation was deleted.") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(found, dict):
        raise _damaged(path, "it is no record")
    return found


def _damaged(path: Path, cause: str) -> AblationError:
    return AblationError(f"{path} cannot be read ({cause}).", "Delete this ablation and plan it anew.")


__all__ = ["RUNS", "RunFolder", "RunState", "create_run", "list_runs", "open_run"]

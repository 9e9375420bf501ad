"""What a measurement with a local model has done so far: beside its report, so that a killed one goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from metaclaw_jlab.runtime.home import home_error, replace_private

STATE, ATTEMPTS, HOME = "run.json", "attempts.jsonl", "home"


@dataclass
class State:
    """How far a measurement is. `of` is what it measures: another model, prompting or number makes another one.

    `streamed` tasks were attempted and learnt from; after `stream_over` the library changes no more. `training` is the
    report of the slow loop where there was one, `served` the adapter since. `seconds` are those of every process.
    """

    of: dict[str, Any]
    streamed: int = 0
    stream_over: bool = False
    trained: bool = False
    training: dict[str, Any] | None = None
    served: int | None = None
    seconds: float = 0.0
    processes: int = 0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    recall: dict[str, Any] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a measurement keeps its state, its attempts and the home that learns."""

    path: Path

    @property
    def home(self) -> Path:
        """The home that learns."""
        return self.path / HOME

    def read(self) -> State | None:
        """How far it is; None where nothing was begun or nothing can be read."""
        try:
            told = json.loads((self.path / STATE).read_text(encoding="utf-8"))
            known = {one.name for one in fields(State)}
            return State(**{name: value for name, value in told.items() if name in known})
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def write(self, state: State) -> None:
        """Keep how far it is. Raises StoreFull, StoreReadOnly."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private(self.path / STATE, json.dumps(asdict(state), indent=1))
        except OSError as error:
            raise home_error(self.path, error) from error

    def clear(self) -> None:
        """Forget it, for one that begins anew."""
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """It is over: the attempts stay, to be looked at; the home and the state go."""
        (self.path / STATE).unlink(missing_ok=True)
        shutil.rmtree(self.home, ignore_errors=True)


def folder_for(output: Path, of: Mapping[str, Any]) -> RunFolder:
    """The folder of the measurement of `of` that is reported to `output`."""
    told = json.dumps(of, sort_keys=True)
    return RunFolder(output.absolute().with_suffix("") / hashlib.sha256(told.encode()).hexdigest()[:12])


def others_under_way(folder: RunFolder) -> tuple[State, ...]:
    """The measurements of something else that were begun beside this one and are not over."""
    beside = sorted(folder.path.parent.glob(f"*/{STATE}"))
    found = [RunFolder(state.parent).read() for state in beside if state.parent != folder.path]
    return tuple(state for state in found if state is not None)


class Lines:
    """A file of JSON records, a line each; what `append` has returned from is on the disk. One process writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> list[dict[str, Any]]:
        """The records; half a line at the end, which a killed process left, is cut off. Raises StoreReadOnly."""
        try:
            if not self._path.exists():
                return []
            data = self._path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.truncate(self._path, len(whole))
        except OSError as error:
            raise home_error(self._path.parent, error) from error
        found = [_record(line) for line in whole.splitlines()]
        return [record for record in found if record is not None]

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a record down, from any thread. Raises StoreFull, StoreReadOnly."""
        data = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                with self._path.open("ab") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise home_error(self._path.parent, error) from error


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None

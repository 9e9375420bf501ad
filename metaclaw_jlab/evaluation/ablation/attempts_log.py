"""Attempts as they are written down, a line each, with their trajectories beside them: what is in a file is finished.

`jobs/<job>.jsonl` has the attempts, `jobs/<job>.traces` their trajectories. A process killed at any instant leaves at
most half a line at the end, which nobody reads and the next writer cuts off.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.evaluation.ablation.traces import pack_trajectory, unpack_trajectory
from metaclaw_jlab.runtime.home import home_error, replace_private

LINES, TRACES = ".jsonl", ".traces"
Key = tuple[str, str, int, int]

_DEFAULTS = {one.name: one.default for one in fields(Attempt) if one.default is not MISSING}
_REQUIRED = tuple(one.name for one in fields(Attempt) if one.default is MISSING)


class AttemptsLog:
    """Where one job writes its attempts down, from any of its threads. `path` is `jobs/<job id>`, without an ending.

    One process writes it at a time.
    """

    def __init__(self, path: Path) -> None:
        self._lines = path.with_name(path.name + LINES)
        self._traces = path.with_name(path.name + TRACES)
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._done = {attempt.key: attempt for attempt in _parsed(_cut_off(self._lines))}
        except OSError as error:
            raise home_error(path.parent, error) from error

    def done(self) -> tuple[Attempt, ...]:
        """What it holds."""
        with self._lock:
            return tuple(self._done.values())

    def append(self, attempt: Attempt, trajectory: Trajectory | None = None) -> Attempt:
        """Write an attempt down and give it with its trace. One that is there already is given as it is.

        Raises StoreFull, StoreReadOnly.
        """
        packed = None if trajectory is None else pack_trajectory(trajectory)
        with self._lock:
            if (known := self._done.get(attempt.key)) is not None:
                return known
            try:
                if packed is not None:
                    attempt = replace(attempt, trace=(_append(self._traces, packed), len(packed)))
                _append(self._lines, attempt_line(attempt))
            except OSError as error:
                raise home_error(self._lines.parent, error) from error
            self._done[attempt.key] = attempt
        return attempt


@dataclass
class AttemptsReader:
    """Reads what is new, for views of a run that goes on: it remembers how far each file was read."""

    run: RunFolder
    _places: dict[str, int] = field(default_factory=dict)
    _keys: dict[Key, str] = field(default_factory=dict)  # and the file that each stands in

    def read(self) -> tuple[Attempt, ...]:
        """The attempts that were written down since the last call, none of them twice."""
        found = []
        for name in _job_files(self.run):
            place = self._places.get(name, 0)
            if _size(self.run.jobs / name) < place:  # something was struck out of it
                place = 0
                self._forget(name)
            data = _whole_lines(self.run.jobs / name, place)
            self._places[name] = place + len(data)
            found += [attempt for attempt in _parsed(data) if self._is_new(attempt, name)]
        return tuple(found)

    def _forget(self, name: str) -> None:
        """The keys that a file has no longer may come again."""
        left = {attempt.key for attempt in _parsed(_whole_lines(self.run.jobs / name, 0))}
        self._keys = {key: file for key, file in self._keys.items() if file != name or key in left}

    def _is_new(self, attempt: Attempt, name: str) -> bool:
        known = attempt.key in self._keys
        self._keys.setdefault(attempt.key, name)
        return not known


def read_attempts(run: RunFolder) -> tuple[Attempt, ...]:
    """The attempts of all jobs; of a key that is there twice the first."""
    found: dict[Key, Attempt] = {}
    for name in _job_files(run):
        for attempt in _parsed(_whole_lines(run.jobs / name, 0)):
            found.setdefault(attempt.key, attempt)
    return tuple(found.values())


def read_trace(run: RunFolder, attempt: Attempt) -> Trajectory | None:
    """The trajectory of an attempt; None where none was kept. Raises AblationError where it is damaged."""
    if attempt.trace is None:
        return None
    name = _job_of(run, attempt)
    if name is None:
        return None
    offset, length = attempt.trace
    path = run.jobs / (name.removesuffix(LINES) + TRACES)
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return unpack_trajectory(file.read(length))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise AblationError(
            f"The trace of task {attempt.task} in {path} cannot be read ({error}).",
            "Its numbers stand; do the ablation anew for its traces.",
        ) from error


def forget(run: RunFolder, keys: Iterable[Key]) -> int:
    """Strike attempts out, so that they are made again, and tell how many there were. Nobody may be writing."""
    unwanted, struck = set(keys), 0
    for name in _job_files(run) if unwanted else ():
        path = run.jobs / name
        attempts = _parsed(_whole_lines(path, 0))
        kept = [attempt for attempt in attempts if attempt.key not in unwanted]
        if len(kept) < len(attempts):
            struck += len(attempts) - len(kept)
            replace_private(path, b"".join(map(attempt_line, kept)).decode())
    return struck


def attempt_record(attempt: Attempt) -> dict[str, Any]:
    """The attempt in JSON's own types, without what is as usual."""
    record = {name: getattr(attempt, name) for name in _REQUIRED}
    for name, usual in _DEFAULTS.items():
        if (value := getattr(attempt, name)) != usual:
            record[name] = value
    return record


def attempt_of(record: Mapping[str, Any]) -> Attempt:
    """Inverse of attempt_record. Raises TypeError, KeyError or ValueError for anything else."""
    return _made(dict(record))


def _made(parts: dict[str, Any]) -> Attempt:
    """The attempt of a record, which is used up."""
    if "skills" in parts:
        parts["skills"] = tuple(parts["skills"])
    if parts.get("trace") is not None:
        offset, length = parts["trace"]
        parts["trace"] = (offset, length)
    return Attempt(**parts)


def attempt_line(attempt: Attempt) -> bytes:
    """A line of a job's file."""
    return json.dumps(attempt_record(attempt), separators=(",", ":")).encode() + b"\n"


def _job_files(run: RunFolder) -> list[str]:
    try:
        return sorted(name for name in os.listdir(run.jobs) if name.endswith(LINES) and name[0] != ".")
    except OSError:
        return []


def _job_of(run: RunFolder, attempt: Attempt) -> str | None:
    """The file that an attempt stands in."""
    wanted = attempt_line(attempt)
    for name in sorted(
        _job_files(run), key=lambda name: not name.startswith(f"{attempt.arm}-{attempt.seed}")
    ):
        try:
            if wanted in (run.jobs / name).read_bytes():
                return name
        except OSError:
            continue
    return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _whole_lines(path: Path, place: int) -> bytes:
    """What a file has from a place on, up to its last line's end."""
    try:
        with path.open("rb") as file:
            file.seek(place)
            data = file.read()
    except OSError:
        return b""
    return data[: data.rfind(b"\n") + 1]


def _cut_off(path: Path) -> bytes:
    """The whole lines of a file; what is behind them is cut off."""
    if not path.exists():
        return b""
    data = _whole_lines(path, 0)
    if path.stat().st_size > len(data):
        os.truncate(path, len(data))
    return data


def _parsed(data: bytes) -> list[Attempt]:
    """The attempts of whole lines; a line that is none is left out."""
    lines = data.splitlines()
    if not lines:
        return []
    try:  # all at once is much faster than line by line
        return [_made(record) for record in json.loads(b"[" + b",".join(lines) + b"]")]
    except (ValueError, TypeError, KeyError):
        return [attempt for line in lines if (attempt := _tried(line)) is not None]


def _tried(line: bytes) -> Attempt | None:
    try:
        return attempt_of(json.loads(line))
    except (ValueError, TypeError, KeyError):
        return None


def _append(path: Path, data: bytes) -> int:
    """Add to a private file in one write, and tell where it begins."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
    try:
        begins = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        except OSError:  # a full disk: what got in of it would spoil the next one
            with suppress(OSError):
                os.ftruncate(descriptor, begins)
            raise
        return begins
    finally:
        os.close(descriptor)


__all__ = [
    "AttemptsLog",
    "AttemptsReader",
    "attempt_of",
    "attempt_record",
    "forget",
    "read_attempts",
    "read_trace",
]

"""Loads a copy of the benchmark from a folder, and says everything that is wrong with it.

Two layouts are known. The public one names a folder of sessions (`sessions_dir`); the original one names the state
folder of an OpenClaw agent (`openclaw_state_dir`), whose sessions lie in `agents/<agent>/sessions`. Paths are looked
for beside `all_tests.json`, then beside each folder above it, as the original ones start at the root of a repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.evaluation.metaclaw_bench.faults import Fault, Place, refuse
from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark, Day
from metaclaw_jlab.evaluation.metaclaw_bench.questions import Context, read_rounds
from metaclaw_jlab.evaluation.metaclaw_bench.sessions import read_opening
from metaclaw_jlab.evaluation.metaclaw_bench.workspaces import is_day_folder

INDEX = "all_tests.json"
CHECKERS = "scripts"  # where the commands expect them, in the benchmark's `eval` and in the workspace
_ROOT = "${METACLAW_ROOT}/"


@dataclass(frozen=True, slots=True)
class _Folders:
    """Where the parts of a benchmark lie."""

    index: Path
    questions: Path
    workspaces: Path
    sessions: Path
    by_agent: bool


def load_benchmark(folder: Path, days: Collection[str] = ()) -> Benchmark:
    """The benchmark in a folder, or the asked days of it in its own order.

    Raises UsageMistake for a folder or day that is not there, BenchmarkInvalid with every fault of the days asked for.
    """
    benchmark, faults = examine(folder, days)
    refuse(faults)
    return benchmark


def examine(folder: Path, days: Collection[str] = ()) -> tuple[Benchmark, tuple[Fault, ...]]:
    """What can be read of the benchmark in a folder, and the faults of the asked days. Raises UsageMistake."""
    index = folder / INDEX
    if not index.is_file():
        raise UsageMistake(
            f"There is no {INDEX} in {folder}.", "Give the folder of your copy of MetaClaw-Bench with --data."
        )
    place = Place(INDEX)
    tests = _json(index, place)
    if not isinstance(tests, dict):
        if not place.faults:
            place.fault("It is no object.", "Fetch it again.")
        return Benchmark("", (), folder, {}), tuple(place.faults)
    folders = _folders(index, tests, place)
    entries = _entries(tests, days, place)
    if folders is None:
        return Benchmark("", (), folder, {}), tuple(place.faults)
    checkers = _checkers(folders, place)
    _keep_apart(folders, checkers, place)
    found = tuple(day for entry in entries if (day := _day(entry, folders, place)) is not None)
    name = tests.get("name")
    return (
        Benchmark(name if isinstance(name, str) else INDEX, found, folders.workspaces, checkers),
        tuple(place.faults),
    )


def _folders(index: Path, tests: Mapping[str, Any], place: Place) -> _Folders | None:
    by_agent = "sessions_dir" not in tests and "openclaw_state_dir" in tests
    names = ("eval_dir", "workspace_src", "openclaw_state_dir" if by_agent else "sessions_dir")
    found = [_folder(index, tests, name, place) for name in names]
    questions, workspaces, sessions = found
    if questions is None or workspaces is None or sessions is None:
        return None
    return _Folders(index.parent, questions, workspaces, sessions, by_agent)


def _folder(index: Path, tests: Mapping[str, Any], name: str, place: Place) -> Path | None:
    path = place.text(tests, name)
    if path is None:
        return None
    for above in index.resolve().parents:
        if (above / path.removeprefix(_ROOT)).is_dir():
            return above / path.removeprefix(_ROOT)
    place.fault(f"`{name}` is {path!r}, and there is no such folder.", "Name it relative to this file.")
    return None


def _entries(tests: Mapping[str, Any], days: Collection[str], place: Place) -> list[dict[str, Any]]:
    listed = place.value(tests, "test", list) or []
    entries: list[dict[str, Any]] = []
    for number, entry in enumerate(listed, 1):
        if not isinstance(entry, dict) or not re.fullmatch(r"\w[\w.-]*", str(entry.get("id", ""))):
            place.fault(f"Entry {number} of `test` has no usable `id`.", "Give it one, such as day01.")
        elif entry["id"] in {other["id"] for other in entries}:
            place.at(day=entry["id"]).fault("The day is listed twice.", "Leave one of the two.")
        else:
            entries.append(entry)
    if listed == [] and not place.faults:
        place.fault("`test` lists no day.", "Fetch it again.")
    known = [entry["id"] for entry in entries]
    if unknown := [day for day in days if day not in known]:
        raise UsageMistake(f"There is no {', '.join(unknown)} here.", f"The days are: {', '.join(known)}.")
    return [entry for entry in entries if not days or entry["id"] in days]


def _day(entry: Mapping[str, Any], folders: _Folders, place: Place) -> Day | None:
    day = place.at(day=entry["id"])
    session, named = day.text(entry, "session"), day.text(entry, "eval")
    agent = day.text(entry, "agent") if folders.by_agent else ""
    if session is None or named is None or agent is None:
        return None
    if not (folders.workspaces / entry["id"]).is_dir():
        day.fault(
            f"There is no folder {_shown(folders.workspaces / entry['id'], folders)} to start with.",
            "Fetch it again.",
        )
    sessions = folders.sessions / "agents" / agent / "sessions" if folders.by_agent else folders.sessions
    opening_file, questions_file = sessions / f"{session}.jsonl", folders.questions / named / "questions.json"
    opening = read_opening(opening_file, day.at(file=_shown(opening_file, folders)))
    asked = day.at(file=_shown(questions_file, folders))
    before = len(place.faults)
    found = _json(questions_file, asked)
    if len(place.faults) > before:
        return None
    rounds = read_rounds(found, Context(questions_file.parent, session), asked)
    tags = entry.get("preference_tags")
    return Day(
        id=entry["id"],
        description=str(entry.get("desc") or ""),
        arc=str(entry.get("arc") or ""),
        preferences=tuple(map(str, tags)) if isinstance(tags, list) else (),
        opening=opening,
        rounds=rounds,
    )


def _checkers(folders: _Folders, place: Place) -> dict[str, bytes]:
    root = folders.questions / CHECKERS
    found = {
        f"{CHECKERS}/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    if not found:
        place.at(file=_shown(root, folders)).fault(
            "There are no checkers, which most file checks call.", "Fetch the folder again."
        )
    return found


def _keep_apart(folders: _Folders, checkers: Mapping[str, bytes], place: Place) -> None:
    """A checker among the files that a day starts with would hand the agent its rules."""
    secret = {data for data in checkers.values() if data}
    for path in sorted(folders.workspaces.rglob("*.py")):
        if path.is_file() and path.read_bytes() in secret:
            first = path.relative_to(folders.workspaces).parts[0]
            place.at(file=_shown(path, folders), day=first if is_day_folder(first) else "").fault(
                "A checker lies where the agent works.", "Take it away: it belongs to `eval/scripts` only."
            )


def _json(path: Path, place: Place) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        place.fault(f"It cannot be read: {error.strerror or error}.", "Fetch it again.")
    except ValueError as error:
        place.fault(f"It is no JSON: {error}.", "Fetch it again, or mend it there.")
    return None


def _shown(path: Path, folders: _Folders) -> str:
    root = folders.index.resolve()
    return path.resolve().relative_to(root).as_posix() if path.resolve().is_relative_to(root) else str(path)

"""Scores again what the benchmark's own `infer` command has written: an `infer_result.json` for each round.

Such a file lies in `<day>/<group>/<round>` and has `test_id`, `group_id`, `round_id` (`qa_id` in older ones),
`question_type`, `answer` where its `status` is success, else `error`, and `inline_score`, which for a file check has
`passed`, `exit_code` (-1 where it ran out of time), `stdout` and `stderr`. Multiple choices are
scored from the answer; a file check cannot be run again, so its `passed` counts; one without it is a 0, as published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.evaluation.metaclaw_bench.faults import Place, refuse
from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark, Day, FileCheck, Round
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import (
    CheckOutcome,
    DayResult,
    RoundResult,
    score_choice,
)

RESULT = "infer_result.json"


@dataclass(frozen=True, slots=True)
class Rescored:
    """Results of the rounds that have a file, in the benchmark's order. `missing` are the rounds without one and
    `unchecked` the file checks whose file does not say how they ended, each as `day/round`."""

    results: tuple[DayResult, ...]
    missing: tuple[str, ...]
    unchecked: tuple[str, ...]


def rescore(folder: Path, benchmark: Benchmark, *, others: bool = False) -> Rescored:
    """Score the result files under a folder; with `others` those of days that the benchmark does not have are passed
    over. Raises UsageMistake where there is none, BenchmarkInvalid with every file that cannot be read, that the
    benchmark has no round for, or that comes twice."""
    paths = sorted(folder.rglob(RESULT))
    if not paths:
        raise UsageMistake(f"There is no {RESULT} under {folder}.", "Give the folder that `infer` wrote to.")
    days = {day.id: day for day in benchmark.days}
    rounds = {_key(day, round_): round_ for day in benchmark.days for round_ in day.rounds}
    found: dict[_Key, RoundResult] = {}
    unchecked, faults = [], Place("").faults
    for path in paths:
        place = Place(path.relative_to(folder).as_posix(), faults=faults)
        entry = _entry(path, place)
        if entry is None:
            continue
        key = _named(entry, path)
        place = place.at(day=key[0], round_=key[2])
        if others and key[0] not in days:
            continue
        round_ = rounds.get(key)
        if round_ is None:
            place.fault(
                "The benchmark has no such round.", "Use the data that it was run on, or take the file away."
            )
        elif key in found:
            place.fault("The round has another file too.", "Give the folder of one run.")
        else:
            found[key] = _scored(round_, entry)
            if isinstance(round_, FileCheck) and found[key].check is None:
                unchecked.append(f"{key[0]}/{round_.id}")
    refuse(faults)
    results = tuple(
        DayResult(day.id, kept)
        for day in benchmark.days
        if (kept := tuple(found[_key(day, one)] for one in day.rounds if _key(day, one) in found))
    )
    missing = tuple(f"{key[0]}/{round_.id}" for key, round_ in rounds.items() if key not in found)
    return Rescored(results, missing, tuple(unchecked))


_Key = tuple[str, str, str]  # day, group, round, as result files name them


def _key(day: Day, round_: Round) -> _Key:
    return day.id, round_.group, round_.id.removeprefix(f"{round_.group}/")


def _named(entry: Mapping[str, Any], path: Path) -> _Key:
    """What a file says of itself, or else its folders."""
    return (
        str(entry.get("test_id", _above(path, 3))),
        str(entry.get("group_id", _above(path, 2))),
        str(entry.get("round_id", entry.get("qa_id", _above(path, 1)))),
    )


def _entry(path: Path, place: Place) -> dict[str, Any] | None:
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        place.fault(f"It cannot be read: {error}.", "Take the file away, or run the round again.")
        return None
    if not isinstance(entry, dict):
        place.fault("It is no object.", "Take the file away, or run the round again.")
        return None
    return entry


def _above(path: Path, levels: int) -> str:
    return path.parts[-1 - levels] if len(path.parts) > levels else ""


def _scored(round_: Round, entry: Mapping[str, Any]) -> RoundResult:
    answer, error = entry.get("answer"), entry.get("error")
    reply = answer if isinstance(answer, str) else ""
    failure = str(error) if error and not reply else None
    if not isinstance(round_, FileCheck):
        return score_choice(round_, reply, failure=failure)
    said = entry.get("inline_score")
    check = None
    if isinstance(said, dict) and isinstance(said.get("passed"), bool):
        code = said.get("exit_code")
        output = f"{said.get('stdout') or ''}{said.get('stderr') or ''}"
        check = CheckOutcome(said["passed"], code if isinstance(code, int) else None, output)
    passed = check is not None and check.passed
    return RoundResult(
        round=round_.id,
        kind=round_.kind,
        score=float(passed),
        right=passed,
        reply=reply,
        check=check,
        failure=failure,
    )

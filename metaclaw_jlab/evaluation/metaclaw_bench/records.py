"""Results of days as JSON, kept in a folder so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark, Day
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import CheckOutcome, DayResult, RoundResult, Spent

_FORMAT = 2


def day_record(result: DayResult) -> dict[str, Any]:
    """The result in JSON's own types."""
    return asdict(result)


def day_result(record: Mapping[str, Any]) -> DayResult:
    """The result that a record was made of. Raises KeyError or TypeError where it is none."""
    return DayResult(
        record["day"],
        tuple(_round(dict(entry)) for entry in record["rounds"]),
        Spent(**record["closing"]),
        tuple(record["notes"]),
    )


def _round(entry: dict[str, Any]) -> RoundResult:
    selected, check = entry.pop("selected"), entry.pop("check")
    spent, skills = entry.pop("spent"), entry.pop("skills")
    return RoundResult(
        **entry,
        selected=None if selected is None else tuple(selected),
        check=None if check is None else CheckOutcome(**check),
        spent=Spent(**spent),
        skills=tuple(skills),
    )


@dataclass(frozen=True, slots=True)
class KeptDays:
    """The finished days of one arm, a file each. A day whose questions, starting files or checkers are no longer the
    same, or that was run under other `terms`, is not taken for finished."""

    folder: Path
    benchmark: Benchmark
    terms: Mapping[str, Any] = field(default_factory=dict)

    def find(self, day: Day) -> DayResult | None:
        """The kept result of a day; None where it has to be run."""
        try:
            kept = json.loads(self._path(day).read_text(encoding="utf-8"))
            return day_result(kept["result"]) if kept["of"] == self._identity(day) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, day: Day, result: DayResult) -> None:
        """Keep a finished day: all of it or, if this process dies meanwhile, nothing. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(day)
        new = path.with_suffix(f".{os.getpid()}.new")
        new.write_text(
            json.dumps({"of": self._identity(day), "result": day_record(result)}) + "\n", encoding="utf-8"
        )
        os.replace(new, path)

    def _path(self, day: Day) -> Path:
        return self.folder / f"{day.id}.json"

    def _identity(self, day: Day) -> dict[str, Any]:
        digest = hashlib.sha256()
        for path, data in sorted(self.benchmark.checkers.items()):
            digest.update(f"{path}\0{len(data)}\0".encode() + data)
        shared = self.benchmark.workspaces
        roots = [shared / day.id, *(path for path in shared.iterdir() if path.is_file())]
        for root in sorted(roots):
            for file in sorted(root.rglob("*")) if root.is_dir() else (root,):
                if file.is_file():
                    data = file.read_bytes()
                    digest.update(f"{file.relative_to(shared).as_posix()}\0{len(data)}\0".encode() + data)
        terms = json.loads(json.dumps(self.terms))  # as they are read back
        return {"format": _FORMAT, "day": day.sha256, "files": digest.hexdigest(), "terms": terms}

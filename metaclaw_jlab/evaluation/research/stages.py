"""What a run of the pipeline left about its stages: each time that a stage was carried out, rollbacks, lessons.

A stage NN leaves `stage-NN/stage_health.json` (status, seconds, error, when it ended) and `decision.json`; a rollback
renames the folders it leaves behind to `stage-NN_vK` and is noted in `decision_history.json`. A stage that is carried
out again in the same folder writes over them, so whoever watches takes the executions down as they come (`merged`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DONE, FAILED = "done", "failed"
REFINE, PIVOT = "refine", "pivot"
DECIDES = 15  # the stage whose decision rolls back; stages up to it are carried out again
NAMES = (
    "topic_init",
    "problem_decompose",
    "search_strategy",
    "literature_collect",
    "literature_screen",
    "knowledge_extract",
    "synthesis",
    "hypothesis_gen",
    "experiment_design",
    "code_generation",
    "resource_planning",
    "experiment_run",
    "iterative_refine",
    "result_analysis",
    "research_decision",
    "paper_outline",
    "paper_draft",
    "peer_review",
    "paper_revision",
    "quality_gate",
    "knowledge_archive",
    "export_publish",
    "citation_verify",
)
STAGES = len(NAMES)  # of its published versions; a log that says otherwise is believed
_FOLDER = re.compile(r"stage-(\d+)(?:_v\d+)?")
_TOTAL = re.compile(r"\bStage \d{1,3}/(\d{1,3})\b")
_LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class Execution:
    """A stage carried out once. `ended_at`: seconds since the epoch, cut to whole ones; `status` is its own word."""

    number: int
    name: str
    status: str
    seconds: float
    ended_at: float
    decision: str = ""
    error: str = ""

    @property
    def key(self) -> tuple[int, float, float, str]:
        """What tells one execution from another, wherever its folder is moved."""
        return (self.number, self.ended_at, self.seconds, self.status)


@dataclass(frozen=True, slots=True)
class Rollback:
    """A decision to go back to a stage."""

    decision: str
    to: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the pipeline says that it learnt; `severity` is info, warning or error."""

    stage: str
    number: int
    category: str
    severity: str
    text: str


def read_executions(folder: Path) -> tuple[Execution, ...]:
    """The executions that a run's folder tells of now, the first first."""
    found = []
    for place in sorted(folder.glob("stage-*")):
        named = _FOLDER.fullmatch(place.name)
        if named is None:
            continue
        health, decided = _record(place / "stage_health.json"), _record(place / "decision.json")
        told = health or decided
        ended = _time(told.get("timestamp") or told.get("ts"))
        if not told.get("status") or ended is None:
            continue
        found.append(
            Execution(
                int(named[1]),
                str(told.get("stage_id", "")).partition("-")[2],
                str(told["status"]).lower(),
                _number(told.get("duration_sec")),
                ended,
                str(decided.get("decision") or ""),
                str(told.get("error") or ""),
            )
        )
    return merged((), found)


def merged(known: Iterable[Execution], found: Iterable[Execution]) -> tuple[Execution, ...]:
    """All of them once, in the order in which they ended."""
    kept = {one.key: one for one in (*known, *found)}
    return tuple(sorted(kept.values(), key=lambda one: (one.ended_at, one.number)))


def dump_executions(executions: Iterable[Execution]) -> list[dict[str, Any]]:
    """As JSON."""
    return [asdict(one) for one in executions]


def load_executions(records: Iterable[Mapping[str, Any]]) -> tuple[Execution, ...]:
    """Inverse of dump_executions."""
    return tuple(Execution(**one) for one in records)


def read_rollbacks(folder: Path) -> tuple[Rollback, ...]:
    """The decisions to go back, in order."""
    found = _json(folder / "decision_history.json")
    records = found if isinstance(found, list) else []
    return tuple(
        Rollback(str(one.get("decision", "")).lower(), int(_number(one.get("rollback_stage_num"))))
        for one in records
        if isinstance(one, Mapping)
    )


def retries(executions: Iterable[Execution], rollbacks: Iterable[Rollback]) -> dict[int, int]:
    """How often each stage was tried again, by number; being carried out again after a rollback is no retry."""
    times: dict[int, int] = {}
    for one in executions:
        times[one.number] = times.get(one.number, 0) + 1
    back = tuple(rollbacks)
    return {
        number: max(0, count - 1 - sum(one.to <= number <= DECIDES for one in back))
        for number, count in times.items()
    }


def latest(executions: Iterable[Execution]) -> dict[int, Execution]:
    """The last execution of each stage."""
    return {one.number: one for one in executions}


def total_stages(log: Path, executions: Iterable[Execution]) -> int:
    """How many stages the pipeline has: what its log says, else as many as its published versions have."""
    highest = max((one.number for one in executions), default=0)
    try:
        with log.open(encoding="utf-8", errors="replace") as lines:
            told = next((int(found[1]) for line in lines if (found := _TOTAL.search(line))), None)
    except OSError:
        told = None
    return max(told if told is not None else STAGES, highest)


def refine_iterations(folder: Path) -> int:
    """How many times experiment code was improved and run again, over all refine stages."""
    logs = (_record(place / "refinement_log.json") for place in sorted(folder.glob("stage-13*")))
    return sum(len(log["iterations"]) for log in logs if isinstance(log.get("iterations"), list))


def reached(folder: Path) -> str:
    """The stage that a pipeline is in, or was last heard of in, such as "08 hypothesis_gen"; "" before the first."""
    begun = [
        int(named[1])
        for place in folder.glob("stage-*")
        if (named := re.fullmatch(r"stage-(\d+)", place.name)) and not (place / "stage_health.json").exists()
    ]
    number = min(begun) if begun else int(_number(_record(folder / "heartbeat.json").get("last_stage")))
    return f"{number:02d} {name_of(number)}".strip() if number else ""


def name_of(number: int) -> str:
    """The name of a stage of the published versions, "" for another."""
    return NAMES[number - 1] if 1 <= number <= len(NAMES) else ""


def read_lessons(folder: Path) -> tuple[Lesson, ...]:
    """The lessons that a run left, none twice."""
    found: dict[tuple[str, str], Lesson] = {}
    for one in _lines(folder / "evolution" / "lessons.jsonl"):
        text = str(one.get("description", "")).strip()
        if text:
            stage = str(one.get("stage_name", "")).strip().lower()
            lesson = Lesson(
                stage,
                int(_number(one.get("stage_num"))),
                str(one.get("category", "")),
                str(one.get("severity", "info")).lower(),
                text,
            )
            found.setdefault((stage, text), lesson)
    return tuple(found.values())


def read_summary(folder: Path) -> Mapping[str, Any]:
    """The pipeline's own summary, {} where it left none."""
    return _record(folder / "pipeline_summary.json")


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """The JSON objects in the lines of a file. A line that was cut off is left out."""
    for line in _text(path).splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _record(path: Path) -> Mapping[str, Any]:
    found = _json(path)
    return found if isinstance(found, dict) else {}


def _json(path: Path) -> object:
    try:
        return json.loads(_text(path) or "null")
    except (ValueError, RecursionError):
        return None  # it is being written


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= _LARGEST else ""
    except OSError:
        return ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def _time(text: object) -> float | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

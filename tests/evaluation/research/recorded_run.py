"""The files of a run as the pipeline leaves them, written small."""

import json
from datetime import UTC, datetime
from pathlib import Path

from metaclaw_jlab.evaluation.research.stages import name_of

BEGAN = 1_773_000_000.0


def stage(
    folder: Path, number: int, end: float, seconds: float = 9.0, status: str = "done", **more: object
) -> None:
    """A stage that ended so many seconds after the beginning. `folder_name` for one that a rollback left behind."""
    place = folder / str(more.pop("folder_name", f"stage-{number:02d}"))
    place.mkdir(parents=True, exist_ok=True)
    at = datetime.fromtimestamp(BEGAN + end, UTC).isoformat(timespec="seconds")
    told = {"stage_id": f"{number:02d}-{name_of(number)}", "status": status, "error": more.get("error")}
    decision = more.get("decision", "proceed")
    (place / "decision.json").write_text(json.dumps({**told, "decision": decision, "ts": at}))
    (place / "stage_health.json").write_text(json.dumps({**told, "duration_sec": seconds, "timestamp": at}))


def rollback(folder: Path, *decisions: tuple[str, int]) -> None:
    """Decisions to go back, each with the stage that it went back to."""
    history = [{"decision": decision, "rollback_stage_num": to} for decision, to in decisions]
    (folder / "decision_history.json").write_text(json.dumps(history))


def lessons(folder: Path, *found: tuple[str, str, str]) -> None:
    """Lessons: stage, severity, text."""
    (folder / "evolution").mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps(
            {
                "stage_name": name,
                "stage_num": 0,
                "category": "experiment",
                "severity": severity,
                "description": text,
            }
        )
        for name, severity, text in found
    ]
    (folder / "evolution" / "lessons.jsonl").write_text("\n".join(lines) + "\n")

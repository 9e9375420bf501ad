"""Failures, and replies of a model that writes skills."""

import json
from typing import Any

from metaclaw_jlab.core.evolution import Failure, FailureKind
from metaclaw_jlab.core.skill import Skill

CSV = Failure(
    "aaaa00000001",
    FailureKind.CHECK,
    task="Save the table as sales.csv.",
    code="df.to_csv('sales.csv')",
    observation="done",
    feedback=("Semicolons belong between the values.", "The index does not belong in the file."),
)
DATES = Failure(
    "bbbb00000002",
    FailureKind.BAD,
    "Show the dates.",
    "print(d)",
    "2026-03-01",
    ("Write dates as DD.MM.YYYY.",),
)
CRASH = Failure("cccc00000003", FailureKind.EXCEPTION, "Open it.", "open('x')", "FileNotFoundError: x", ())
BATCH = (CSV, DATES, CRASH)
BODY = "Save csv files with semicolons between the values."
SECRET = "sk-ant-api03-aB3dE6gH9jK2mN5pQ8rS1tU4vW7xY0z"
THERE = Skill("csv-separator", "Use when a csv is saved.", "Save csv files with commas.")


def skill(name: str = "csv-separator", *evidence: object, **fields: object) -> dict[str, object]:
    entries = list(evidence) or [{"failure": "F1", "sentence": 1}]
    written = {
        "name": name,
        "description": "Use when a table is saved as csv.",
        "wordings": [BODY],
        "amends": None,
    }
    return {**written, "evidence": entries, **fields}


def reply(*skills: object, explained: Any = (), nothing: Any = ()) -> str:
    return json.dumps(
        {"skills": list(skills), "explained": list(explained), "nothing_to_learn": list(nothing)}
    )


GOOD = reply(skill())

"""A benchmark of two short days of its own, in the public layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKER = """
import pathlib, sys
text = pathlib.Path(sys.argv[1]).read_text()
print(text)
sys.exit(0 if sys.argv[2] in text else 4)
"""


def choice(id_: str = "r2", answer: tuple[str, ...] = ("A", "C")) -> dict[str, Any]:
    return {
        "id": id_,
        "type": "multi_choice",
        "question": f"Which of these are fruit ({id_})?",
        "eval": {"options": {"A": "pear", "B": "brick", "C": "plum", "D": "spoon"}, "answer": list(answer)},
        "feedback": {
            "correct": "Both are fruit.",
            "options": {letter: f"Of {letter} there is this to say." for letter in "ABCD"},
        },
    }


def file_check(id_: str = "r1", word: str = "amber", day: str = "day01") -> dict[str, Any]:
    return {
        "id": id_,
        "type": "file_check",
        "question": f"Write the colour of {id_} into {day}/colour.txt.",
        "eval": {"command": f"python scripts/check_word.py {day}/colour.txt {word}", "expect_exit": 0},
        "feedback": {"correct": "That is the colour.", "incorrect": f"The colour has to be {word}."},
    }


DAYS = {
    "day01": [file_check(), choice(), file_check("r3", "violet")],
    "day02": [choice("r1", ("B",)), file_check("r2", "ochre", "day02")],
}


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_bench(root: Path, days: dict[str, list[dict[str, Any]]] | None = None) -> Path:
    days = DAYS if days is None else days
    tests = [
        {"id": day, "desc": day, "agent": "tester", "session": day, "eval": day, "arc": "A"} for day in days
    ]
    write_json(
        root / "all_tests.json",
        {
            "name": "Small",
            "eval_dir": "eval",
            "workspace_src": "workspaces/shared",
            "sessions_dir": "sessions",
            "test": tests,
        },
    )
    for day, rounds in days.items():
        write_json(root / "eval" / day / "questions.json", {"id": day, "desc": day, "rounds": rounds})
        (root / "workspaces" / "shared" / day).mkdir(parents=True)
        (root / "workspaces" / "shared" / day / "notes.txt").write_text(f"notes of {day}", encoding="utf-8")
        opening = [
            {"role": "user", "content": f"It is {day}."},
            {"role": "assistant", "content": "So it is."},
        ]
        (root / "sessions").mkdir(exist_ok=True)
        (root / "sessions" / f"{day}.jsonl").write_text("\n".join(map(json.dumps, opening)), encoding="utf-8")
    (root / "workspaces" / "shared" / "AGENTS.md").write_text("Work with care.", encoding="utf-8")
    (root / "eval" / "scripts").mkdir()
    (root / "eval" / "scripts" / "check_word.py").write_text(CHECKER, encoding="utf-8")
    return root


def change_json(path: Path, change: Callable[[Any], object]) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    write_json(path, value)

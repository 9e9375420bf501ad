"""General notebook tasks with checks, frozen: what a real model should go on doing, whatever it practises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FILE = Path(__file__).with_name("general_tasks.json")
GeneralSet = Literal["replay", "regression"]


@dataclass(frozen=True, slots=True)
class GeneralTask:
    """A task without house rules. `files` are texts by name; `check` is an expression that holds in the namespace and
    working folder of code that did it, `solution` such code."""

    id: str
    text: str
    files: Mapping[str, str]
    check: str
    solution: str


def general_tasks(wanted: GeneralSet) -> tuple[GeneralTask, ...]:
    """The tasks of a set; no text and no file is in both."""
    return tuple(task for name, task in _all() if name == wanted)


@cache
def _all() -> tuple[tuple[str, GeneralTask], ...]:
    records = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple((record.pop("set"), GeneralTask(**record)) for record in records)

"""An ablation as a file for others: a notebook that checks itself, a table, JSON, a figure.

Only ids, numbers and names of skills leave; what tasks say leaves where that is asked for.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.ablation import AblationState, Attempt
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.evaluation.ablation.figures import MIME, figure_spec
from metaclaw_jlab.evaluation.ablation.publication import public, public_attempt, public_name
from metaclaw_jlab.evaluation.ablation.report import report_of

if TYPE_CHECKING:
    from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder

COLUMNS = (
    "arm",
    "task",
    "seed",
    "sample",
    "day",
    "group",
    "value",
    "right",
    "stop",
    "skills",
    "steps",
    "seconds",
    "policy_seconds",
    "prompt_tokens",
    "completion_tokens",
)
_FAILED = "It failed; what it said is left out."
_FORMULA = ("=", "+", "-", "@")  # how a spreadsheet's formulas begin


def export(run: RunFolder, kind: str, *, with_texts: bool = False) -> tuple[str, bytes, str]:
    """File name, content and media type of a run as `ipynb`, `csv`, `json` or `vega`. Raises UsageMistake, and
    MissingExtra where nbformat is not installed."""
    from metaclaw_jlab.evaluation.ablation.attempts_log import read_attempts

    made = read_attempts(run)
    attempts = tuple(public_attempt(one) for one in made)
    plan, state = run.plan(), run.state()
    # Failures are told in words of the policy or of the task's own code, and a leak in those of the task.
    if not with_texts and state.state is AblationState.FAILED:
        state = replace(state, reason=_FAILED)
    told = report_of(run.number, plan, state, made)
    if not with_texts:
        for arm in told["arms"].values():
            arm["failures"]["example"] = None
    report = public(told)
    titles = _titles(run, made) if with_texts else {}
    name = f"ablation-{run.number}"
    match kind:
        case "ipynb":
            from metaclaw_jlab.evaluation.ablation.notebook_export import notebook

            written = notebook(plan, report, attempts, titles)
            return f"{name}.ipynb", written.encode(), "application/x-ipynb+json"
        case "csv":
            return f"{name}.csv", attempts_csv(attempts, titles).encode(), "text/csv"
        case "json":
            whole = {"report": report, "attempts": _records(attempts, titles)}
            return f"{name}.json", _json(whole), "application/json"
        case "vega":
            return f"{name}.vl.json", _json(figure_spec(report)), MIME
    raise UsageMistake(f"There is no export as {kind!r}.", "Use one of ipynb, csv, json, vega.")


def write_export(run: RunFolder, kind: str, target: Path | None, *, with_texts: bool = False) -> Path:
    """Write the file, under its own name in the working folder where no target is named. Raises UsageMistake where
    that would take the place of another file."""
    name, content, _ = export(run, kind, with_texts=with_texts)
    path = Path(name) if target is None else target / name if target.is_dir() else target
    if target is None and path.exists() and path.read_bytes() != content:
        raise UsageMistake(f"There is a file {path} already.", "Name another one, or this one, with --out.")
    path.write_bytes(content)
    return path


def attempts_csv(attempts: Sequence[Attempt], titles: Mapping[str, str] | None = None) -> str:
    """One row an attempt; a column for titles where there are any."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow((*COLUMNS, *(("title",) if titles else ())))
    for one in attempts:
        cells = [getattr(one, column) for column in COLUMNS]
        cells[COLUMNS.index("skills")] = " ".join(one.skills)
        cells[COLUMNS.index("right")] = "" if one.right is None else int(one.right)
        rows.writerow(map(_cell, (*cells, *((titles[one.task],) if titles else ()))))
    return written.getvalue()


def _records(attempts: Sequence[Attempt], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            **{column: getattr(one, column) for column in COLUMNS},
            "skills": list(one.skills),
            **({"title": titles[one.task]} if titles else {}),
        }
        for one in attempts
    ]


def _titles(run: RunFolder, attempts: Sequence[Attempt]) -> dict[str, str]:
    """By public id, for every task."""
    from metaclaw_jlab.evaluation.ablation.grid import task_grid

    return {public_name(task["id"]): str(public(task["title"])) for task in task_grid(run, attempts)["tasks"]}


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()

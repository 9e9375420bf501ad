"""`metaclaw demo`: the quickstart, then the agent without and with skills on test tasks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import TaskFailed, UsageMistake

DESCRIPTION = """\
Runs examples/quickstart.ipynb without a front end, then does practice tasks with the agent: once without skills, once
with the skills of each task's house retrieved as for a user. All in a home of its own that is deleted at the end."""
EXAMPLES = """\
examples:
  metaclaw demo                              about 240 tasks twice, written to build/demo.json
  metaclaw demo --tasks 40 --no-notebook     a quick look
  metaclaw demo --seed 7 --json              other tasks, the report on standard output too
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many tasks, which, and where to write."""
    parser.add_argument(
        "--tasks", type=int, default=240, metavar="N", help="test tasks of each arm (default 240)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which tasks are drawn (default 1)")
    parser.add_argument(
        "--output", type=Path, default=Path("build/demo.json"), help="default: build/demo.json"
    )
    parser.add_argument("--no-notebook", action="store_true", help="only measure")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The report, written to the output too. Raises MetaclawError."""
    if arguments.tasks < 2:
        raise UsageMistake(f"{arguments.tasks} tasks cannot be compared.", "Use --tasks 2 or more.")
    from metaclaw_jlab.evaluation.demo import QUICKSTART, demonstrate, write_report

    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    report = demonstrate(
        tasks=arguments.tasks,
        seed=arguments.seed,
        notebook=None if arguments.no_notebook else QUICKSTART,
        on_progress=_say,
    )
    write_report(report, arguments.output)
    _say(f"written to {arguments.output}")
    _raise_if_nothing_worked(report)
    return report


def render(result: Mapping[str, Any]) -> str:
    """The table, and what it was measured on."""
    from metaclaw_jlab.evaluation.arm_report import render_arms

    measured = (
        f"{result['model']}, temperature {result['temperature']:g}, test tasks of seed {result['seed']} in "
        f"{result['houses']} houses, splits {result['splits_sha256'][:12]}, {result['seconds']:.0f} s"
    )
    return f"{render_arms(result)}\n{measured}"


def _raise_if_nothing_worked(report: Mapping[str, Any]) -> None:
    failures = report["failures"]
    if all(failures[arm]["n"] == report["arms"][arm]["n"] for arm in failures):
        example = next(iter(failures.values()))["example"]
        raise TaskFailed(f"Not one task could be done: {example}", "See: metaclaw doctor")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

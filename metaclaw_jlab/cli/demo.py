"""`metaclaw demo`: the quickstart, then learning from practice tasks, measured on test tasks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import TaskFailed, UsageMistake

DESCRIPTION = """\
Runs examples/quickstart.ipynb without a front end, then lets some houses learn from streams of training tasks, and
does test tasks with the agent: without skills, with the skills that were learnt, with skills written by hand, and in
some arms more that tell where the difference comes from. All in homes of their own that are deleted at the end."""
EXAMPLES = """\
examples:
  metaclaw demo                                                  written to build/demo.json
  metaclaw demo --tasks 40 --houses 2 --stream 48 --no-notebook  a quick look
  metaclaw demo --seed 7 --json                                  other tasks, the report on standard output too
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much, which tasks, and where to write."""
    parser.add_argument(
        "--tasks", type=int, default=240, metavar="N", help="test tasks of each arm (default 240)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which tasks are drawn (default 1)")
    parser.add_argument("--houses", type=int, default=5, metavar="H", help="houses that learn (default 5)")
    parser.add_argument(
        "--stream", type=int, default=144, metavar="N", help="training tasks of each house (default 144)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("build/demo.json"), help="default: build/demo.json"
    )
    parser.add_argument("--no-notebook", action="store_true", help="only learn and measure")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The report, written to the output too. Raises MetaclawError."""
    _refuse(arguments)
    from metaclaw_jlab.evaluation.demo import QUICKSTART, demonstrate, write_report
    from metaclaw_jlab.evaluation.practice_measurement import Plan

    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    report = demonstrate(
        Plan(tasks=arguments.tasks, seed=arguments.seed, houses=arguments.houses, stream=arguments.stream),
        notebook=None if arguments.no_notebook else QUICKSTART,
        on_progress=_say,
    )
    write_report(report, arguments.output)
    _say(f"written to {arguments.output}")
    _raise_if_nothing_worked(report)
    return report


def render(result: Mapping[str, Any]) -> str:
    """What was measured on, what was learnt, and the table."""
    from metaclaw_jlab.evaluation.arm_report import render_arms
    from metaclaw_jlab.evaluation.learning_report import render_learning

    measured = (
        f"{result['model']}, temperature {result['temperature']:g}, test tasks of seed {result['seed']} in "
        f"{result['houses']} houses, splits {result['splits_sha256'][:12]}, {result['seconds']:.0f} s"
    )
    return "\n".join([measured, render_learning(result), "", render_arms(result)])


def _refuse(arguments: argparse.Namespace) -> None:
    if arguments.tasks < 2:
        raise UsageMistake(f"{arguments.tasks} tasks cannot be compared.", "Use --tasks 2 or more.")
    for name in ("houses", "stream"):
        if getattr(arguments, name) < 1:
            raise UsageMistake(
                f"Nothing can be learnt with --{name} {getattr(arguments, name)}.", "Use 1 or more."
            )


def _raise_if_nothing_worked(report: Mapping[str, Any]) -> None:
    failures = report["failures"]
    if all(failures[arm]["n"] == report["arms"][arm]["n"] for arm in failures):
        example = next(iter(failures.values()))["example"]
        raise TaskFailed(f"Not one task could be done: {example}", "See: metaclaw doctor")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

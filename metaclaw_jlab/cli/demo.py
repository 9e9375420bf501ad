"""`metaclaw demo`: the quickstart, then learning from practice tasks, measured on test tasks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import TaskFailed, UsageMistake

DESCRIPTION = """\
Runs examples/quickstart.ipynb without a front end, then lets a house learn from a stream of training tasks: skills
first, then weights, which a gate holds against tasks that they were not trained on. Test tasks are then done without
skills, with the skills that were learnt, with skills and weights, and in some arms more that tell where the difference
comes from. All in homes of their own that are deleted at the end."""
EXAMPLES = """\
examples:
  metaclaw demo                                       written to build/demo.json
  metaclaw demo --tasks 40 --stream 48 --no-notebook  a quick look
  metaclaw demo --seed 7 --json                       another house, the report on standard output too
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much, which tasks, and where to write."""
    parser.add_argument(
        "--tasks", type=int, default=240, metavar="N", help="test tasks of each arm (default 240)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="which house and tasks are drawn (default 1)"
    )
    parser.add_argument(
        "--stream", type=int, default=144, metavar="N", help="training tasks of the house (default 144)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("build/demo.json"), help="default: build/demo.json"
    )
    parser.add_argument("--no-notebook", action="store_true", help="only learn and measure")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The report, written to the output too. Raises MetaclawError."""
    _refuse(arguments)
    from metaclaw_jlab.evaluation.demo import QUICKSTART, demonstrate, write_report
    from metaclaw_jlab.evaluation.house_run import Plan

    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    report = demonstrate(
        Plan(tasks=arguments.tasks, seed=arguments.seed, stream=arguments.stream),
        notebook=None if arguments.no_notebook else QUICKSTART,
        on_progress=_say,
    )
    write_report(report, arguments.output)
    _say(f"written to {arguments.output}")
    _raise_if_nothing_worked(report)
    return report


def render(result: Mapping[str, Any]) -> str:
    """What was measured on, what was learnt, what the gate said, and the table."""
    from metaclaw_jlab.evaluation.arm_report import render_arms
    from metaclaw_jlab.evaluation.house_training import render_training
    from metaclaw_jlab.evaluation.learning_report import render_learning

    measured = (
        f"{result['model']}, temperature {result['temperature']:g}, test tasks of seed {result['seed']}, "
        f"splits {result['splits_sha256'][:12]}, {result['seconds']:.0f} s"
    )
    trained = render_training(result["training"])
    return "\n".join([measured, render_learning(result), *trained, "", render_arms(result)])


def _refuse(arguments: argparse.Namespace) -> None:
    if arguments.tasks < 2:
        raise UsageMistake(f"{arguments.tasks} tasks cannot be compared.", "Use --tasks 2 or more.")
    if arguments.stream < 1:
        raise UsageMistake(f"Nothing can be learnt with --stream {arguments.stream}.", "Use 1 or more.")


def _raise_if_nothing_worked(report: Mapping[str, Any]) -> None:
    failures = report["failures"]
    if all(failures[arm]["n"] == report["arms"][arm]["n"] for arm in failures):
        example = next(iter(failures.values()))["example"]
        raise TaskFailed(f"Not one task could be done: {example}", "See: metaclaw doctor")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

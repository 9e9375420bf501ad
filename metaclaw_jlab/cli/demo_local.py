"""`metaclaw demo-local`: a real model on this machine learns from practice tasks, measured on test tasks."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import TaskFailed, UsageMistake

MODEL = "qwen2.5-coder-1.5b"
DESCRIPTION = f"""\
Fetches a local model where it is not here, serves it, and lets it learn skills from a stream of training tasks with
natural names (files, columns), in a home of its own. Test tasks are then done without skills, with the skills that
were learnt, and with skills that were written by hand; with --train also with weights that were trained. Every attempt
is the ordinary agent's, prompted as the model's calibration says.

Whatever ends it, the same command goes on where it was: what was done is kept in a folder beside the report until the
measurement is over. Another model, prompting or number is another measurement. The default model is {MODEL}."""
EXAMPLES = """\
examples:
  metaclaw demo-local                                       written to build/demo-local.json
  metaclaw demo-local --minutes 75                          ends in time, with the tasks that all arms have done
  metaclaw demo-local --model smollm2-135m --n 40 --stream 16
  metaclaw demo-local --model ./my-model.gguf --train --json

also: --home PATH, where the models lie, and --json (see metaclaw --help)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model, how much, and where to write."""
    parser.add_argument(
        "--model",
        default=MODEL,
        metavar="NAME|PATH|HUB-ID",
        help="fetched where it is not here; see metaclaw models",
    )
    parser.add_argument(
        "--n", dest="tasks", type=int, default=200, metavar="N", help="test tasks of each arm (default 200)"
    )
    parser.add_argument(
        "--stream", type=int, default=48, metavar="N", help="training tasks of the house (default 48)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="which house and tasks are drawn (default 1)"
    )
    parser.add_argument(
        "--compound",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="share of tasks that have two parts (default 0.5)",
    )
    parser.add_argument(
        "--steps", type=int, default=4, metavar="N", help="most steps of an attempt (default 4)"
    )
    parser.add_argument(
        "--max-tokens", type=int, default=512, metavar="N", help="longest answer of a step (default 512)"
    )
    parser.add_argument(
        "--train", action="store_true", help="train its weights after the stream, and measure the arm `full`"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="end the measuring after so long, with what is there (default: no limit)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("build/demo-local.json"), help="default: build/demo-local.json"
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The report, written to the output too. Raises MetaclawError."""
    _refuse(arguments)
    from metaclaw_jlab.evaluation.demo_local import demonstrate_local
    from metaclaw_jlab.evaluation.demo_local_plan import LocalPlan
    from metaclaw_jlab.runtime.home import open_home

    began = time.monotonic()
    plan = LocalPlan(
        tasks=arguments.tasks,
        stream=arguments.stream,
        seed=arguments.seed,
        compound_share=arguments.compound,
        steps=arguments.steps,
        max_tokens=arguments.max_tokens,
        train=arguments.train,
        minutes=arguments.minutes,
    )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    models = open_home(arguments.home)
    model = _fetched(models, arguments.model)
    report = demonstrate_local(plan, model, models, arguments.output, say=_say, began=began)
    _say(f"written to {arguments.output}")
    _raise_if_nothing_worked(report)
    return report


def render(result: Mapping[str, Any]) -> str:
    """What was measured on, what was learnt, what the gate said, and the table."""
    from metaclaw_jlab.evaluation.demo_local_report import render_local_arms
    from metaclaw_jlab.evaluation.house_training import render_training
    from metaclaw_jlab.evaluation.learning_report import render_learning

    sha = result["model_sha256"]
    measured = (
        f"{result['model']} ({result['form']}{f', {sha[:12]}' if sha else ''}), temperature {result['temperature']:g}, "
        f"test tasks with natural names of seed {result['seed']}, splits {result['splits_sha256'][:12]}, "
        f"{result['seconds']:.0f} s"
    )
    prompted = ", ".join(f"{name} {value}" for name, value in result["prompting"].items())
    lines = [measured, f"prompted: {prompted}", render_learning(result), *render_training(result["training"])]
    if result["stopped"]:
        lines.append(
            f"stopped {result['stopped']}: the same command without --minutes, or with more, goes on"
        )
    return "\n".join([*lines, "", render_local_arms(result)])


def _fetched(home: Any, text: str) -> Any:
    from metaclaw_jlab.cli.progress import end_progress, progress
    from metaclaw_jlab.core.config import EMBEDDED_MODEL
    from metaclaw_jlab.inspection.model_fetch import STOPPED, fetch_model, progress_in_words

    if text == EMBEDDED_MODEL:
        raise UsageMistake(
            f"{text} is the embedded model, made for these tasks.", "See: metaclaw demo --help"
        )
    told = 0.0

    def report(state: Any) -> None:
        nonlocal told
        if sys.stderr.isatty() or time.monotonic() - told > LINE_SECONDS:
            told = time.monotonic()
            progress(progress_in_words(text, state))

    try:
        return fetch_model(home, text, begins=lambda needs: _say(needs.sentence), tell=_say, report=report)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Stopped. {STOPPED}") from None
    finally:
        end_progress()


LINE_SECONDS = 5.0  # between lines of progress where they do not replace each other


def _refuse(arguments: argparse.Namespace) -> None:
    if arguments.tasks < 2:
        raise UsageMistake(f"{arguments.tasks} tasks cannot be compared.", "Use --n 2 or more.")
    if arguments.stream < 1:
        raise UsageMistake(f"Nothing can be learnt with --stream {arguments.stream}.", "Use 1 or more.")
    if not 0 <= arguments.compound <= 1:
        raise UsageMistake(f"{arguments.compound:g} is no share.", "Use --compound from 0 to 1.")
    if arguments.minutes is not None and not arguments.minutes > 0:
        raise UsageMistake(f"Nothing can be measured in {arguments.minutes:g} minutes.", "Use more.")
    for name, least in (("steps", 1), ("max_tokens", 16)):
        if getattr(arguments, name) < least:
            option = f"--{name.replace('_', '-')}"
            raise UsageMistake(f"{option} {getattr(arguments, name)} is too few.", f"Use {least} or more.")


def _raise_if_nothing_worked(report: Mapping[str, Any]) -> None:
    failures = report["failures"]
    if all(failures[arm]["n"] == report["arms"][arm]["n"] for arm in failures):
        example = next(iter(failures.values()))["example"]
        raise TaskFailed(f"Not one task could be done: {example}", "See: metaclaw doctor")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

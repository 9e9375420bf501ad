"""`metaclaw models calibrate`: finds out on validation tasks how a local model is prompted best, and keeps it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.cli.progress import end_progress, progress
from metaclaw_jlab.cli.termination import stopped_by_term
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.runtime.home import Home

if TYPE_CHECKING:
    from metaclaw_jlab.evaluation.calibration.calibrating import Standing

FEWEST, USUAL, SEED = 8, 64, 1
LINE_SECONDS = 15.0  # between lines of progress where they do not replace each other

DESCRIPTION = """\
Compares ways of prompting a local model on validation tasks of the practice world: the instructions, whether the first
rows of files are shown, when a task ends; then where skills stand, how many, from which relevance on; then a
temperature. All variants do the same tasks. What is simplest stays unless another is better by more than the standard
error of their difference, and no variant of skills is taken that costs tasks. A run that was stopped goes on with the
same command."""


def add_action(actions: Any) -> None:
    """The action, among those of `metaclaw models`."""
    parser: argparse.ArgumentParser = actions.add_parser(
        "calibrate", help="find out how a model is prompted best", description=DESCRIPTION
    )
    parser.add_argument("model", metavar="NAME|PATH|HUB-ID")
    parser.add_argument(
        "--n", type=int, default=USUAL, metavar="N", help=f"tasks of each variant at most (default {USUAL})"
    )
    parser.add_argument(
        "--seed", type=int, default=SEED, metavar="S", help=f"which tasks are drawn (default {SEED})"
    )
    parser.add_argument(
        "--variants",
        metavar="A,B,...",
        help="only these; stages with none of them are left out (another word lists them all)",
    )
    parser.add_argument(
        "--minutes", type=float, metavar="M", help="end after so long with what is known then"
    )
    parser.add_argument(
        "--keep",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="prompt the model so from now on; where not given: if all was compared to the end",
    )


def run(home: Home, arguments: argparse.Namespace) -> dict[str, object]:
    """The calibration and whether it was kept. Raises UsageMistake, and as calibrate() and keep() do."""
    from metaclaw_jlab.evaluation.calibration.calibrating import Wishes, calibrate
    from metaclaw_jlab.policies.calibration import keep

    if arguments.n < FEWEST:
        raise UsageMistake(f"{arguments.n} tasks decide nothing.", f"Use --n {FEWEST} or more.")
    if arguments.minutes is not None and not arguments.minutes > 0:
        raise UsageMistake(f"Nothing is done in {arguments.minutes:g} minutes.", "Use --minutes 30.")
    words = None if arguments.variants is None else arguments.variants.split(",")
    wishes = Wishes(
        n=arguments.n,
        seed=arguments.seed,
        variants=None if words is None else tuple(word.strip() for word in words if word.strip()),
        minutes=arguments.minutes,
    )
    try:
        with stopped_by_term():
            found = calibrate(home, arguments.model, wishes, say=progress, on_standing=_reporter())
    finally:
        end_progress()
    wanted = found.complete if arguments.keep is None else arguments.keep
    return {**found.to_dict(), "kept": str(keep(home, found)) if wanted else None}


def render(result: Mapping[str, Any]) -> str:
    """All variants, what was chosen, and whether it counts from now on."""
    from metaclaw_jlab.evaluation.calibration.calibration_text import render_calibration

    lines = render_calibration(result)
    if result["kept"]:
        lines.append(f"Kept: {result['model']} is prompted so from now on ({result['kept']}).")
    elif result["complete"]:
        lines.append("Not kept.")
    else:
        lines.append(
            "Not to the end, and not kept: the same command goes on, with --keep it counts as it is."
        )
    if result["temperature"] > 0:
        lines.append(f"To sample so: metaclaw config set policy.temperature {result['temperature']:g}")
    return "\n".join(lines)


def _reporter() -> Callable[[Standing], None]:
    told, stage = -LINE_SECONDS, ""

    def report(standing: Standing) -> None:
        nonlocal told, stage
        now = time.monotonic()
        if standing.stage == stage and not sys.stderr.isatty() and now - told < LINE_SECONDS:
            return
        told, stage = now, standing.stage
        left = "" if standing.remaining is None else f", about {standing.remaining / 60:.0f} min left"
        progress(f"{standing.stage}: {standing.done} of about {standing.total} attempts{left}")

    return report

"""`metaclaw practice evolvers`: how many of the skills that a local model, the distiller and both write are useful."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from metaclaw_jlab.cli.progress import end_progress, progress
from metaclaw_jlab.core.errors import UsageMistake

SPLITS = ("train", "validation")  # the test split is for results


def add_action(actions: Any) -> None:
    """The action's arguments."""
    parser = actions.add_parser("evolvers", help="measure how many of the skills that are written are useful")
    parser.add_argument("--model", metavar="NAME", help="a local model (default: policy.local_model)")
    parser.add_argument("--n", type=int, default=40, help="failures (default 40)")
    parser.add_argument("--seed", type=int, default=1, help="which tasks are drawn (default 1)")
    parser.add_argument("--split", choices=SPLITS, default="validation", help="default: validation")
    parser.add_argument("--trials", type=int, default=6, help="fresh tasks for each skill (default 6)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/evolvers"),
        metavar="FOLDER",
        help="where the log is kept; the same command goes on with it (default: build/evolvers)",
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure. Raises UsageMistake, ModelUnusable, ServerStartFailed, PolicyError, ExecutorError."""
    from metaclaw_jlab.core.config import EMBEDDED_MODEL
    from metaclaw_jlab.evaluation.evolver_report import Plan, header, measure_evolvers, open_writers
    from metaclaw_jlab.runtime.home import open_home
    from metaclaw_jlab.settings.configuration import load

    home = open_home(arguments.home)
    model = arguments.model or load(home.config, {}).settings.policy.local_model
    if model == EMBEDDED_MODEL:
        raise UsageMistake(
            f"{EMBEDDED_MODEL} writes no skills.", "Name another local model: --model qwen2.5-coder-1.5b."
        )
    if arguments.trials < 1:
        raise UsageMistake(f"{arguments.trials} trials tell nothing.", "Use --trials 6.")
    plan = Plan(
        model=model, n=arguments.n, seed=arguments.seed, split=arguments.split, trials=arguments.trials
    )
    name = re.sub(r"[^\w.-]+", "-", model).strip("-")
    log = arguments.out / f"{name}-{plan.split}-{plan.seed}-{plan.trials}.jsonl"
    try:
        return measure_evolvers(
            plan,
            log,
            header(home, plan),
            partial(open_writers, home, plan, _say),
            on_progress=partial(_tell, plan.n),
        )
    finally:
        end_progress()


def render(report: Mapping[str, Any]) -> str:
    """A row for each writer, before and after."""
    rows = [
        f"{'':10}{'':8}{'skills':>7}{'useful':>8}  {'of the skills':22}{'of the failures':22}{'strict with':>12}"
        f"{'without':>9}"
    ]
    for writer, stages in report["evolvers"].items():
        for stage, found in stages.items():
            rows.append(
                f"{writer:10}{stage:8}{found['written']:>7}{found['useful']:>8}  "
                f"{_share(found['of_written']):22}{_share(found['of_failures']):22}"
                f"{_number(found['strict_with']):>12}{_number(found['strict_without']):>9}"
            )
    rows.append(
        f"{report['failures']} failures of {report['model']}, split {report['split']}, seed {report['seed']}; each "
        f"skill on {report['trials']} fresh tasks of its rule, with and without it"
    )
    return "\n".join(rows)


def _share(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "-"
    low, high = found["ci95"]
    return f"{found['share']:.2f} ({low:.2f} to {high:.2f})"


def _number(found: float | None) -> str:
    return "-" if found is None else f"{found:.2f}"


def _tell(n: int, index: int, records: Sequence[Mapping[str, Any]]) -> None:
    found = [record["writers"]["both"]["after"] for record in records if record["writers"] is not None]
    kept = [one for one in found if one["skill"] is not None]
    useful = sum(one["useful"] for one in kept)
    progress(f"failure {index + 1} of {n} · of both, judged: {useful} useful of {len(kept)} skills")


def _say(line: str) -> None:
    end_progress()
    print(line, file=sys.stderr, flush=True)

"""`metaclaw practice`: make and measure the embedded model, measure what is learnt, look at practice tasks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from metaclaw_jlab.cli import practice_evolvers
from metaclaw_jlab.core.errors import MissingExtra, UsageMistake

EXAMPLES = """\
examples:
  metaclaw practice sample --n 3                     tasks with their house rules and a solution
  metaclaw practice splits                           the hash that results quote
  metaclaw practice build --output build/model       make the embedded model; goes on where it stopped
  metaclaw practice embedder --output build/e.npz    make the shipped embedder
  metaclaw practice evaluate --n 400 --json          how often it is right, and obeys
  metaclaw practice learning --seeds 1,2 --n 600     what weights add to skills; goes on where it stopped
  metaclaw practice evolvers --model smollm2-135m    how many of the skills that it writes are useful
"""
_SPLITS = ("train", "replay", "validation", "regression", "test")
# The rest of a build is set-up, the tokenizer, and writing.
_TRAINING_SHARE = 8 / 9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    building = actions.add_parser("build", help="make the embedded model from nothing")
    building.add_argument(
        "--output",
        type=Path,
        default=Path("build/practice-model"),
        help="where it is written (default: build/practice-model)",
    )
    building.add_argument("--minutes", type=float, default=30.0, help="longest build (default 30)")
    building.add_argument("--seed", type=int, default=1, help="of weights and demonstrations (default 1)")
    embedding = actions.add_parser("embedder", help="make the shipped embedder from nothing")
    embedding.add_argument(
        "--output",
        type=Path,
        default=Path("build/shipped_embedder.npz"),
        help="where it is written (default: build/shipped_embedder.npz)",
    )
    embedding.add_argument("--steps", type=int, help="optimiser steps (default: those of the recipe)")
    embedding.add_argument("--seed", type=int, default=1, help="of rows and pairs (default 1)")
    evaluating = actions.add_parser("evaluate", help="measure a model on practice tasks")
    evaluating.add_argument("--n", type=int, default=400, help="tasks (default 400)")
    evaluating.add_argument("--seed", type=int, default=0, help="which tasks are drawn (default 0)")
    evaluating.add_argument("--split", choices=_SPLITS, default="test", help="default: test")
    evaluating.add_argument("--model", type=Path, help="folder of a model (default: the embedded one)")
    evaluating.add_argument("--output", type=Path, help="write the report to this file too")
    _add_learning(actions)
    sampling = actions.add_parser("sample", help="show tasks with their rules, files and a solution")
    sampling.add_argument("--n", type=int, default=5, help="tasks (default 5)")
    sampling.add_argument("--seed", type=int, default=0, help="which tasks are drawn (default 0)")
    sampling.add_argument("--split", choices=_SPLITS, default="test", help="default: test")
    actions.add_parser("splits", help="the hash of the file that decides the splits")
    practice_evolvers.add_action(actions)


def _add_learning(actions: Any) -> None:
    learning = actions.add_parser("learning", help="measure what trained weights add to learnt skills")
    learning.add_argument(
        "--seeds", default="1,2,3,4,5", metavar="S,...", help="each draws all anew (default 1,2,3,4,5)"
    )
    learning.add_argument("--n", type=int, default=600, help="test tasks of each seed (default 600)")
    learning.add_argument(
        "--stream", type=int, default=144, metavar="N", help="training tasks of each seed (default 144)"
    )
    learning.add_argument(
        "--parallel",
        type=int,
        default=1,
        metavar="N",
        help="seeds measured at once, each in a process of its own",
    )
    learning.add_argument(
        "--out",
        type=Path,
        default=Path("build/learning"),
        metavar="FOLDER",
        help="where each seed's report is kept; one that is there is not measured again (default: build/learning)",
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises MetaclawError."""
    if getattr(arguments, "n", 1) < 1:
        raise UsageMistake(f"{arguments.n} tasks are none.", "Use --n 1 or more.")
    match arguments.action:
        case "build":
            return _build(arguments)
        case "embedder":
            return _embedder(arguments)
        case "evaluate":
            return _evaluate(arguments)
        case "learning":
            return _learning(arguments)
        case "evolvers":
            return practice_evolvers.run(arguments)
        case "sample":
            return {"tasks": _sample(arguments.split, arguments.seed, arguments.n)}
        case _:
            from metaclaw_jlab.practice import SPLITS, splits_sha256

            return {"splits_sha256": splits_sha256(), "splits": SPLITS}


def render(result: Mapping[str, Any]) -> str:
    """The same in words."""
    match result:
        case {"tasks": tasks}:
            return "\n\n".join(_task_text(task) for task in tasks)
        case {"greedy": _}:
            return _evaluation_text(result)
        case {"mean_difference": _}:
            return _learning_text(result)
        case {"evolvers": _}:
            return practice_evolvers.render(result)
        case {"splits": splits, "splits_sha256": sha256}:
            return f"{sha256}  ({', '.join(splits)})"
        case {"dimensions": dimensions}:
            return (
                f"{result['output']}: {dimensions} dimensions, {result['bytes'] / 1e6:.1f} MB, {result['steps']:,} "
                f"steps in {result['seconds']:.0f} s, {result['sha256'][:12]}"
            )
        case _:
            return (
                f"{result['output']}: {result['parameters']:,} parameters, {result['bytes'] / 1e6:.1f} MB, "
                f"{result['steps']:,} steps in {result['seconds']:.0f} s"
            )


def _build(arguments: argparse.Namespace) -> dict[str, object]:
    if arguments.minutes <= 0:
        raise UsageMistake(f"A build cannot take {arguments.minutes:g} minutes.", "Use --minutes 30.")
    _require_torch()
    from metaclaw_jlab.engines.embedded.build import build
    from metaclaw_jlab.engines.embedded.recipe import Recipe

    recipe = Recipe(seed=arguments.seed, seconds=arguments.minutes * 60 * _TRAINING_SHARE)
    return asdict(build(arguments.output, recipe=recipe))


def _embedder(arguments: argparse.Namespace) -> dict[str, object]:
    if arguments.steps is not None and arguments.steps < 1:
        raise UsageMistake(
            f"{arguments.steps} steps make nothing.", "Use --steps 1 or more, or leave it out."
        )
    for library in ("torch", "pandas", "matplotlib"):
        if find_spec(library) is None:
            raise MissingExtra(library, "train")
    from metaclaw_jlab.engines.embedding.build import Recipe, build

    recipe = Recipe(seed=arguments.seed)
    if arguments.steps is not None:
        recipe = replace(recipe, steps=arguments.steps)
    return asdict(build(arguments.output, recipe=recipe, say=_say))


def _evaluate(arguments: argparse.Namespace) -> dict[str, object]:
    from metaclaw_jlab.engines.embedded import location

    model = arguments.model or location()
    if not (model / "config.json").is_file():
        raise UsageMistake(f"There is no model in {model}.", "Name its folder with --model.")
    _require_torch()
    from metaclaw_jlab.engines.embedded.evaluate import evaluate

    report = evaluate(model, split=arguments.split, seed=arguments.seed, n=arguments.n)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        _say(f"written to {arguments.output}")
    return report


def _learning(arguments: argparse.Namespace) -> dict[str, object]:
    seeds = _seeds(arguments.seeds)
    for name, least in (("n", 2), ("stream", 1), ("parallel", 1)):
        if getattr(arguments, name) < least:
            raise UsageMistake(
                f"--{name} {getattr(arguments, name)} is too little.", f"Use --{name} {least} or more."
            )
    _require_torch()
    from metaclaw_jlab.evaluation.learning_seed import SeedPlan
    from metaclaw_jlab.evaluation.learning_seeds import measure_seeds

    plan = SeedPlan(tasks=arguments.n, stream=arguments.stream)
    return measure_seeds(plan, seeds, arguments.out, parallel=arguments.parallel, say=_say)


def _seeds(words: str) -> list[int]:
    try:
        return list(dict.fromkeys(int(word) for word in words.split(",")))
    except ValueError:
        raise UsageMistake(f"{words!r} is no list of seeds.", "Use --seeds 1,2,3.") from None


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _sample(split: str, seed: int, n: int) -> list[dict[str, object]]:
    """Tasks as JSON values, with the skills of their applying rules and a solution that obeys them."""
    from random import Random

    from metaclaw_jlab.practice import rule_skill, solution, task_set, to_dict

    return [
        {
            **to_dict(task),
            "skills": {
                rule: rule_skill(rule, option, Random(task.id), split=split).body
                for rule, option in task.options.items()
            },
            "solution": solution(task, task.options),
        }
        for task in task_set(split, seed, n)
    ]


def _require_torch() -> None:
    for library in ("torch", "transformers"):
        if find_spec(library) is None:
            raise MissingExtra(library, "train")


def _task_text(task: Mapping[str, Any]) -> str:
    lines = [f"{task['id']}: {task['text']}"]
    lines += [f"  rule   {rule}: {body}" for rule, body in task["skills"].items()]
    for path, text in task["files"].items():
        first = text.split("\n", 1)[0]
        lines.append(f"  file   {path}: {first} ... ({len(text.splitlines())} lines)")
    for number, code in enumerate(task["solution"], 1):
        lines.append(f"  step {number}")
        lines += [f"    {line}" for line in code.splitlines()]
    return "\n".join(lines)


def _evaluation_text(report: Mapping[str, Any]) -> str:
    """Strict and task-right shares of one-rule, one-step tasks, and the strict share of compounds."""
    rows = [f"{'':8}{'condition':32}{'n':>5}{'strict':>8}{'right':>8}{'compounds strict':>18}"]
    for temperature, conditions in report.items():
        if not isinstance(conditions, Mapping):
            continue
        for condition, found in conditions.items():
            compounds = found["compounds"]
            rows.append(
                f"{temperature:8}{condition:32}{found['n']:>5}{_share(found, 'strict'):>8}"
                f"{_share(found, 'task_right'):>8}{_share(compounds, 'strict'):>18}"
            )
    rows.append(f"split {report['split']}, seed {report['seed']}, splits {report['splits_sha256'][:12]}")
    return "\n".join(rows)


def _learning_text(report: Mapping[str, Any]) -> str:
    """A row for each seed, and what they say together."""
    rows = [
        f"{'seed':>6}{'skills':>9}{'at T':>6}{'full':>9}{'difference':>12}  {'95 % interval':20}{'serves':>8}"
        f"{'obeys':>8}"
    ]
    for seed in report["seeds"]:
        found, arms = seed["difference"], seed["arms"]
        served = (seed["training"] or {}).get("served")
        kept = seed["contradiction"]["all"]["ratio"]
        low, high = found["ci95"]
        rows.append(
            f"{seed['seed']:>6}{arms['skills']['strict']:>9.3f}{seed['temperature']['skills']:>6g}"
            f"{arms['full']['strict']:>9.3f}{found['difference']:>+12.3f}  "
            f"{f'{low:+.3f} to {high:+.3f}':20}{'base' if served is None else f'v{served}':>8}"
            f"{'-' if kept is None else f'{kept:.2f}':>8}"
        )
    worst = report["worst"]
    rows.append(
        f"full above skills by {report['mean_difference']:+.3f} on average over {report['n']} seeds; the worst is "
        f"seed {worst['seed']} with {worst['difference']:+.3f}"
    )
    return "\n".join(rows)


def _share(found: Mapping[str, Any], name: str) -> str:
    return f"{found[name]:.3f}" if found["n"] else "-"

"""`metaclaw bench`: the public benchmarks, run on a copy of their data."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import UsageMistake

if TYPE_CHECKING:
    from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark
    from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult

DESCRIPTION = """\
MetaClaw-Bench: days of tasks in one conversation and one workspace, scored as its authors do. The copy of its data is
looked over first, and everything that is wrong with it is told. Without a policy nothing is run. Beside every result
stands the floor: what selecting all options and doing no file work scores."""
EXAMPLES = """\
examples:
  metaclaw bench metaclaw-bench --data ./metaclaw-bench                    look the data over, tell the floor
  metaclaw bench metaclaw-bench --data ./metaclaw-bench --policy null,answers --days day01,day02
  metaclaw bench metaclaw-bench --data ./metaclaw-bench --policy select-all --out build/bench --json
  metaclaw bench metaclaw-bench --data ./metaclaw-bench --rescore ./infer_results
"""
_POLICIES = ("null", "select-all", "answers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The benchmarks."""
    suites = parser.add_subparsers(dest="suite", metavar="BENCHMARK", required=True)
    public = suites.add_parser("metaclaw-bench", help="the public benchmark of the MetaClaw paper")
    public.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="the folder with all_tests.json"
    )
    public.add_argument(
        "--policy",
        default="",
        metavar="NAME,...",
        help="null does nothing, select-all selects all options, answers knows them; none of them works on files",
    )
    public.add_argument("--days", default="", metavar="DAY,...", help="such as day01,day06 (default: all)")
    public.add_argument(
        "--rescore",
        type=Path,
        metavar="FOLDER",
        help="score again what the benchmark's own `infer` wrote there",
    )
    public.add_argument(
        "--parallel",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="days at once (default: one a CPU)",
    )
    public.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="keep each day's result there; one that is there is not run again",
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The report. Raises MetaclawError."""
    policies = _policies(arguments.policy)
    if arguments.parallel < 1:
        raise UsageMistake(f"--parallel {arguments.parallel} is too little.", "Use --parallel 1 or more.")
    if policies and arguments.rescore:
        raise UsageMistake("--policy runs days, --rescore runs none.", "Use one of the two.")
    from metaclaw_jlab.evaluation.metaclaw_bench.loader import load_benchmark
    from metaclaw_jlab.evaluation.metaclaw_bench.report import bench_report

    benchmark = load_benchmark(arguments.data, _words(arguments.days))
    if arguments.rescore:
        from metaclaw_jlab.evaluation.metaclaw_bench.rescoring import rescore

        found = rescore(arguments.rescore, benchmark)
        arms = {arguments.rescore.resolve().name: found.results}
        return {
            **bench_report(benchmark, arms),
            "missing": list(found.missing),
            "unchecked": list(found.unchecked),
        }
    if not policies:
        return bench_report(benchmark, {})
    results, protections = _run(policies, benchmark, arguments)
    return {**bench_report(benchmark, results), "protections": list(protections)}


def render(result: Mapping[str, Any]) -> str:
    """The table, and what result files did not tell."""
    from metaclaw_jlab.evaluation.metaclaw_bench.report import render_report

    lines = [render_report(result)]
    if result.get("missing"):
        lines.append(
            f"{len(result['missing'])} rounds have no result and count nowhere: {_few(result['missing'])}"
        )
    if result.get("unchecked"):
        lines.append(
            f"{len(result['unchecked'])} file checks were not recorded, and are 0: {_few(result['unchecked'])}"
        )
    return "\n".join(lines)


def _run(
    policies: list[str], benchmark: Benchmark, arguments: argparse.Namespace
) -> tuple[dict[str, tuple[DayResult, ...]], tuple[str, ...]]:
    from metaclaw_jlab.evaluation.metaclaw_bench.arm_run import run_days
    from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer, scoring_pool
    from metaclaw_jlab.evaluation.metaclaw_bench.records import KeptDays
    from metaclaw_jlab.evaluation.metaclaw_bench.sanity import SANITY_POLICIES
    from metaclaw_jlab.runtime.home import Home, default_path
    from metaclaw_jlab.settings.configuration import load

    home = Home(arguments.home.absolute() if arguments.home else default_path())
    isolation = load(home.config).settings.sandbox.isolation
    with scoring_pool(isolation=isolation, hidden=(home.root, arguments.data.resolve())) as pool:
        results = {
            policy: run_days(
                benchmark,
                SANITY_POLICIES[policy],
                Scorer(pool, benchmark.checkers),
                parallel=arguments.parallel,
                kept=KeptDays(arguments.out / policy, benchmark) if arguments.out else None,
                on_day=lambda day, policy=policy: _say(f"{policy} {day.day}"),  # type: ignore[misc]
            )
            for policy in policies
        }
        return results, pool.protections()


def _policies(words: str) -> list[str]:
    policies = _words(words)
    if unknown := [policy for policy in policies if policy not in _POLICIES]:
        raise UsageMistake(f"There is no policy {unknown[0]!r}.", f"Use one of {', '.join(_POLICIES)}.")
    return policies


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word for word in text.split(",") if word))


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

"""`metaclaw bench`: the public benchmarks, run on a copy of their data."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.cli import bench_research
from metaclaw_jlab.core.errors import UsageMistake

if TYPE_CHECKING:
    from metaclaw_jlab.core.arm import Arm
    from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark
    from metaclaw_jlab.evaluation.metaclaw_bench.progress import Course
    from metaclaw_jlab.evaluation.metaclaw_bench.report import Prices
    from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult

DESCRIPTION = """\
MetaClaw-Bench: days of tasks in one conversation and one workspace, scored as its authors do. The copy of its data is
looked over first, and everything that is wrong with it is told. Without an arm or a policy nothing is run. An arm is
the configured policy under its own skills and weights: one that learns lives through the days in order, in a copy of
this home, which learns nothing from it. Beside every result stands the floor: what selecting all options and doing no
file work scores. `metaclaw bench research --help` tells of the other benchmark."""
EXAMPLES = """\
examples:
  metaclaw bench metaclaw-bench --data ./metaclaw-bench                    look the data over, tell the floor
  metaclaw bench metaclaw-bench --data ./metaclaw-bench --arms baseline,skills,full --out build/bench
  metaclaw bench metaclaw-bench --data ./metaclaw-bench --arms baseline --arm few=skills,skills.max_skills=1
  metaclaw bench metaclaw-bench --data ./metaclaw-bench --policy null,answers --days day01,day02
  metaclaw bench metaclaw-bench --data ./metaclaw-bench --policy select-all --out build/bench --json
  metaclaw bench metaclaw-bench --data ./metaclaw-bench --rescore ./infer_results
"""
_POLICIES = ("null", "select-all", "answers")
_Results = dict[str, "tuple[DayResult, ...]"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The benchmarks."""
    suites = parser.add_subparsers(dest="suite", metavar="BENCHMARK", required=True)
    _add_public(suites.add_parser("metaclaw-bench", help="the public benchmark of the MetaClaw paper"))
    bench_research.add_arguments(suites)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The report. Raises MetaclawError."""
    return bench_research.run(arguments) if arguments.suite == bench_research.NAME else _public(arguments)


def render(result: Mapping[str, Any]) -> str:
    """The table, and what result files did not tell."""
    if "floor" not in result:
        return bench_research.render(result)
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


def _add_public(public: argparse.ArgumentParser) -> None:
    public.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="the folder with all_tests.json"
    )
    public.add_argument(
        "--arms",
        default="",
        metavar="ARM,...",
        help="such as baseline,skills,full; others are held against the first",
    )
    public.add_argument(
        "--arm",
        action="append",
        default=[],
        metavar="NAME=ARM,KEY=VALUE,...",
        help="an arm of your own, such as few=skills,skills.max_skills=1; may be repeated",
    )
    public.add_argument(
        "--policy",
        default="",
        metavar="NAME,...",
        help="null does nothing, select-all selects all options, answers knows them; none of them works on files",
    )
    public.add_argument("--days", default="", metavar="DAY,...", help="such as day01,day06 (default: all)")
    public.add_argument("--seed", type=int, default=1, metavar="N", help="of what is sampled (default: 1)")
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
        help="days at once where nothing is learnt (default: one a CPU)",
    )
    public.add_argument(
        "--prices",
        default="",
        metavar="IN,OUT",
        help="of a million tokens read and written, to tell the cost",
    )
    public.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="keep each day's result there, which is not run again, and a copy of this home as it is at first",
    )


def _public(arguments: argparse.Namespace) -> dict[str, object]:
    policies, arms = _policies(arguments.policy), _arms(arguments)
    prices = _prices(arguments.prices)
    if arguments.parallel < 1:
        raise UsageMistake(f"--parallel {arguments.parallel} is too little.", "Use --parallel 1 or more.")
    if (policies or arms) and arguments.rescore:
        raise UsageMistake("--policy and --arms run days, --rescore runs none.", "Use one of them.")
    if both := sorted({arm.name for arm in arms} & set(_POLICIES)):
        raise UsageMistake(f"{both[0]} is a policy, and an arm too.", "Give the arm another name.")
    from metaclaw_jlab.evaluation.metaclaw_bench.loader import load_benchmark
    from metaclaw_jlab.evaluation.metaclaw_bench.report import bench_report

    days = _words(arguments.days)
    benchmark = load_benchmark(arguments.data, days)
    if arguments.rescore:
        from metaclaw_jlab.evaluation.metaclaw_bench.rescoring import rescore

        found = rescore(arguments.rescore, benchmark, others=bool(days))
        return {
            **bench_report(benchmark, {arguments.rescore.resolve().name: found.results}),
            "missing": list(found.missing),
            "unchecked": list(found.unchecked),
        }
    if not policies and not arms:
        return bench_report(benchmark, {})
    return _ran(policies, arms, benchmark, prices, arguments)


def _ran(
    policies: list[str],
    arms: Sequence[Arm],
    benchmark: Benchmark,
    prices: Prices | None,
    arguments: argparse.Namespace,
) -> dict[str, object]:
    from metaclaw_jlab.cli.progress import end_progress, progress
    from metaclaw_jlab.evaluation.metaclaw_bench.progress import Course
    from metaclaw_jlab.evaluation.metaclaw_bench.report import bench_report

    rounds = sum(len(day.rounds) for day in benchmark.days)

    def say(line: str) -> None:
        end_progress()
        print(line, file=sys.stderr, flush=True)

    show = progress if sys.stderr.isatty() else lambda _: None
    course = Course(rounds * (len(policies) + len(arms)), say, show)
    results: _Results = {}
    protections: tuple[str, ...] = ()
    with _folder(arguments.out) as folder:
        if policies:
            results, protections = _run_policies(policies, benchmark, course, folder, arguments)
        if arms:
            found, protections = _run_arms(arms, benchmark, course, folder, arguments)
            results |= found
    reference = arms[0].name if arms else None
    report = bench_report(benchmark, results, reference=reference, prices=prices)
    return {**report, "protections": list(protections)}


def _run_arms(
    arms: Sequence[Arm], benchmark: Benchmark, course: Course, folder: Path, arguments: argparse.Namespace
) -> tuple[_Results, tuple[str, ...]]:
    from metaclaw_jlab.assembly import open_workspace
    from metaclaw_jlab.evaluation.metaclaw_bench.arms import ArmsPlan, run_arms

    workspace = open_workspace(arguments.home)
    try:
        plan = ArmsPlan(
            benchmark=benchmark,
            arms=tuple(arms),
            source=workspace.home,
            folder=folder,
            hidden=(arguments.data.resolve(),),
            seed=arguments.seed,
            parallel=arguments.parallel,
            on_day=course.day,
            on_round=course.round,
            say=course.say,
        )
        done = run_arms(plan)
    finally:
        workspace.close()
    return dict(done.results), done.protections


def _run_policies(
    policies: list[str], benchmark: Benchmark, course: Course, folder: Path, arguments: argparse.Namespace
) -> tuple[_Results, tuple[str, ...]]:
    from functools import partial

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
                kept=KeptDays(folder / policy, benchmark),
                on_day=partial(course.day, policy),
                on_round=partial(course.round, policy),
            )
            for policy in policies
        }
        return results, pool.protections()


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """Where results and homes are kept: where the user says, or nowhere for long."""
    if out is not None:
        yield out.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="metaclaw-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _arms(arguments: argparse.Namespace) -> tuple[Arm, ...]:
    from metaclaw_jlab.evaluation.ablation.arms import parse_arm, parse_arms

    named = parse_arms(arguments.arms) if arguments.arms else ()
    arms = (*named, *(parse_arm(line) for line in arguments.arm))
    if arms:
        from metaclaw_jlab.evaluation.metaclaw_bench.arms import check_arms

        check_arms(arms)
    return arms


def _prices(text: str) -> Prices | None:
    if not text:
        return None
    from metaclaw_jlab.evaluation.metaclaw_bench.report import Prices

    try:
        prompt, completion = (float(word) for word in text.split(","))
    except ValueError:
        prompt = completion = -1.0
    if min(prompt, completion) < 0:
        raise UsageMistake(f"--prices {text} are no two prices.", "Write them as 0.5,1.5.")
    return Prices(prompt, completion)


def _policies(words: str) -> list[str]:
    policies = _words(words)
    if unknown := [policy for policy in policies if policy not in _POLICIES]:
        raise UsageMistake(f"There is no policy {unknown[0]!r}.", f"Use one of {', '.join(_POLICIES)}.")
    return policies


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word for word in text.split(",") if word))


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")

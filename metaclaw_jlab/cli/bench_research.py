"""`metaclaw bench research`: the research pipeline AutoResearchClaw, once for each arm."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import UsageMistake

NAME = "research"
DESCRIPTION = """\
Runs an installed AutoResearchClaw as it is, once for each arm and run. Each arm has a home of its own, a frozen copy of
yours, and the pipeline's model calls go through the proxy of that home; its own lessons become skills for the next run.
A run takes as long, and costs as much, as the pipeline itself. One that is over is not repeated."""
EXAMPLES = """\
examples:
  metaclaw bench research --config config.yaml                              baseline and skills, one run each
  metaclaw bench research --config config.yaml --runs 5 --out runs --json   five of each, and goes on where it was
  metaclaw bench research --config config.yaml --arms baseline,skills,full --timeout-minutes 600
  metaclaw bench research --config config.yaml --command ~/arc/.venv/bin/researchclaw
"""


def add_arguments(suites: Any) -> None:
    """The sub-command."""
    parser = suites.add_parser(
        NAME,
        help="the research pipeline AutoResearchClaw, through the proxy",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="the pipeline's config.yaml"
    )
    parser.add_argument(
        "--arms",
        default="baseline,skills",
        metavar="ARM,...",
        help="the first is what the others are held against",
    )
    parser.add_argument(
        "--runs", type=int, default=1, metavar="N", help="runs of each arm, one after the other"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where all of it lies (default: research-CONFIG here)"
    )
    parser.add_argument(
        "--timeout-minutes", type=float, default=1440.0, metavar="M", help="longest run (default: a day)"
    )
    parser.add_argument(
        "--command", default="", help="what starts AutoResearchClaw, where it is not on the PATH"
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The report. Raises MetaclawError."""
    if arguments.runs < 1:
        raise UsageMistake(f"--runs {arguments.runs} is too little.", "Use --runs 1 or more.")
    if not arguments.timeout_minutes > 0:
        raise UsageMistake(
            "--timeout-minutes has to be above 0.", "Use --timeout-minutes 600, or leave it out."
        )
    from metaclaw_jlab.assembly import open_workspace
    from metaclaw_jlab.evaluation.ablation.arms import parse_arms
    from metaclaw_jlab.evaluation.research.installed import find_program
    from metaclaw_jlab.evaluation.research.pipeline_config import read_config
    from metaclaw_jlab.evaluation.research.report import research_report
    from metaclaw_jlab.evaluation.research.running import Research, run_research

    arms = parse_arms(arguments.arms)
    if len({arm.name for arm in arms}) < len(arms):
        raise UsageMistake("An arm is named twice.", "Name each once; --runs repeats them.")
    config = read_config(arguments.config.absolute())
    out = (arguments.out or Path(f"research-{config.path.stem}")).absolute()
    research = Research(
        config,
        find_program(arguments.command),
        arms,
        out,
        arguments.runs,
        arguments.timeout_minutes,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    workspace = open_workspace(arguments.home)
    try:
        with _ended_by_a_signal():
            results = run_research(research, workspace)
    finally:
        workspace.close()
    return research_report(
        results, [arm.name for arm in arms], config=str(config.path), topic=config.topic, out=str(out)
    )


def render(result: Mapping[str, Any]) -> str:
    """The table."""
    from metaclaw_jlab.evaluation.research.report import render_report

    return render_report(result)


@contextmanager
def _ended_by_a_signal() -> Iterator[None]:
    """A termination ends what was started too, as Ctrl-C does; so does a terminal that is closed, unless that is
    ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, kept in before.items():
        if kept is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, kept in before.items():
            signal.signal(number, kept)

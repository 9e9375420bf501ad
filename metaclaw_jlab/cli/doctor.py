"""`metaclaw doctor`: what works here and what does not, and what to do."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.cli.progress import end_progress, progress
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.inspection.doctor import (
    ENDPOINT_SECONDS,
    diagnose,
    diagnose_without_home,
    healthy,
    render_findings,
)

EXAMPLES = """\
examples:
  metaclaw doctor                       everything that a task needs
  metaclaw doctor --timeout 30 --json   with patience for a slow endpoint, as one object
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How patient to be."""
    parser.add_argument(
        "--timeout",
        type=float,
        default=ENDPOINT_SECONDS,
        metavar="SECONDS",
        help="how long the endpoint may take to answer (default: %(default)s)",
    )
    parser.add_argument(
        "--start", action="store_true", help="start the local policy where it does not run, as a task would"
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The findings. What fails is a finding, so that the command itself has done what it was asked."""
    try:
        workspace = open_workspace(arguments.home)
    except MetaclawError as error:
        findings = diagnose_without_home(error)
    else:
        with closing(workspace):
            findings = diagnose(
                workspace,
                on_progress=lambda name: progress(f"looking at {name}"),
                endpoint_seconds=arguments.timeout,
                start=arguments.start,
            )
        end_progress()
    return {"healthy": healthy(findings), "findings": findings}


def render(result: Mapping[str, Any]) -> str:
    """The findings, one a line."""
    return render_findings(result["findings"])

"""`metaclaw generations`: the history of the skill library, and the way back."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.inspection.generation_commands import ABOUT as DESCRIPTION
from metaclaw_jlab.inspection.generation_commands import (
    add_generation_arguments,
    render_generation_result,
    run_generations,
)

EXAMPLES = """\
examples:
  metaclaw generations --limit 5            the newest: when, why, what changed
  metaclaw generations show 7               its skills, and the failures behind it
  metaclaw generations diff 6 7             how the texts differ
  metaclaw generations rollback 6 --dry-run what a rollback would change
  metaclaw generations rollback 6           the skills of generation 6 again, as a new generation
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    add_generation_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises NotFound."""
    with closing(open_workspace(arguments.home)) as workspace:
        return run_generations(workspace, arguments)


def render(result: Mapping[str, Any]) -> str:
    """The generations, one a line; or what happened."""
    return render_generation_result(result)


__all__ = ["DESCRIPTION", "EXAMPLES", "add_arguments", "render", "run"]

"""`metaclaw adapters`: the adapters that trainings made, which one serves, and the way back."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.inspection.adapter_commands import ABOUT as DESCRIPTION
from metaclaw_jlab.inspection.adapter_commands import (
    add_adapter_arguments,
    render_adapter_result,
    run_adapters,
)

EXAMPLES = """\
examples:
  metaclaw adapters                                 all of them, the newest first; * serves
  metaclaw adapters show 3                          its files, and what its gates compared
  metaclaw adapters promote 3 --reason "trial run"  let it serve whatever its gate said
  metaclaw adapters rollback                        what served before serves again
  metaclaw adapters rollback base                   the base model, without any adapter
  metaclaw adapters history --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    add_adapter_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises NotFound, AdapterRefused, UsageMistake, InvariantViolation."""
    somebody = sys.stdin is not None and sys.stdin.isatty() and not arguments.json
    with closing(open_workspace(arguments.home)) as workspace:
        return run_adapters(workspace, arguments, _agreed if somebody else None)


def render(result: Mapping[str, Any]) -> str:
    """The adapters, one a line; or what happened."""
    return render_adapter_result(result)


def _agreed(sentence: str) -> bool:
    print(f"{sentence} Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


__all__ = ["DESCRIPTION", "EXAMPLES", "add_arguments", "render", "run"]

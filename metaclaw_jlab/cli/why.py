"""`metaclaw why [ID]`: a task explained."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields
from typing import Any

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.inspection.why import Account
from metaclaw_jlab.inspection.why_command import ABOUT as DESCRIPTION
from metaclaw_jlab.inspection.why_command import add_why_arguments, run_why
from metaclaw_jlab.inspection.why_text import render_account

EXAMPLES = """\
examples:
  metaclaw why                     the last task
  metaclaw why 3f9c0d81a2b7        another one, by its id
  metaclaw why --prompt            with the messages as they were sent
  metaclaw why --no-code --json    one JSON object
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which task, and how much of it."""
    add_why_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The account of the task. Raises NotFound."""
    with closing(open_workspace(arguments.home)) as workspace:
        account = run_why(workspace, arguments)
    return {field.name: getattr(account, field.name) for field in fields(account)}


def render(result: Mapping[str, Any]) -> str:
    """The account as text."""
    return render_account(Account(**result))


__all__ = ["DESCRIPTION", "EXAMPLES", "add_arguments", "render", "run"]

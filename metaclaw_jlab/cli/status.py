"""`metaclaw status`: the card that `%metaclaw` shows too."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields
from typing import Any

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.inspection.status import Status, render_status, status

EXAMPLES = """\
examples:
  metaclaw status          which policy answers, skills, tasks, what waits to be learnt from
  metaclaw status --json   the same as one object
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The fields of the home's status."""
    with closing(open_workspace(arguments.home)) as workspace:
        found = status(workspace)
    return {field.name: getattr(found, field.name) for field in fields(found)}


def render(result: Mapping[str, Any]) -> str:
    """The card."""
    return render_status(Status(**result))

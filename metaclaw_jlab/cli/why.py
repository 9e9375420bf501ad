"""`metaclaw why [ID]`: a task explained."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields
from typing import Any

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.inspection.why import Account, give_account, render_account


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which task, and how much of it."""
    parser.add_argument("id", nargs="?", help="a task's id; the last one where left out")
    parser.add_argument("--prompt", action="store_true", help="show the messages and replies, whole")
    parser.add_argument("--no-code", action="store_true", help="leave the code of the steps out")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The account of the task. Raises NotFound."""
    with closing(open_workspace(arguments.home)) as workspace:
        store = workspace.trajectories()
        trajectory = store.get(arguments.id) if arguments.id else store.last()
        if trajectory is None:
            raise NotFound("No task has been done yet.", "Begin a notebook cell with %%metaclaw.")
        account = give_account(
            trajectory,
            library=workspace.library(),
            settings=workspace.settings(),
            show_prompt=arguments.prompt,
            show_code=not arguments.no_code,
        )
    return {field.name: getattr(account, field.name) for field in fields(account)}


def render(result: Mapping[str, Any]) -> str:
    """The account as text."""
    return render_account(Account(**result))

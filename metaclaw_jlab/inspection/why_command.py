"""`why [ID]`, the same for the magic and the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.inspection.why import Account, give_account, look_up

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.trajectory import Trajectory

ABOUT = "Why a task went as it did: skills and where they came from, steps, scores, checks, what was learnt."


def add_why_arguments(parser: argparse.ArgumentParser) -> None:
    """Which task, and how much of it."""
    parser.add_argument("id", nargs="?", help="a task's id; the last one where left out")
    parser.add_argument("--prompt", action="store_true", help="show the messages and replies, whole")
    parser.add_argument("--no-code", action="store_true", help="leave the code of the steps out")


def run_why(workspace: Workspace, arguments: argparse.Namespace, last: Trajectory | None = None) -> Account:
    """The account of the task that is asked for, else of `last`, else of the newest. Raises NotFound."""
    store = workspace.trajectories()
    # What was remembered may have been observed, scored or taken up since.
    wanted = arguments.id or (last.id if last is not None else None)
    trajectory = store.get(wanted) if wanted else store.last()
    if trajectory is None:
        raise NotFound("No task has been done yet.", "Begin a notebook cell with %%metaclaw.")
    return give_account(
        trajectory,
        settings=workspace.settings(),
        background=look_up(workspace, trajectory),
        show_prompt=arguments.prompt,
        show_code=not arguments.no_code,
    )

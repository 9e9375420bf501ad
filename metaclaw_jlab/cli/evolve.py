"""`metaclaw evolve`: makes skills of the failures that wait, here and now."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.cli.progress import end_progress, progress
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.processes import mark_alive

EXAMPLES = """\
examples:
  metaclaw evolve            what failed becomes skills; see: metaclaw skills, metaclaw generations
  metaclaw evolve --json

Kernels do this by themselves, beside your work. Here the wordings of a skill are not tried: the folders of the
tasks are not known. Every other command takes up what a kernel left when it died.
"""
WAIT_SECONDS = 60.0
_MOST_PASSES = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""
    parser.set_defaults(action="evolve")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was made of the failures. Raises LeaseHeld, PolicyError, EvolverError."""
    from metaclaw_jlab.learning.admission import admit_settled
    from metaclaw_jlab.learning.inner_loop import Evolution, evolve_once

    with closing(open_workspace(arguments.home)) as workspace:
        notices: list[str] = []
        loop = workspace.inner_loop(on_notice=notices.append, wait_seconds=WAIT_SECONDS)
        progress("Looking at what failed")
        passes: list[Evolution] = []
        try:
            while len(passes) < _MOST_PASSES and not (done := evolve_once(loop)).idle:
                passes.append(done)
        finally:
            end_progress()
        share = workspace.settings().training.held_out_share
        admitted = admit_settled(workspace.database(), pending=loop.evolver is None, held_out_share=share)
        return {
            "generation": workspace.synchronised().generation.number,
            "added": [name for done in passes for name in done.added],
            "amended": [name for done in passes for name in done.amended],
            "explained": sum(done.explained for done in passes),
            "kept": sum(done.kept for done in passes),
            "pending": len(waiting(workspace)),
            "admitted": admitted,
            "evolver": "off" if loop.evolver is None else type(loop.evolver).__name__,
            "notices": notices,
        }


def render(result: Mapping[str, Any]) -> str:
    """What happened, in words."""
    lines = list(result["notices"])
    if not result["added"] and not result["amended"]:
        lines.append(f"No new skill: the library stays at generation {result['generation']}.")
    if result["explained"]:
        lines.append(f"{result['explained']} failed although a skill states the rule already.")
    if result["kept"]:
        lines.append(
            f"{result['kept']} taught nothing that would hold for another task. See: metaclaw why ID"
        )
    if result["pending"]:
        off = " (evolver.kind is off)" if result["evolver"] == "off" else ""
        lines.append(f"{result['pending']} still wait{off}.")
    return "\n".join(lines)


def waiting(workspace: Workspace) -> tuple[str, ...]:
    """The failures that wait, as far as one evolution would look at them."""
    from metaclaw_jlab.learning.inner_loop import FAILURES
    from metaclaw_jlab.store.support import Support

    return Support(workspace.database()).pending(FAILURES)


def take_up(home: Home) -> bool:
    """Start `metaclaw evolve` beside the caller where a process that is gone left failures; whether it was started.

    What failed in a kernel that runs is that kernel's: it knows the folders, so it can try wordings.
    """
    if not home.database.exists():
        return False
    with closing(open_workspace(home.path)) as workspace:
        store = workspace.trajectories()
        left = [id_ for id_ in waiting(workspace) if not mark_alive(store.process_of(id_))]
        if not left or workspace.evolver() is None:
            return False
    home.runtime.mkdir(mode=0o700, exist_ok=True)
    with (home.runtime / "evolve.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-P", "-m", "metaclaw_jlab.cli.main", "evolve", "--home", str(home.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return True

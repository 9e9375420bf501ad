"""`metaclaw stop`: ends the local policy server of the home, and those of its namespaces."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from metaclaw_jlab.assembly.namespaces import homes_within
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.policy_server import stop

EXAMPLES = """\
examples:
  metaclaw stop            the next task starts it again
  metaclaw stop --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Whether there was one to stop. Raises LeaseHeld."""
    home = open_home(arguments.home)
    return {"stopped": True in [stop(one) for one in (home, *homes_within(home))]}


def render(result: Mapping[str, object]) -> str:
    """What happened."""
    return "The policy server was stopped." if result["stopped"] else "No policy server was running."

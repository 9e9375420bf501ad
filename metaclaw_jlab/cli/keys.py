"""`metaclaw keys`: the keys of endpoints, in the system's keyring; and the keys of other agents, for our own proxy."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping
from contextlib import closing

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.inspection.client_commands import (
    ACTIONS,
    add_client_arguments,
    render_clients,
    run_clients,
)
from metaclaw_jlab.settings.address import origin
from metaclaw_jlab.settings.secrets import forget_key, save_key

EXAMPLES = """\
examples:
  metaclaw keys set https://api.openai.com/v1          asks for the key
  metaclaw keys set https://example.org/v1 < key.txt   reads it from standard input
  metaclaw keys forget https://example.org/v1
  metaclaw keys add my-agent                           a key for another agent, shown once
  metaclaw keys add reviewer --namespace papers        one with a library of its own
  metaclaw keys list
  metaclaw keys revoke my-agent

The key of an endpoint is never an argument: those can be seen by others and stay in the shell's history.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, told in (("set", "keep the key of an endpoint"), ("forget", "take it out of the keyring")):
        actions.add_parser(action, help=told).add_argument("url", help="the endpoint's base URL")
    add_client_arguments(actions)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The origin, and what became of its key; or the clients. Raises SecretError, UsageMistake, NotFound."""
    if arguments.action in ACTIONS:
        from metaclaw_jlab.assembly import open_workspace

        with closing(open_workspace(arguments.home, namespace="")) as workspace:
            return run_clients(workspace, arguments)
    target = origin(arguments.url)
    if arguments.action == "set":
        return {"origin": save_key(arguments.url, _ask(target)), "kept": True}
    return {"origin": target, "forgotten": forget_key(arguments.url)}


def render(result: Mapping[str, object]) -> str:
    """What happened."""
    if "origin" not in result:
        return render_clients(result)
    if result.get("kept"):
        return f"The key is in the keyring; it goes to {result['origin']} only."
    return (
        f"The key for {result['origin']} is forgotten." if result["forgotten"] else "There was no such key."
    )


def _ask(target: str) -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        key = getpass.getpass(f"Key for {target}: ", stream=sys.stderr)
    else:
        key = sys.stdin.readline() if sys.stdin is not None else ""
    if not key.strip():
        raise UsageMistake("No key was given.", "Type it at the prompt, or send it to standard input.")
    return key.strip()

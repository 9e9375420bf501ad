"""`metaclaw keys`: keep or forget the key of an endpoint, in the system's keyring."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.settings.address import origin
from metaclaw_jlab.settings.secrets import forget_key, save_key

EXAMPLES = """\
examples:
  metaclaw keys set https://api.openai.com/v1          asks for the key
  metaclaw keys set https://example.org/v1 < key.txt   reads it from standard input
  metaclaw keys forget https://example.org/v1

A key is never an argument: those can be seen by others and stay in the shell's history.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, told in (("set", "keep the key of an endpoint"), ("forget", "take it out of the keyring")):
        actions.add_parser(action, help=told).add_argument("url", help="the endpoint's base URL")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """The origin, and what became of its key. Raises SecretError, UsageMistake."""
    target = origin(arguments.url)
    if arguments.action == "set":
        return {"origin": save_key(arguments.url, _ask(target)), "kept": True}
    return {"origin": target, "forgotten": forget_key(arguments.url)}


def render(result: Mapping[str, object]) -> str:
    """What happened."""
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

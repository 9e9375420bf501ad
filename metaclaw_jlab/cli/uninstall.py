"""`metaclaw uninstall`: says what it will delete, asks, and deletes the home folder."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metaclaw_jlab.assembly.namespaces import homes_within
from metaclaw_jlab.core.errors import MetaclawError, NotFound, UsageMistake
from metaclaw_jlab.runtime.home import ID_FILE, OWN_NAMES, Home, default_path, open_home
from metaclaw_jlab.runtime.policy_server import stop

CONTENTS = {
    "metaclaw.db": "every task, score and skill generation",
    "skills": "the skill library",
    "adapters": "trained weights",
    "models": "local models that were fetched",
    "config.toml": "the settings",
    "namespaces": "the libraries, tasks and weights of clients and projects of their own",
    "runtime": "logs and what processes need to find each other",
}

EXAMPLES = """\
examples:
  metaclaw uninstall                    says what goes, and asks
  metaclaw uninstall --yes --home ~/trial
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to ask."""
    parser.add_argument("--yes", action="store_true", help="delete without asking")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Delete the home folder. Raises NotFound, UsageMistake, MetaclawError where the user says no."""
    path = (arguments.home or default_path()).expanduser().absolute()
    if not (path / ID_FILE).is_file():
        raise NotFound(f"There is no home folder at {path}.", "Nothing was deleted.")
    home = open_home(path)
    if not arguments.yes and not _agreed(home, _ours(home)):
        raise MetaclawError("Nothing was deleted.")
    server_stopped = True in [stop(one) for one in (home, *homes_within(home))]
    doomed = _ours(home)
    # A home without an id is none: that name goes last, so that a deletion cut off can be repeated.
    for item in sorted(doomed, key=lambda item: item.name == ID_FILE):
        _delete(item)
    kept = sorted(item.name for item in home.path.iterdir())
    if not kept and not home.path.is_symlink():
        home.path.rmdir()
    deleted = [item.name for item in doomed]
    return {"deleted": deleted, "kept": kept, "home": home.path, "server_stopped": server_stopped}


def render(result: Mapping[str, Any]) -> str:
    """What is gone, what is not, and what is left to do."""
    lines = ["The policy server was stopped."] if result["server_stopped"] else []
    if result["kept"]:
        lines.append(f"Deleted what was ours in {result['home']}; left there: {', '.join(result['kept'])}.")
    else:
        lines.append(f"Deleted {result['home']}.")
    lines.append("Keys in the keyring stay until: metaclaw keys forget URL")
    lines.append("The program itself goes with: pip uninstall metaclaw-jlab")
    return "\n".join(lines)


def _ours(home: Home) -> list[Path]:
    return sorted(item for item in home.path.iterdir() if item.name in OWN_NAMES)


def _agreed(home: Home, doomed: list[Path]) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageMistake("Nobody is there to be asked.", "Put --yes to delete without a question.")
    print(f"This deletes, for ever, in {home.path}:", file=sys.stderr)
    for item in doomed:
        what = CONTENTS.get(item.name)
        print(f"  {item.name}{f': {what}' if what else ''}", file=sys.stderr)
    print("It stops the local policy server first. Delete? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _delete(item: Path) -> None:
    if item.is_dir() and not item.is_symlink():
        shutil.rmtree(item)
    else:
        item.unlink(missing_ok=True)

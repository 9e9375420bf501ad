"""A `%%metaclaw` cell as a task: what matters of its line, the rest of the cell as the text."""

from __future__ import annotations

import argparse
import shlex
from typing import Any, NoReturn

from metaclaw_jlab.core.errors import TaskSetInvalid
from metaclaw_jlab.evaluation.task_sets.attached import Attachments

MAGIC = "%%metaclaw"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise TaskSetInvalid(f"The line of {MAGIC} cannot be read: {message}.", f"See: {MAGIC} --help")


def record_of_magic(source: str, attachments: Attachments) -> dict[str, Any]:
    """Text and checks of a cell. How the agent is to work (steps, mode, seed, skills) is the arm's to say.

    Raises TaskSetInvalid where the line is none, or a script of checks is not beside the notebook.
    """
    line, _, text = source.partition("\n")
    try:
        words = shlex.split(line.removeprefix(MAGIC))
    except ValueError as error:
        raise TaskSetInvalid(f"A quote is not closed in: {line} ({error}).", "Close it.") from error
    found = _parser().parse_args(words)
    scripts = [{"kind": "script", "source": _script(name, attachments)} for name in found.check_file]
    return {"task": text.strip(), "checks": [*found.check, *scripts]}


def _parser() -> _Parser:
    parser = _Parser(prog=MAGIC, add_help=False, allow_abbrev=False)
    parser.add_argument("-n", "--name")
    parser.add_argument("--check", action="append", default=[])
    parser.add_argument("--check-file", action="append", default=[])
    for option in ("--mode", "--steps", "--seed", "--adapter"):
        parser.add_argument(option)
    for switch in ("--no-skills", "--detach"):
        parser.add_argument(switch, action="store_true")
    return parser


def _script(name: str, attachments: Attachments) -> str:
    try:
        return attachments.read([name])[name].decode()
    except UnicodeDecodeError:
        raise TaskSetInvalid(f"--check-file {name} is no text file.", "Name a Python script.") from None

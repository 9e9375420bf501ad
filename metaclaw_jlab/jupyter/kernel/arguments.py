"""What stands behind `%%metaclaw` and `%metaclaw`, read into options. A mistake is a UsageError of one sentence."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from IPython.core.error import UsageError

from metaclaw_jlab.core.check_text import expression_check
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.task import Check, CheckKind

MODES = ("ask", "auto", "off")


@dataclass(frozen=True, slots=True)
class CellOptions:
    """The options of a `%%metaclaw` cell; None where the configuration decides."""

    name: str | None = None
    checks: tuple[Check, ...] = ()
    mode: str | None = None
    steps: int | None = None
    seed: int | None = None
    with_skills: bool = True


class LineParser(argparse.ArgumentParser):
    """An argument parser that raises UsageError where the command line's would end the process."""

    def error(self, message: str) -> NoReturn:
        """Raise the mistake with where to read on."""
        sentence = message[0].upper() + message[1:].rstrip(".")
        raise UsageError(f"{sentence}. See: {self.prog} --help")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:  # noqa: ARG002 - argparse's signature
        """End the parsing, never the kernel."""
        raise HelpShown(message or "")


class HelpShown(Exception):
    """Help was asked for and printed."""


def cell_parser() -> LineParser:
    """The parser of `%%metaclaw`."""
    parser = LineParser(
        prog="%%metaclaw",
        description="Hand the text of this cell to the agent as a task.",
        epilog="Name what it should see: @df, @In[3], @Out[3], @Err. Braces are plain text.",
        add_help=True,
        allow_abbrev=False,
    )
    parser.add_argument("-n", "--name", help="a name for the task")
    parser.add_argument(
        "--check",
        action="append",
        default=[],
        metavar="EXPR",
        help='must be true afterwards: "df.shape[1] == 3"; a comment behind it says what is wrong where it is not, '
        "and is learnt from: \"day == '2026-03-01'  # write dates as ISO 8601\"",
    )
    parser.add_argument(
        "--check-file",
        action="append",
        default=[],
        metavar="SCRIPT",
        help="Python that must not raise afterwards",
    )
    parser.add_argument(
        "--mode", choices=MODES, help="propose a cell (ask), act (auto), or only answer (off)"
    )
    parser.add_argument("--steps", type=_positive, metavar="N", help="most steps of this task")
    parser.add_argument("--seed", type=int, metavar="S", help="seed of the policy's sampling")
    parser.add_argument("--no-skills", action="store_true", help="put no skills in the prompt")
    return parser


def parse_cell_options(line: str) -> CellOptions:
    """Read the line of a `%%metaclaw` cell. Raises UsageError, HelpShown."""
    found = cell_parser().parse_args(split(line))
    checks = [_expression(text) for text in found.check]
    checks += [Check(CheckKind.SCRIPT, _script(name)) for name in found.check_file]
    return CellOptions(
        name=found.name,
        checks=tuple(checks),
        mode=found.mode,
        steps=found.steps,
        seed=found.seed,
        with_skills=not found.no_skills,
    )


def split(line: str) -> list[str]:
    """The words of a line, quotes respected. Raises UsageError."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{error}: a quote is not closed in: {line}") from None


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of steps, 1 or more")
    return number


def _expression(text: str) -> Check:
    """The expression without the comment behind it, which is what the check says where it fails."""
    try:
        return expression_check(text)
    except UsageMistake as mistake:
        raise UsageError(f"--check {mistake.cause.rstrip('.')}; put it in quotes.") from None


def command_parser(name: str, about: str) -> LineParser:
    """The parser of `%metaclaw NAME`."""
    return LineParser(prog=f"%metaclaw {name}", description=about, allow_abbrev=False)


def _script(name: str) -> str:
    try:
        return Path(name).expanduser().read_text()
    except OSError as error:
        raise UsageError(f"--check-file {name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"--check-file {name} is no text file.") from None

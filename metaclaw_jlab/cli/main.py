"""Entry point of `metaclaw`: finds the command, keeps the contract about output and exit codes."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol, TextIO, cast

from metaclaw_jlab.core.errors import MetaclawError, UsageMistake
from metaclaw_jlab.inspection.lines import did_you_mean, plain

DONE, FAILED, USAGE, STOPPED = 0, 1, 2, 130

DESCRIPTION = "A notebook agent that keeps learning: look at it, set it up, measure it."
EXAMPLES = """\
examples:
  metaclaw status                            which policy answers, skills, tasks done
  metaclaw doctor                            what works here and what does not
  metaclaw why --prompt                      the last task explained, with its prompt
  metaclaw skills import ./csv-separator     take a folder with a SKILL.md into the library
  metaclaw generations rollback 6            the skills of generation 6 again
  metaclaw train --now                       train the local policy on its own tasks
  metaclaw config set policy.base_url http://localhost:11434/v1
  metaclaw demo --json > demo.json           one JSON object; progress goes to standard error

Every command takes, before or after its name:
  --json       exactly one JSON object on standard output
  --home PATH  another home folder than $METACLAW_HOME or the default

exit codes: 0 done, 1 not done, 2 usage error, 130 interrupted
"""


class CommandModule(Protocol):
    """A command: `run` does it and returns a JSON object; `render` says the same in words ("" for nothing to add).

    The result may hold dataclasses, paths and tuples: they are made plain before they are printed. The parsed
    arguments carry `json: bool` and `home: Path | None` beside the command's own.
    """

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> dict[str, object]:
        """Do it. Raises MetaclawError."""

    def render(self, result: Mapping[str, object]) -> str:
        """The result for people."""


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table of commands; `module` is loaded when the command is asked for."""

    name: str
    module: str
    summary: str


COMMANDS = (
    Command("status", "metaclaw_jlab.cli.status", "what the agent is, knows and has done"),
    Command("doctor", "metaclaw_jlab.cli.doctor", "what works here and what does not, and what to do"),
    Command("why", "metaclaw_jlab.cli.why", "a task explained: skills and whence they came, steps, scores"),
    Command("skills", "metaclaw_jlab.cli.skills", "list, show, edit, pin, roll back, import, export skills"),
    Command(
        "generations", "metaclaw_jlab.cli.generations", "the history of the skill library, and the way back"
    ),
    Command("evolve", "metaclaw_jlab.cli.evolve", "make skills of the failures that wait"),
    Command("train", "metaclaw_jlab.cli.train", "train the local policy: status, now, stop, resume"),
    Command("adapters", "metaclaw_jlab.cli.adapters", "what trainings made: list, show, promote, roll back"),
    Command("models", "metaclaw_jlab.cli.models", "local models by name: list, get, remove"),
    Command("config", "metaclaw_jlab.cli.config", "read and change settings"),
    Command("keys", "metaclaw_jlab.cli.keys", "keys of endpoints, and keys for other agents"),
    Command("stop", "metaclaw_jlab.cli.stop", "stop the local policy server"),
    Command("export", "metaclaw_jlab.cli.export", "all trajectories as lines of JSON"),
    Command(
        "practice", "metaclaw_jlab.cli.practice", "build and evaluate the embedded model, show practice tasks"
    ),
    Command("ablate", "metaclaw_jlab.cli.ablate", "compare configurations on the same tasks: does it help?"),
    Command("bench", "metaclaw_jlab.cli.bench", "run a public benchmark on a copy of its data"),
    Command("demo", "metaclaw_jlab.cli.demo", "run the quickstart, then measure on test tasks"),
    Command("demo-local", "metaclaw_jlab.cli.demo_local", "measure what a real model on this machine learns"),
    Command("uninstall", "metaclaw_jlab.cli.uninstall", "delete the home folder"),
)


# Commands that look at what was learned: they are where somebody notices that something waits.
TAKES_UP = frozenset({"status", "why", "skills", "generations"})


class Parser(argparse.ArgumentParser):
    """Raises UsageMistake where argparse would exit; its subparsers do too."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageMistake."""
        raise UsageMistake(f"{message[:1].upper()}{message[1:]}.", f"See: {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    words = sys.argv[1:] if argv is None else list(argv)
    in_json = "--json" in words
    try:
        return _run(words)
    except MetaclawError as error:
        usage = isinstance(error, UsageMistake)
        return _fail(in_json, error.cause, error.next_step, USAGE if usage else FAILED)
    except KeyboardInterrupt as stopped:
        return _fail(in_json, str(stopped) or "Stopped.", "", STOPPED)
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's last flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        return _fail(in_json, f"{error.strerror or error}{place}.", "See: metaclaw doctor", FAILED)
    except Exception as error:
        import logging

        logging.getLogger(__name__).exception("This is a mistake of the program, not yours:")
        cause = f"{type(error).__name__}: {error}."
        return _fail(in_json, cause, "Please report it with the lines above.", FAILED)


def _run(words: Sequence[str]) -> int:
    common, rest = _common_options(words)
    if not rest or rest[0].startswith("-"):
        _root_parser().parse_args(rest)
        if common.json:
            raise UsageMistake("No command was given.", "See: metaclaw --help")
        _root_parser().print_help()
        return DONE
    command = _find(rest[0])
    module = cast(CommandModule, importlib.import_module(command.module))
    summary = f"{command.summary[:1].upper()}{command.summary[1:]}."
    parser = Parser(
        prog=f"metaclaw {command.name}",
        description=getattr(module, "DESCRIPTION", summary),
        epilog=getattr(module, "EXAMPLES", "also: --json, --home PATH (see metaclaw --help)"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.add_arguments(parser)
    arguments = parser.parse_args(rest[1:], argparse.Namespace(**vars(common)))
    if not common.json:
        text = module.render(module.run(arguments))
        if text:
            print(plain(text), flush=True)
        _take_up(command, common.home)
        return DONE
    with _only_stderr() as stdout:
        result = module.run(arguments)
    _print_json(result, stdout)
    _take_up(command, common.home)
    return DONE


def _take_up(command: Command, home: Path | None) -> None:
    """Have what a kernel left behind looked at, beside the user; a call that did its own work does not fail by it."""
    if command.name not in TAKES_UP:
        return
    from metaclaw_jlab.cli.evolve import take_up
    from metaclaw_jlab.runtime.home import Home, default_path

    try:
        take_up(Home(home.absolute() if home is not None else default_path()))
    except MetaclawError:
        import logging

        logging.getLogger(__name__).debug("Nothing was taken up", exc_info=True)


def _common_options(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options that may stand before or after the command, and the other words."""
    parser = Parser(prog="metaclaw", add_help=False, allow_abbrev=False)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--home", type=Path)
    return parser.parse_known_args(words)


def _root_parser() -> Parser:
    width = max(len(command.name) for command in COMMANDS)
    listed = "\n".join(f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS)
    parser = Parser(
        prog="metaclaw",
        usage="metaclaw [--home PATH] [--json] COMMAND ...",
        description=f"{DESCRIPTION}\n\ncommands:\n{listed}",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for only."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it and exit."""
        from importlib.metadata import version

        print(f"metaclaw {version('metaclaw-jlab')}")
        parser.exit()


def _find(name: str) -> Command:
    for command in COMMANDS:
        if command.name == name:
            return command
    advice = did_you_mean(name, [command.name for command in COMMANDS], "See: metaclaw --help")
    raise UsageMistake(f"There is no command {name!r}.", advice)


@contextmanager
def _only_stderr() -> Iterator[TextIO]:
    """Send what anything writes to standard output meanwhile, child processes too, to standard error."""
    stdout = sys.stdout
    stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield stdout
    finally:
        sys.stderr.flush()
        os.dup2(saved, 1)
        os.close(saved)


def _print_json(value: object, stdout: TextIO) -> None:
    import json

    from metaclaw_jlab.inspection.json_values import as_json

    print(json.dumps(as_json(value), allow_nan=False), file=stdout, flush=True)


def _fail(in_json: bool, cause: str, next_step: str, code: int) -> int:
    print(plain(f"metaclaw: {cause} {next_step}".rstrip()), file=sys.stderr, flush=True)
    if in_json:
        _print_json({"error": {"cause": cause, "next_step": next_step}}, sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())

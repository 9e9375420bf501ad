"""What `%metaclaw COMMAND` does. Each command takes the session and its words, and gives what to show."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.jupyter.kernel import (
    ablation_commands,
    library_commands,
    local_command,
    task_commands,
    training_commands,
)
from metaclaw_jlab.jupyter.kernel.arguments import cell_parser, command_parser

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.kernel.session import KernelSession
    from metaclaw_jlab.jupyter.kernel.shown import Shown


@dataclass(frozen=True, slots=True)
class Command:
    """A line command: what it does in a few words, and the function that does it."""

    about: str
    run: Callable[[KernelSession, list[str]], str | Shown]


def run_command(session: KernelSession, words: list[str]) -> str | Shown:
    """Run a line command; without words the status card. Raises UsageError, HelpShown, MetaclawError."""
    name, rest = (words[0], words[1:]) if words else ("status", [])
    name = {"--help": "help", "-h": "help"}.get(name, name)
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f" Did you mean {near[0]}?" if near else " See: %metaclaw help"
        raise UsageError(f"There is no command {name!r}.{hint}")
    return COMMANDS[name].run(session, rest)


def _status(session: KernelSession, words: list[str]) -> Shown:
    from metaclaw_jlab.inspection.status import status
    from metaclaw_jlab.jupyter.kernel.answers import status_card

    command_parser("status", "What the agent is, knows and has done.").parse_args(words)
    return status_card(status(session.workspace(), notebook=session.origin().notebook))


def _doctor(session: KernelSession, words: list[str]) -> Shown:
    from metaclaw_jlab.inspection.doctor import diagnose, diagnose_without_home
    from metaclaw_jlab.jupyter.kernel.doctor_card import doctor_card

    parser = command_parser("doctor", "Look for what does not work, and say what to do.")
    parser.add_argument("--start", action="store_true", help="start the local policy for it, as a task would")
    start = parser.parse_args(words).start
    try:
        workspace = session.workspace()
    except MetaclawError as error:
        return doctor_card(diagnose_without_home(error))
    return doctor_card(diagnose(workspace, start=start))


def _connect(session: KernelSession, words: list[str]) -> str:
    from metaclaw_jlab.policies.endpoint import list_models
    from metaclaw_jlab.settings.address import normalise
    from metaclaw_jlab.settings.configuration import set_value, unset
    from metaclaw_jlab.settings.secrets import key_for

    parser = command_parser(
        "connect", "Let an OpenAI-compatible endpoint answer, for this session unless --save."
    )
    parser.add_argument("url", help="its base URL, such as http://localhost:11434/v1")
    parser.add_argument("--model", help="a model that it serves; the first that it lists where left out")
    parser.add_argument("--key-env", metavar="VAR", help="the environment variable that holds its key")
    parser.add_argument("--save", action="store_true", help="write it to config.toml")
    found = parser.parse_args(words)
    workspace = session.workspace()
    url = normalise(found.url)
    models = list_models(url, key_for(url, found.key_env))
    if not found.model and not models:
        raise UsageError(f"{url} lists no models: name one with --model.")
    model = found.model or models[0]
    wanted = {"policy.base_url": url, "policy.model": model, "policy.key_env": found.key_env}
    workspace.configuration(wanted)
    if found.save:
        for key, value in wanted.items():
            unset(workspace.home.config, key) if value is None else set_value(
                workspace.home.config, key, value
            )
    workspace.overrides.update(wanted)
    served = "" if not models or model in models else f" It lists: {', '.join(models[:8])}."
    kept = "saved to config.toml" if found.save else "for this session (--save keeps it)"
    return f"{model} at {url} answers from now on, {kept}.{served}"


def _config(session: KernelSession, words: list[str]) -> str:
    from metaclaw_jlab.settings.configuration import set_value, unset

    parser = command_parser("config", "Show or change the configuration.")
    parser.add_argument("action", nargs="?", choices=["list", "get", "set", "unset", "path"], default="list")
    parser.add_argument("key", nargs="?", help="such as agent.mode")
    parser.add_argument("value", nargs="?")
    found = parser.parse_args(words)
    workspace = session.workspace()
    if found.action == "path":
        return str(workspace.home.config)
    if found.action == "list":
        return _settings_table(session)
    if not found.key or (found.action == "set") != (found.value is not None):
        raise UsageError("Write: %metaclaw config get KEY, set KEY VALUE, or unset KEY.")
    if found.action == "set":
        value = set_value(workspace.home.config, found.key, found.value)
        workspace.overrides.pop(found.key, None)
        return f"{found.key} = {value!r}"
    if found.action == "unset":
        removed = unset(workspace.home.config, found.key)
        return f"{found.key} is {'no longer set' if removed else 'not set'} in config.toml."
    configuration = workspace.configuration()
    return f"{found.key} = {configuration.value(found.key)!r} ({configuration.source(found.key)})"


def _settings_table(session: KernelSession) -> str:
    configuration = session.workspace().configuration()
    lines = [
        f"{entry.key:<26} {entry.value!r:<28} {entry.source:<14} {entry.description}"
        for entry in configuration.describe()
    ]
    return "\n".join([*lines, *configuration.notes])


def _help(_: KernelSession, words: list[str]) -> str:
    command_parser("help", "This text.").parse_args(words)
    lines = [f"  %metaclaw {name:<11} {command.about}" for name, command in COMMANDS.items()]
    return "\n".join([cell_parser().format_help(), "commands (each takes --help):", *lines])


COMMANDS: dict[str, Command] = {
    "status": Command("what the agent is, knows and has done", _status),
    "why": Command("why it did what it did, and where its skills came from", library_commands.why),
    "skills": Command("the skills: list, show, edit, pin, roll back, import", library_commands.skills),
    "generations": Command("the history of the skills, and the way back", library_commands.generations),
    "scores": Command("whether it gets better, with how sure that is", library_commands.scores),
    "next": Command("propose the next step of an open task", task_commands.go_on),
    "good": Command("say that a task was done right", task_commands.good),
    "bad": Command("say what was wrong, or turn a proposal down", task_commands.bad),
    "undo": Command("take back what you said last of a task", task_commands.undo),
    "evolve": Command("wait for what is learned from failures", task_commands.evolve),
    "learn": Command("whether this notebook's tasks may teach: on, off", task_commands.learn),
    "train": Command("train the local policy beside your work: --now, stop, resume", training_commands.train),
    "adapters": Command("what trainings made: show, promote, roll back", training_commands.adapters),
    "ablate": Command("prove or disprove that it helps: arms on the same tasks", ablation_commands.ablate),
    "connect": Command("let an OpenAI-compatible endpoint answer", _connect),
    "local": Command(
        "have a model of this machine answer; fetched where it is not here", local_command.local
    ),
    "keys": Command("keys for other agents: add, list, revoke", library_commands.keys),
    "config": Command("show or change settings", _config),
    "doctor": Command("find what does not work, and what to do", _doctor),
    "help": Command("this text", _help),
}

"""`metaclaw config`: read and change config.toml."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from metaclaw_jlab.inspection.lines import rows
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.settings.configuration import Configuration, Entry, load, set_value, unset

EXAMPLES = """\
examples:
  metaclaw config                                                every setting and where its value came from
  metaclaw config set policy.base_url http://localhost:11434/v1
  metaclaw config unset policy.base_url
  metaclaw config get agent.mode --json

keys of endpoints are no settings: see metaclaw keys --help
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list")
    actions.add_parser("list", help="every setting (the default)")
    actions.add_parser("get", help="one setting").add_argument("key", help="a dotted key: policy.base_url")
    setting = actions.add_parser("set", help="write a setting")
    setting.add_argument("key", help="a dotted key: policy.base_url")
    setting.add_argument("value", help="its value; tables as JSON")
    actions.add_parser("unset", help="go back to the default").add_argument("key", help="a dotted key")
    actions.add_parser("path", help="where config.toml is")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises ConfigError."""
    home = open_home(arguments.home)
    if arguments.action == "path":
        return {"path": home.config}
    if arguments.action == "set":
        set_value(home.config, arguments.key, arguments.value)
        return _changed(home, arguments.key, "config.toml")
    if arguments.action == "unset":
        removed = unset(home.config, arguments.key)
        return {**_changed(home, arguments.key, "default"), "removed": removed}
    configuration = load(home.config)
    if arguments.action == "get":
        entry = _entry(configuration, arguments.key)
        return {"key": entry.key, "value": entry.value, "source": entry.source}
    return {"settings": configuration.describe(), "notes": configuration.notes, "path": home.config}


def render(result: Mapping[str, Any]) -> str:
    """Settings as `key = value`, with their source where it is not the default."""
    match result:
        case {"settings": entries, "notes": notes}:
            told = rows((entry.key, _told(entry)) for entry in entries)
            return "\n".join([*told, *(f"note: {note}" for note in notes)])
        case {"path": path}:
            return str(path)
        case {"in_force": in_force, "key": key, "value": value, "source": source}:
            overruled = "" if in_force else f"; this is what the {source} says, and it goes first"
            return f"{key} = {_text(value)}{overruled}"
        case _:
            return _text(result["value"])


def _changed(home: Home, key: str, expected: str) -> dict[str, object]:
    """The setting as it is after a change: another layer may override the file."""
    configuration = load(home.config)
    source = configuration.source(key)
    return {
        "key": key,
        "value": configuration.value(key),
        "source": source,
        "in_force": source == expected,
        "notes": configuration.notes,
    }


def _entry(configuration: Configuration, key: str) -> Entry:
    value = configuration.value(key)
    found = next(entry for entry in configuration.describe() if entry.key == key)
    return replace(found, value=value)


def _told(entry: Entry) -> str:
    source = "" if entry.source == "default" else f"  ({entry.source})"
    return f"{_text(entry.value)}{source}"


def _text(value: object) -> str:
    return "(unset)" if value is None else value if isinstance(value, str) else json.dumps(value)

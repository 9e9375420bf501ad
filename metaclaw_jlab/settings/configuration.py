"""The value of every setting and where it came from.

Each layer overrides the one before: default, config.toml, environment (METACLAW_<SECTION>_<KEY>), session. What the
administrator's file sets is locked: it overrides them all.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from metaclaw_jlab.core.config import Section, Settings
from metaclaw_jlab.core.errors import (
    ConfigError,
    SettingLocked,
    UsageMistake,
)
from metaclaw_jlab.settings import document
from metaclaw_jlab.settings.address import normalise
from metaclaw_jlab.settings.key_origins import ENDPOINTS, URLS, moved, origin_of, stray

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import InlineTable

Source: TypeAlias = Literal["default", "config.toml", "environment", "administrator", "session"]
ADMINISTRATOR_PATH = Path("/etc/metaclaw/config.toml")
ADMINISTRATOR_VARIABLE = "METACLAW_ADMIN_CONFIG"
PREFIX = "METACLAW_"
_SECRET_NAMES = ("key", "api_key", "apikey", "token", "secret", "password")


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting as it stands."""

    key: str
    value: object
    source: Source
    default: object
    description: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings in force. `notes` are sentences about what was left out of account."""

    settings: Settings
    path: Path
    sources: Mapping[str, Source] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def source(self, key: str) -> Source:
        """Which layer a value came from. Raises ConfigError where there is no such setting."""
        _field(key)
        return self.sources.get(key, "default")

    def value(self, key: str) -> object:
        """The value of a dotted key. Raises ConfigError where there is no such setting."""
        _field(key)
        section, _, name = key.partition(".")
        value: object = getattr(getattr(self.settings, section), name)
        return value

    def describe(self) -> tuple[Entry, ...]:
        """Every setting, in the order of config.toml."""
        return tuple(
            Entry(key, self.value(key), self.source(key), default_of(info), info.description or "")
            for key, info in fields().items()
        )


def load(
    path: Path,
    overrides: Mapping[str, object] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    administrator: Path | None = None,
) -> Configuration:
    """The configuration of the file at `path`, with a session's `overrides` (dotted keys). Raises ConfigError."""
    environment = os.environ if environment is None else environment
    locked = administrator_layer(environment, administrator)
    from_environment, notes = _environment_layer(environment)
    session = {key: checked(key, value, "this session") for key, value in (overrides or {}).items()}
    for key in session:
        refuse_locked(key, locked)
    layers: tuple[tuple[Source, dict[str, object]], ...] = (
        ("config.toml", file_layer(path)),
        ("environment", from_environment),
        ("session", session),
        ("administrator", locked),
    )
    values: dict[str, object] = {}
    sources: dict[str, Source] = {}
    given_for: dict[str, str | None] = {}
    for source, layer in layers:
        values |= layer
        sources |= dict.fromkeys(layer, source)
        given_for |= {key: origin_of(key, values) for key in ENDPOINTS if key in layer}
    for key, endpoint in given_for.items():
        if note := stray(key, values, sources, endpoint):
            del values[key], sources[key]
            notes.append(note)
    return Configuration(_settings(values), path, sources, tuple(notes))


def set_value(
    path: Path,
    key: str,
    text: str,
    *,
    environment: Mapping[str, str] | None = None,
    administrator: Path | None = None,
) -> object:
    """Write one setting, given as a user types it, and return its value. A base URL of another origin takes the old
    key variable out: a key belongs to the origin it was given for. Raises ConfigError."""
    value = _from_text(key, text, path.name)
    refuse_locked(key, administrator_layer(os.environ if environment is None else environment, administrator))
    write_value(path, key, value)
    return value


def write_value(path: Path, key: str, value: object) -> None:
    """Write a checked value, and take out what it makes stray. Raises ConfigError."""

    def change(content: TOMLDocument) -> None:
        import tomlkit

        existing = _flat(content.unwrap(), path)
        for variable in moved(existing, existing | {key: value}):
            _remove(content, variable)
        section, _, name = key.partition(".")
        if section not in content:
            content[section] = tomlkit.table()
        content[section][name] = _inline(value) if isinstance(value, dict) else value

    document.edit(path, change)


def unset(
    path: Path,
    key: str,
    *,
    environment: Mapping[str, str] | None = None,
    administrator: Path | None = None,
) -> bool:
    """Take one setting out of the file, so that its default holds; False where it was not there. Raises ConfigError."""
    _field(key)
    refuse_locked(key, administrator_layer(os.environ if environment is None else environment, administrator))
    existing = file_layer(path)
    if key not in existing:
        return False
    left = {name: value for name, value in existing.items() if name != key}

    def change(content: TOMLDocument) -> None:
        for name in (key, *moved(existing, left)):
            _remove(content, name)

    document.edit(path, change)
    return True


def _inline(table: Mapping[str, object]) -> InlineTable:
    """A table on one line: a table of its own would take in the lines that follow it."""
    import tomlkit

    inline = tomlkit.inline_table()
    inline.update({k: _inline(v) if isinstance(v, dict) else v for k, v in table.items()})
    return inline


def _remove(content: TOMLDocument, key: str) -> None:
    section, _, name = key.partition(".")
    table = content.get(section)
    if table is not None and name in table:
        del table[name]
        if not table:
            del content[section]


# ---------------------------------------------------------------- layers


def file_layer(path: Path) -> dict[str, object]:
    """What a file sets, by dotted key. Raises ConfigError."""
    return _flat(document.read(path), path)


def _flat(tables: Mapping[str, object], path: Path) -> dict[str, object]:
    """Tables as checked values under dotted keys."""
    values: dict[str, object] = {}
    for section, table in tables.items():
        if section not in Settings.model_fields:
            raise unknown(section, list(Settings.model_fields), f"[{section}] in {path} is no section.")
        if not isinstance(table, Mapping):
            raise ConfigError(f"{section} in {path} is no table.", f"Write its settings under [{section}].")
        for name, value in table.items():
            values[f"{section}.{name}"] = checked(f"{section}.{name}", value, str(path))
    return values


def administrator_layer(environment: Mapping[str, str], path: Path | None = None) -> dict[str, object]:
    """What the administrator's file sets, which is locked. Raises ConfigError."""
    if path is None and not ADMINISTRATOR_PATH.exists():
        named = environment.get(ADMINISTRATOR_VARIABLE)
        if not named:
            return {}
        path = Path(named)
        if not path.exists():
            raise ConfigError(
                f"{ADMINISTRATOR_VARIABLE} names {path}, which is not there.",
                "Put the file there, or unset the variable.",
            )
    return file_layer(path or ADMINISTRATOR_PATH)


def _environment_layer(environment: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    names = {variable_of(key): key for key in fields()}
    sections = tuple(f"{PREFIX}{section.upper()}_" for section in Settings.model_fields)
    values: dict[str, object] = {}
    notes: list[str] = []
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or not text.strip():
            continue
        if key := names.get(variable):
            values[key] = _from_text(key, text, f"the environment variable {variable}")
        elif variable.startswith(sections):
            notes.append(f"The environment variable {variable} names no setting.{_meant(variable, names)}")
    return values, notes


def refuse_locked(key: str, locked: Mapping[str, object]) -> None:
    """Raises SettingLocked where the administrator has set it."""
    if key in locked:
        raise SettingLocked(f"{key} is set by the administrator and locked.", "Ask the administrator.")


# ---------------------------------------------------------------- values


def fields() -> dict[str, FieldInfo]:
    """What there is to set, by dotted key, in the order of config.toml."""
    return dict(_walk())


def _walk() -> Iterator[tuple[str, FieldInfo]]:
    for section, info in Settings.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from ((f"{section}.{name}", value) for name, value in kind.model_fields.items())


def _field(key: str) -> FieldInfo:
    known = fields()
    if key in known:
        return known[key]
    section, _, name = key.rpartition(".")
    if name.lower() in _SECRET_NAMES:
        variable = f"{section}.key_env" if f"{section}.key_env" in ENDPOINTS else "policy.key_env"
        raise ConfigError(
            f"{key} is no setting: keys are never stored in the configuration.",
            f"Put the key in an environment variable and name it as {variable}.",
        )
    raise unknown(key, list(known), f"{key} is no setting.")


def unknown(name: str, known: list[str], cause: str) -> ConfigError:
    """The error for a name that nothing has, with the one that was meant."""
    return ConfigError(cause, _meant(name, known).strip() or f"There are: {', '.join(known)}.")


def _meant(name: str, known: Mapping[str, object] | list[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""


def variable_of(key: str) -> str:
    """The environment variable that sets it."""
    return PREFIX + key.replace(".", "_").upper()


def default_of(info: FieldInfo) -> object:
    """What holds where nothing is set."""
    value: object = info.get_default(call_default_factory=True)
    return value


def _from_text(key: str, text: str, place: str) -> object:
    """A value as typed by hand or in the environment: tables are JSON or a TOML inline table."""
    info = _field(key)
    if not text.strip():
        raise ConfigError(
            f"{key} was given no value.", f"Unset it to have the default, {default_of(info)!r}."
        )
    if isinstance(default_of(info), dict):
        return checked(key, _table(key, text), place)
    return checked(key, text.strip(), place)


def _table(key: str, text: str) -> object:
    import json
    import tomllib

    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        raise ConfigError(f"{key} is no table.", 'Write it as {"top_p": 0.9} or { top_p = 0.9 }.') from None


def checked(key: str, value: object, place: str, *, strict: bool = False) -> object:
    """The value in the setting's own type; `strict`: no text counts as a number.

    Raises ConfigError, which never quotes the value: it may be a key put in the wrong place.
    """
    info = _field(key)
    section, _, name = key.partition(".")
    try:
        made = Settings.model_validate({section: {name: value}}, strict=strict)
        found: object = getattr(getattr(made, section), name)
        return normalise(found) if key in URLS and isinstance(found, str) else found
    except ValidationError as error:
        if key in ENDPOINTS:
            raise ConfigError(
                f"{key} in {place} is no name of an environment variable.",
                "It names the variable that holds the key; it is never the key itself.",
            ) from None
        problem = re.sub(
            r"^\w+ should (be )?", "", error.errors(include_input=False, include_url=False)[0]["msg"]
        )
        problem = problem.partition(", unable to")[0]
        raise ConfigError(f"{key} in {place} should be {problem}.", expected(info)) from None
    except UsageMistake as mistake:
        raise ConfigError(f"{key} in {place}: {mistake.cause}", mistake.next_step) from None


def expected(info: FieldInfo) -> str:
    """What to give instead of a wrong value."""
    choices = [option for option in get_args(info.annotation) if isinstance(option, str)]
    if choices:
        return f"Choose one of: {', '.join(choices)}."
    return f"Correct it, or unset it to have the default, {default_of(info)!r}."


def _settings(values: Mapping[str, object]) -> Settings:
    tables: dict[str, dict[str, object]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        tables.setdefault(section, {})[name] = value
    return Settings.model_validate(tables)

"""Every setting as a form shows it: its value, what it may be, which layer it came from and who may change it."""

from __future__ import annotations

import os
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, Union, get_args, get_origin

from metaclaw_jlab.core.errors import ConfigError, MetaclawError, SettingInvalid, SettingUnknown
from metaclaw_jlab.settings.configuration import (
    Source,
    administrator_layer,
    checked,
    default_of,
    expected,
    fields,
    file_layer,
    load,
    refuse_locked,
    unknown,
    unset,
    variable_of,
    write_value,
)

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Kind: TypeAlias = Literal["bool", "integer", "number", "text", "choice", "table"]
DEEPEST = 16  # tables within a table
_KINDS: Mapping[object, Kind] = {bool: "bool", int: "integer", float: "number"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`nullable`: it may be unset (null). `locked`: the administrator has set it. `overridden`: config.toml sets it and
    another layer wins. `variable` is the environment variable that would set it; bounds are inclusive, or nearly."""

    key: str
    section: str
    value: object
    default: object
    source: Source
    description: str
    kind: Kind
    choices: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    nullable: bool
    locked: bool
    overridden: bool
    variable: str


@dataclass(frozen=True, slots=True)
class SettingList:
    """All settings in the order of config.toml, which lies at `path`; `notes` say what was left out of account."""

    path: str
    settings: tuple[Setting, ...]
    notes: tuple[str, ...]


def list_settings(
    path: Path, *, environment: Mapping[str, str] | None = None, administrator: Path | None = None
) -> SettingList:
    """The settings in force where config.toml lies at `path`. Raises ConfigError."""
    environment = os.environ if environment is None else environment
    configuration = load(path, environment=environment, administrator=administrator)
    locked, written = administrator_layer(environment, administrator), file_layer(path)
    known = fields()
    listed = tuple(
        _setting(known[entry.key], entry.key, entry.value, entry.source, locked, written)
        for entry in configuration.describe()
    )
    return SettingList(str(path), listed, configuration.notes)


def find_setting(
    path: Path,
    key: str,
    *,
    environment: Mapping[str, str] | None = None,
    administrator: Path | None = None,
) -> Setting:
    """One setting. Raises SettingUnknown, ConfigError."""
    _known(key)
    listed = list_settings(path, environment=environment, administrator=administrator)
    return next(setting for setting in listed.settings if setting.key == key)


def put_value(
    path: Path,
    key: str,
    value: object,
    *,
    environment: Mapping[str, str] | None = None,
    administrator: Path | None = None,
) -> None:
    """Write one setting, given as JSON; null, or an empty text where null is meant, takes it out of the file.

    Raises SettingUnknown, SettingInvalid, SettingLocked, ConfigError.
    """
    info = _known(key)
    refuse_locked(key, administrator_layer(os.environ if environment is None else environment, administrator))
    if value in (None, "") and _kind(info.annotation)[2]:
        unset(path, key, environment=environment, administrator=administrator)
        return
    found = _from_json(key, info, value)
    try:
        write_value(path, key, found)
    except MetaclawError:
        raise
    except (TypeError, ValueError) as error:
        raise SettingInvalid(f"{key} cannot be written to {path.name}: {error}.", expected(info)) from None


def reset(
    path: Path,
    key: str,
    *,
    environment: Mapping[str, str] | None = None,
    administrator: Path | None = None,
) -> bool:
    """Take one setting out of the file; False where it was not there.

    Raises SettingUnknown, SettingLocked, ConfigError.
    """
    _known(key)
    return unset(path, key, environment=environment, administrator=administrator)


def _known(key: str) -> FieldInfo:
    known = fields()
    if key not in known:
        error = unknown(key, list(known), f"{key} is no setting.")
        raise SettingUnknown(error.cause, error.next_step)
    return known[key]


def _from_json(key: str, info: FieldInfo, value: object) -> object:
    """A value of JSON, where it is of the setting's own kind: no text counts as a number. Raises SettingInvalid."""
    kind, _, _ = _kind(info.annotation)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if kind == "table" and not _storable(value):
        raise SettingInvalid(f"{key} holds null, or is nested too deeply.", "TOML has no null: leave it out.")
    if isinstance(value, str) and (value := value.strip()) == "" and default_of(info) != "":
        raise SettingInvalid(f"{key} was given no value.", expected(info))
    try:
        return checked(key, value, "what was sent", strict=True)
    except ConfigError as error:
        raise SettingInvalid(error.cause, error.next_step) from None


def _storable(value: object, depth: int = 0) -> bool:
    """Whether TOML has words for it."""
    if isinstance(value, dict):
        return depth < DEEPEST and all(_storable(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return depth < DEEPEST and all(_storable(item, depth + 1) for item in value)
    return value is not None


def _setting(
    info: FieldInfo,
    key: str,
    value: object,
    source: Source,
    locked: Mapping[str, object],
    written: Mapping[str, object],
) -> Setting:
    minimum, maximum = _bounds(info)
    kind, choices, nullable = _kind(info.annotation)
    return Setting(
        key=key,
        section=key.partition(".")[0],
        value=value,
        default=default_of(info),
        source=source,
        description=info.description or "",
        kind=kind,
        choices=choices,
        minimum=minimum,
        maximum=maximum,
        nullable=nullable,
        locked=key in locked,
        overridden=key in written and source != "config.toml",
        variable=variable_of(key),
    )


def _kind(annotation: object) -> tuple[Kind, tuple[str, ...], bool]:
    """What a value may be: its kind, the choices, whether it may be unset."""
    nullable = False
    if get_origin(annotation) in (Union, types.UnionType):
        left = [option for option in get_args(annotation) if option is not type(None)]
        nullable = len(left) < len(get_args(annotation))
        annotation = left[0]
    if get_origin(annotation) is Literal:
        return "choice", tuple(map(str, get_args(annotation))), nullable
    if get_origin(annotation) is dict:
        return "table", (), nullable
    return _KINDS.get(annotation, "text"), (), nullable


def _bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    """The bounds that a form can show; whether the lowest value itself may be, the check says."""
    lowest = highest = None
    for rule in info.metadata:
        lowest = getattr(rule, "ge", getattr(rule, "gt", lowest))
        highest = getattr(rule, "le", getattr(rule, "lt", highest))
    return lowest, highest

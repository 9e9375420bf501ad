"""The configuration: every setting with its source, and changes of config.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from metaclaw_jlab.jupyter.server.operation import Body, Operation
from metaclaw_jlab.settings.setting import (
    Setting,
    SettingList,
    find_setting,
    list_settings,
    put_value,
    reset,
)

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host


class NewValue(Body):
    """What a setting shall be, as JSON; null where it may be unset."""

    value: Any = Field(description="Its value, of the setting's own kind.")


def settings(host: Host) -> SettingList:
    """Every setting. Raises ConfigError where config.toml cannot be read."""
    return list_settings(host.workspace.home.config)


def put_setting(host: Host, *, key: str, value: object) -> Setting:
    """Write one setting; what is answered is in force, which another layer may have decided.

    Raises SettingUnknown, SettingInvalid, SettingLocked, ConfigError.
    """
    put_value(host.workspace.home.config, key, value)
    return find_setting(host.workspace.home.config, key)


def reset_setting(host: Host, *, key: str) -> Setting:
    """Take one setting out of config.toml. Raises SettingUnknown, SettingLocked, ConfigError."""
    reset(host.workspace.home.config, key)
    return find_setting(host.workspace.home.config, key)


OPERATIONS = (
    Operation(
        method="GET",
        path="/settings",
        name="settings",
        about="Every setting: its value, where that came from, what it may be, whether it is locked.",
        call=settings,
        answer=SettingList,
        secret=True,
        counts=False,
        errors=(409,),
    ),
    Operation(
        method="PUT",
        path="/settings/{key}",
        name="put_setting",
        about="Write one setting to config.toml. 400 says what is wrong with the value.",
        call=put_setting,
        answer=Setting,
        body=NewValue,
        errors=(404, 409),
    ),
    Operation(
        method="DELETE",
        path="/settings/{key}",
        name="reset_setting",
        about="Take one setting out of config.toml, so that its default holds, or what another layer says.",
        call=reset_setting,
        answer=Setting,
        errors=(404, 409),
    ),
)

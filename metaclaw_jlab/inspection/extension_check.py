"""Whether Jupyter loads the package: its server extension into the server, its labextension into the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.inspection.finding import Finding, ok, warn
from metaclaw_jlab.inspection.version_check import PACKAGE, REINSTALL, labextension

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

SERVER, PAGE = "server extension", "page"
MODULE = "metaclaw_jlab"
_ENABLE = f"jupyter server extension enable {MODULE}"


def server_extension(workspace: Workspace, *, folders: Sequence[str] | None = None) -> Finding:
    """Whether Jupyter loads the extension, and whether a server serves this home now."""
    from metaclaw_jlab.runtime.host import published

    host = published(workspace.home)
    if host is not None:
        return ok(SERVER, f"It is loaded: process {host.pid} is the active host of this home.")
    enabled = extension_enabled(folders)
    if enabled is None:
        return warn(
            SERVER,
            "Jupyter's configuration does not name it: no training by itself, no sidebar.",
            "Enable it and restart Jupyter.",
            _ENABLE,
        )
    if not enabled:
        return warn(
            SERVER,
            "It is disabled in Jupyter's configuration: no training by itself, no sidebar.",
            "Enable it and restart Jupyter.",
            _ENABLE,
        )
    return ok(SERVER, "It is enabled; no Jupyter server of this home runs now.")


def page(*, folders: Sequence[str] | None = None, configs: Sequence[str] | None = None) -> Finding:
    """Whether JupyterLab loads the extension of the page."""
    found = labextension(folders)
    if found is None:
        return warn(
            PAGE,
            "JupyterLab finds no extension of this package: the magics work, the sidebar is missing.",
            "Install the package again, restart Jupyter and reload the page.",
            REINSTALL,
        )
    if page_disabled(configs):
        return warn(
            PAGE,
            "The extension of the page is disabled in JupyterLab's configuration.",
            "Enable it and reload the page.",
            f"jupyter labextension enable {PACKAGE}",
        )
    return ok(PAGE, f"JupyterLab loads the extension from {found}.")


def extension_enabled(folders: Sequence[str] | None = None) -> bool | None:
    """What Jupyter's JSON configuration says of the server extension; None where it says nothing.

    What stands in a configuration written in Python is not seen.
    """
    said: bool | None = None
    for config in _read(folders, "jupyter_server_config.d/*.json", "jupyter_server_config.json"):
        app = config.get("ServerApp")
        listed = app.get("jpserver_extensions") if isinstance(app, dict) else None
        if isinstance(listed, dict) and isinstance(listed.get(MODULE), bool):
            said = listed[MODULE]
    return said


def page_disabled(folders: Sequence[str] | None = None) -> bool:
    """Whether JupyterLab's configuration disables the extension of the page."""
    said = False
    for config in _read(folders, "labconfig/page_config.json"):
        listed = config.get("disabledExtensions")
        if isinstance(listed, dict) and isinstance(listed.get(PACKAGE), bool):
            said = listed[PACKAGE]
        elif isinstance(listed, list) and PACKAGE in listed:
            said = True
    return said


def _read(folders: Sequence[str] | None, *patterns: str) -> Iterator[dict[str, object]]:
    """The configurations of these names, those that count most last."""
    from jupyter_core.paths import jupyter_config_path

    for folder in reversed(list(jupyter_config_path() if folders is None else folders)):
        for pattern in patterns:
            for file in sorted(Path(folder).glob(pattern)):
                try:
                    found = json.loads(file.read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    continue
                if isinstance(found, dict):
                    yield found

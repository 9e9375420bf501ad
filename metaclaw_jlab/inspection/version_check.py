"""Whether the processes and pages of a home are of one version: an upgrade leaves those that run with the old code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.inspection.finding import Finding, ok, warn
from metaclaw_jlab.inspection.status import version

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

NAME = "versions"
PACKAGE = "metaclaw-jlab"
REINSTALL = f"pip install --force-reinstall --no-deps {PACKAGE}"


def versions(workspace: Workspace) -> Finding:
    """Compare the installed package with what runs: this process, the active host, the policy server, the page."""
    from metaclaw_jlab.runtime import policy_server

    installed = version()
    running = {
        "this process": version_of_this_process(),
        "the Jupyter server": _of_the_host(workspace),
        "the local policy server": policy_server.version(workspace.home),
        "the page's extension": labextension_version(),
    }
    return compared(installed, running)


def compared(installed: str, running: dict[str, str | None]) -> Finding:
    """What it means that these run, by name; None: it does not run, or never said."""
    known = {name: found for name, found in running.items() if found is not None}
    other = {name: found for name, found in known.items() if not same(found, installed)}
    if not other:
        told = ", ".join(name for name in known if name != "this process")
        return ok(NAME, f"{PACKAGE} {installed}" + (f"; {told} too." if told else "."))
    told = ", ".join(f"{name} {found}" for name, found in other.items())
    step, command = _way(tuple(other))
    return warn(NAME, f"{PACKAGE} {installed} is installed, but {told}.", step, command)


def same(one: str, other: str) -> bool:
    """Whether two versions are one, however npm and pip write it."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


@cache
def version_of_this_process() -> str:
    """The version that this process was started with, or nearly: that at the first call."""
    return version()


def labextension_version(folders: Sequence[str] | None = None) -> str | None:
    """The version of the extension that JupyterLab loads into its pages, None where there is none."""
    found = labextension(folders)
    if found is None:
        return None
    try:
        told = json.loads((found / "package.json").read_text(encoding="utf-8")).get("version")
    except (OSError, ValueError, AttributeError):
        return None
    return told if isinstance(told, str) else None


def labextension(folders: Sequence[str] | None = None) -> Path | None:
    """The folder from which JupyterLab loads the extension."""
    from jupyter_core.paths import jupyter_path

    places = jupyter_path("labextensions") if folders is None else folders
    return next((Path(at, PACKAGE) for at in places if Path(at, PACKAGE, "package.json").is_file()), None)


def _of_the_host(workspace: Workspace) -> str | None:
    from metaclaw_jlab.runtime.host import ask

    told = ask(workspace.home, "health")
    found = told.get("version") if isinstance(told, dict) else None
    return found if isinstance(found, str) else None


def _way(old: Sequence[str]) -> tuple[str, str]:
    if "the page's extension" in old:
        return "Install the package again, restart Jupyter and reload the page.", REINSTALL
    if "the Jupyter server" in old:
        return "Restart Jupyter, so that it runs what is installed.", ""
    if "this process" in old:
        return "Restart the kernel, so that it runs what is installed.", ""
    return "Stop the policy server; the next task starts it anew.", "metaclaw stop"

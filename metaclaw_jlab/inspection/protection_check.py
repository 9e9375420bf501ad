"""Whether a sandbox keeps code from the network, the user's files and the system, and what to do where it does not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.inspection.finding import Finding, fail, ok, warn
from metaclaw_jlab.inspection.lines import some

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

SANDBOX, PROTECTIONS = "sandbox", "protections"
_ISOLATE = "metaclaw config set sandbox.isolation auto"
_KERNEL = Path("/proc/sys")
# A kernel's switch that forbids namespaces: the value that does, and the one that allows them.
_SWITCHES = {
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "user/max_user_namespaces": ("0", "15000"),
}
_INSTALLERS: Mapping[str, str] = {
    "apt": "apt install bubblewrap",
    "dnf": "dnf install bubblewrap",
    "pacman": "pacman -S bubblewrap",
    "zypper": "zypper install bubblewrap",
    "apk": "apk add bubblewrap",
}


def sandbox(workspace: Workspace) -> Finding:
    """Whether bubblewrap isolates code here. Raises ConfigError."""
    from metaclaw_jlab.executors import bubblewrap

    isolation = workspace.settings().sandbox.isolation
    if isolation == "none":
        return warn(
            SANDBOX,
            "Isolation is switched off: code in a sandbox reaches the network and your files.",
            "Set sandbox.isolation to auto.",
            _ISOLATE,
        )
    if bubblewrap.probe() is not None:
        return ok(SANDBOX, "Bubblewrap works: no network, a read-only system, your files hidden.")
    missing = "Bubblewrap is missing or may not make namespaces here"
    advice, command = (
        "Install the package `bubblewrap` and allow unprivileged user namespaces.",
        isolation_command(),
    )
    if Path(sys.prefix).is_relative_to("/tmp"):
        missing, command = "Bubblewrap hides /tmp, and this Python lies in it", ""
        advice = f"Install into another folder than {sys.prefix}."
    if isolation == "require":
        told = f"{missing}, and sandbox.isolation requires it."
        return fail(SANDBOX, told, f"{advice} Or set it to auto.", command)
    return warn(SANDBOX, f"{missing}: code in a sandbox reaches the network and your files.", advice, command)


def protections(workspace: Workspace) -> Finding:
    """What code in a sandbox can reach, tried from inside. Raises ConfigError."""
    from metaclaw_jlab.executors import bubblewrap
    from metaclaw_jlab.executors.protection import leaks

    limits = workspace.settings().sandbox
    bounds = f"{limits.seconds:g} s and {limits.memory_mb:,} MB an action"
    as_root = None if limits.isolation == "none" else bubblewrap.probe()
    if as_root is None:
        return warn(
            PROTECTIONS,
            f"Only limits hold in a sandbox: {bounds}, processes of its own.",
            "Let bubblewrap isolate it; until then run only code that you trust.",
            _ISOLATE if limits.isolation == "none" else isolation_command(),
        )
    found = leaks(workspace.home.database, as_root=as_root)
    if found is None:
        return warn(
            PROTECTIONS, "They could not be tried: no trial came to its end.", "Run `metaclaw doctor` again."
        )
    open_doors = [
        *([f"the network ({some(found.network, 3)})"] if found.network else []),
        *(["the home folder"] if found.files else []),
        *([f"writing to {some(found.written, 3)}"] if found.written else []),
        *(["processes of others"] if found.processes else []),
    ]
    if open_doors:
        return fail(
            PROTECTIONS,
            f"Code in a sandbox reaches what it must not: {', '.join(open_doors)}.",
            "Let nothing run unattended, and tell the developers.",
            "metaclaw config set sandbox.unattended false",
        )
    return ok(
        PROTECTIONS,
        f"Tried from inside: no network, no file of yours, nothing to write but its own folder; {bounds}.",
    )


def isolation_command(kernel: Path = _KERNEL) -> str:
    """The command that lets bubblewrap work on this machine, "" where none is known."""
    if sys.platform != "linux":
        return ""
    if shutil.which("bwrap") is None:
        found = next((words for name, words in _INSTALLERS.items() if shutil.which(name)), "")
        return _as_administrator(found)
    for name, (forbids, allows) in _SWITCHES.items():
        try:
            value = (kernel / name).read_text().strip()
        except OSError:
            continue
        if value == forbids:
            return _as_administrator(f"sysctl -w {name.replace('/', '.')}={allows}")
    return ""


def _as_administrator(command: str) -> str:
    return f"sudo {command}" if command and os.geteuid() else command

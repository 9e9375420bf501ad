"""What the doctor finds out about this machine: Python, what is installed, the disk under the home folder."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from metaclaw_jlab.inspection.finding import Finding, fail, install, ok, warn
from metaclaw_jlab.inspection.lines import size

OLDEST_PYTHON = (3, 11)
EXTRAS = {
    "train": ("torch", "transformers", "peft", "trl", "pandas"),
    "local": ("xllamacpp", "gguf"),
    "chroma": ("chromadb",),
    "signals": ("caldav", "dbus_idle", "googleapiclient", "pynvml"),
}
FREE_BYTES_WANTED = 200 << 20
FREE_BYTES_NEEDED = 10 << 20
_NETWORK = re.compile(
    r"(nfs\d?|cifs|smb\w*|9p|afs|ceph|glusterfs|lustre|beegfs|gpfs|davfs|"
    r"fuse\.(sshfs|glusterfs|ceph|rclone|s3fs|gcsfuse|davfs2?))\Z"
)
_MOUNTS = Path("/proc/self/mountinfo")


def python_version() -> Finding:
    """Whether this Python is new enough."""
    told = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return fail("python", f"Python {told} is too old.", f"Install Python {wanted} or newer.")
    return ok("python", f"Python {told} at {sys.executable}.")


def installed_extras(extras: Iterable[str] = EXTRAS) -> Finding:
    """Which libraries of the optional extras are there; none is imported."""
    missing = {extra: [name for name in EXTRAS[extra] if not _installed(name)] for extra in extras}
    there = [extra for extra, names in missing.items() if not names]
    told = f"Installed: {', '.join(there)}." if there else "No optional extra is installed."
    if without := missing.get("train"):
        return warn(
            "extras",
            f"{told} The embedded policy and local models need {', '.join(without)}.",
            "Install them: pip install 'metaclaw-jlab[train]' - or connect to an endpoint.",
            install("train"),
        )
    return ok("extras", told)


def home_folder(path: Path, *, mounts: Path = _MOUNTS) -> Finding:
    """Whether a home folder is the user's own, closed to others, writable, on a local disk with space."""
    name = "home folder"
    status = path.stat()
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        return fail(name, f"{path} belongs to another user.", "Point METACLAW_HOME at a folder of your own.")
    if os.name == "posix" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(status.st_mode)
        told = f"{path} is open to other users (mode {mode:04o})."
        return fail(name, told, f"Close it: chmod 700 {path}", f"chmod 700 {shlex.quote(str(path))}")
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        return fail(
            name,
            f"{path} cannot be written ({error.strerror}).",
            "Make it writable, or point METACLAW_HOME at a folder that is.",
        )
    return _disk(name, path, mounts)


def file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The type of the file system that holds `path` (proc(5), mountinfo); None where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    target = os.path.realpath(path)
    best, kind = "", None
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = fields[4].encode("latin-1", "replace").decode("unicode_escape")
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind


def _disk(name: str, path: Path, mounts: Path) -> Finding:
    free = shutil.disk_usage(path).free
    told = f"{path}, {size(free)} free"
    if free < FREE_BYTES_NEEDED:
        return fail(name, f"The disk under {path} is full ({size(free)} free).", "Free some space.")
    if free < FREE_BYTES_WANTED:
        return warn(name, f"The disk under {path} is nearly full ({size(free)} free).", "Free some space.")
    kind = file_system(path, mounts)
    if kind and _NETWORK.match(kind):
        return warn(
            name,
            f"{told}, is on a network file system ({kind}): slow, and locks may not hold.",
            "Point METACLAW_HOME at a local disk.",
        )
    return ok(name, f"{told}, yours alone.")


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False

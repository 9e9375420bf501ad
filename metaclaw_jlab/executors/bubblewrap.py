"""Builds the room that a warm process lives in: bubblewrap shows it the system and Python, and nothing else."""

from __future__ import annotations

import functools
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

UNPRIVILEGED = 61_184  # first of 4,000 users that own nothing on a system (systemd keeps them for such use)

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store")
_ETC = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "timezone",
    "fonts",
    "mime.types",
    "alternatives",
)
_PACKAGE = Path(__file__).resolve().parents[1]


def command(*, as_root: bool, hidden: Sequence[Path] = ()) -> list[str]:
    """The words to put before a command. `as_root`: the command may become another user by itself."""
    spaces = ["--unshare-all"]
    if as_root:
        spaces = [f"--unshare-{kind}" for kind in ("ipc", "pid", "net", "uts", "cgroup-try")]
        spaces += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    words = [shutil.which("bwrap") or "bwrap", *spaces, "--die-with-parent", "--new-session"]
    words += ["--hostname", "sandbox"]
    shown = _shown()
    for path in ("/etc", *_parents(shown)) if as_root else ():
        words += ["--perms", "0755", "--dir", path]  # else only root may pass through them
    for path in shown:
        words += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
    for name in _ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for path in _to_hide(shown, hidden):
        words += ["--tmpfs", path]
    return [*words, "--remount-ro", "/", "--chdir", "/tmp", "--"]


@functools.lru_cache(maxsize=1)
def probe() -> bool | None:
    """Start Python in a room once: True where root can leave root inside, False plain, None where none works."""
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return None
    for as_root in (True, False) if os.getuid() == 0 else (False,):
        leave = f"import os; os.setgroups([]); os.setresuid(*[{UNPRIVILEGED}] * 3); " if as_root else ""
        words = [*command(as_root=as_root), sys.executable, "-I", "-c", f"{leave}import socket, ctypes, json"]
        try:
            done = subprocess.run(words, capture_output=True, timeout=20, check=False, env={})
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return as_root
    return None


def _shown() -> list[str]:
    """What Python needs to see: the system's libraries, its own folders, its packages, this package."""
    paths = [path for path in _SYSTEM if os.path.lexists(path)]
    python = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix]
    python += [str(Path(sys.executable).parent), str(Path(sys.executable).resolve().parent)]
    python += [*site.getsitepackages(), site.getusersitepackages(), str(_PACKAGE)]
    for path in sorted({os.path.abspath(path) for path in python}, key=len):
        if os.path.isdir(path) and not any(_within(path, other) for other in paths):
            paths.append(path)
    return paths


def _parents(paths: Sequence[str]) -> list[str]:
    parents = {str(parent) for path in paths for parent in Path(path).parents}
    return sorted(parents - {"/"}, key=len)


def _to_hide(shown: Sequence[str], hidden: Sequence[Path]) -> list[str]:
    """Folders that must not be seen and that lie inside of one that is shown."""
    home = os.environ.get("METACLAW_HOME") or platformdirs.user_data_dir("metaclaw")
    paths = [os.path.realpath(path) for path in (home, *map(str, hidden))]
    return [path for path in paths if os.path.isdir(path) and any(_within(path, other) for other in shown)]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")

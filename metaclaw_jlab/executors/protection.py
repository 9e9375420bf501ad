"""What the room around a sandbox really keeps away, tried from inside of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.executors import bubblewrap

TRY_SECONDS = 20.0
_TRIAL = """
import json, os, socket, sys
home, user, *folders = sys.argv[1:]
if int(user):
    os.setgroups([]); os.setresgid(*[int(user)] * 3); os.setresuid(*[int(user)] * 3)
def writable(folder):
    path = os.path.join(folder, f".metaclaw-trial-{os.getpid()}")
    try:
        with open(path, "w"):
            os.unlink(path)
    except OSError:
        return False
    return True
print(json.dumps({
    "network": sorted(name for _, name in socket.if_nameindex() if name != "lo"),
    "files": os.path.lexists(home),
    "written": [folder for folder in folders if writable(folder)],
    "processes": sum(name.isdecimal() for name in os.listdir("/proc")),
}))
"""
_FEW = 4  # bubblewrap's own, and the one that counts


@dataclass(frozen=True, slots=True)
class Leaks:
    """What code in a room can reach although it must not: network devices, the home's file, folders that it can write,
    whether it sees processes of others."""

    network: tuple[str, ...]
    files: bool
    written: tuple[str, ...]
    processes: bool


def leaks(file: Path, *, as_root: bool) -> Leaks | None:
    """Try it from inside, with a file that has to be hidden. None where no trial can be made. Leaves nothing behind."""
    user = bubblewrap.UNPRIVILEGED if as_root else 0
    folders = ["/usr", "/etc", sys.prefix, str(Path(__file__).parents[1])]
    words = [*bubblewrap.command(as_root=as_root, hidden=(file.parent,)), sys.executable, "-I", "-c", _TRIAL]
    try:
        done = subprocess.run(
            [*words, str(file), str(user), *folders],
            capture_output=True,
            timeout=TRY_SECONDS,
            check=False,
            env={},
        )
        found = json.loads(done.stdout)
        return Leaks(
            tuple(found["network"]), bool(found["files"]), tuple(found["written"]), found["processes"] > _FEW
        )
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return None

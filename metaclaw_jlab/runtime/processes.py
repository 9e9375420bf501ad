"""Which process this is, and whether another one still lives: pids repeat, boots don't."""

from __future__ import annotations

import functools
import os
import re
import socket
import subprocess
import sys
from pathlib import Path


@functools.cache
def boot_id() -> str:
    """An id of this boot of this machine, "" where the system tells none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        pass
    if sys.platform == "darwin":
        answer = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False
        )
        return answer.stdout.strip()
    return ""


def host_name() -> str:
    """The name of this machine."""
    return socket.gethostname()


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot: steps of the clock don't touch it. 0 where unknown."""
    fields = _stat(pid)
    return int(fields[19]) if fields else 0


def process_alive(pid: int, *, started: int = 0) -> bool:
    """Whether a process of this boot runs; with `started` (see start_ticks), whether it is still that one.

    A zombie is not alive.
    """
    if pid <= 0 or not _exists(pid):
        return False
    fields = _stat(pid)
    if fields is None:
        return True
    return fields[0] not in {"Z", "X"} and started in {0, int(fields[19])}


def this_process() -> str:
    """A mark of this process that no other process ever has."""
    pid = os.getpid()
    return f"{boot_id()}:{pid}:{start_ticks(pid)}"


def mark_alive(mark: str) -> bool:
    """Whether the process that made `mark` with this_process() still runs on this machine."""
    match = re.fullmatch(r"(.*):(\d+):(\d+)", mark)
    if match is None or match[1] != boot_id():
        return False
    return process_alive(int(match[2]), started=int(match[3]))


def pid_of(mark: str) -> int | None:
    """The process id in a mark of this boot; None for any other."""
    match = re.fullmatch(r"(.*):(\d+):(\d+)", mark)
    return int(match[2]) if match is not None and match[1] == boot_id() else None


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (proc(5)); None where there is no such file."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        # Signal 0 would end the process there.
        listing = subprocess.run(
            ["tasklist", "/FI", f"PID eq {pid}", "/NH"], capture_output=True, text=True, check=False
        )
        return str(pid) in listing.stdout
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""What a process does to itself before it runs code that nobody has read: limits, namespaces, privileges."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from metaclaw_jlab.executors.limits import Limits

LINUX = sys.platform == "linux"

_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID = (
    0x0002_0000,
    0x0800_0000,
    0x1000_0000,
    0x2000_0000,
)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
_CAPABILITY_VERSION_3 = 0x2008_0522
_MS_NOSUID_NODEV, _MNT_DETACH = 2 | 4, 2


def limit_processes(most: int) -> None:
    """Bound the number of processes: of the namespace that is made next, or else of everything that the user runs."""
    _set(resource.RLIMIT_NPROC, most)


def limit_process(limits: Limits) -> None:
    """Bound what this process and its children may each use."""
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, limits.disk_bytes)
    _set(resource.RLIMIT_NOFILE, limits.open_files)
    _set(resource.RLIMIT_CPU, limits.cpu_seconds)
    if LINUX:
        _set(resource.RLIMIT_AS, address_space() + limits.memory_bytes)


def address_space() -> int:
    """Bytes of address space that this process has mapped."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def own_users() -> None:
    """Give this process users and mounts of its own, and its children process numbers of their own.

    The process must have one thread. Raises OSError where the kernel or its rules don't allow it.
    """
    user, group = os.getuid(), os.getgid()
    set_readable_by_user(True)
    _call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def own_room(disk_bytes: int, own_pids: int) -> None:
    """Give the next child process numbers of its own and an empty /tmp and /dev/shm, and again for the one after.

    For a child of a process that took `own_users`. `own_pids` is its own /proc/self/ns/pid. Raises OSError.
    """
    # The kernel gives new process numbers only to a process that has gone back to its own.
    _call("setns", own_pids, _CLONE_NEWPID)
    _call("unshare", _CLONE_NEWPID | _CLONE_NEWIPC)
    options = f"size={disk_bytes},nr_inodes=100000,mode=0700".encode()
    for folder in (b"/tmp", b"/dev/shm"):
        with contextlib.suppress(OSError):  # the first time there is only the room's, which stays
            _call("umount2", folder, _MNT_DETACH)
        _call("mount", b"tmpfs", folder, b"tmpfs", _MS_NOSUID_NODEV, options)


def drop_privileges() -> None:
    """Let go of every capability, and of any way to gain one."""
    if not LINUX:
        return
    set_readable_by_user(True)  # by itself, that is: libraries look into /proc/self
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def leave_root(user: int) -> None:
    """Become a user that owns nothing. Raises OSError where this process may not."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that forked it ends."""
    if LINUX:
        _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none can slip away."""
    if LINUX:
        _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def set_readable_by_user(readable: bool) -> None:
    """Whether other processes of the same user may look into this one's memory."""
    if LINUX:
        _call("prctl", _PR_SET_DUMPABLE, int(readable), 0, 0, 0)


def kill_descendants(child: int) -> None:
    """Kill a child with its process group and, on Linux, everything that this process has adopted."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)
    try:
        os.waitpid(child, 0)
        while True:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
            for orphan in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)
            os.waitpid(-1, 0)
    except ChildProcessError:
        return


def _children() -> list[int]:
    me = str(os.getpid())
    children = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, IndexError):
            if name.isdigit() and _stat(name)[1] == me:
                children.append(int(name))
    return children


def tasks_of_user() -> int:
    """Threads of all processes of this user that can be seen."""
    user, tasks = os.getuid(), 0
    for name in os.listdir("/proc") if LINUX else ():
        with contextlib.suppress(OSError, IndexError):
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == user:
                tasks += int(_stat(name)[17])
    return tasks


def _stat(name: str) -> list[str]:
    return Path("/proc", name, "stat").read_text(errors="replace").rpartition(")")[2].split()


def _set(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):  # macOS knows some of them by name only
        resource.setrlimit(kind, (bound, bound))


def _call(name: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")

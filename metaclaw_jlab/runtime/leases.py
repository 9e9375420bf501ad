"""Leases: at most one process of a home does a thing. The system's file lock ends with its process, however it ends."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import LeaseHeld, MetaclawError
from metaclaw_jlab.runtime.home import Home, home_error, replace_private
from metaclaw_jlab.runtime.processes import boot_id, host_name, process_alive

POLL_SECONDS = 0.05

# A POSIX record lock belongs to the process: its threads are kept apart here, and a forked child holds nothing.
_in_this_process: set[Path] = set()
_guard = threading.Lock()


def _forget_in_child() -> None:
    global _guard
    _guard = threading.Lock()
    _in_this_process.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease. `until` bounds it only for other hosts, whose lock may not reach this one."""

    host: str
    boot_id: str
    pid: int
    since: float
    until: float


def holder(home: Home, name: str) -> Holder | None:
    """Who last took a lease and has not given it back, alive or not."""
    try:
        return Holder(**json.loads(_note(home, name).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def held_by(home: Home, name: str, *, clock: Callable[[], float] = time.time) -> Holder | None:
    """Who holds a lease now, None where nobody does. One of another host counts until its time is over."""
    noted = holder(home, name)
    if noted is None:
        return None
    if not _of_this_machine(noted):
        return noted if noted.until > clock() else None
    if not process_alive(noted.pid):
        return None
    # Its pid may be another process's by now: then the lock is free, and nobody else is about to take it.
    try:
        descriptor = _try_lock(home, _lock_path(home, name))
    except MetaclawError:
        return noted
    if descriptor is None:
        return noted
    _release(_lock_path(home, name), descriptor)
    return None


@contextmanager
def lease(
    home: Home,
    name: str,
    *,
    wait_seconds: float = 0.0,
    valid_seconds: float = 600.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[None]:
    """Hold the lease `name`, waiting at most `wait_seconds` for it. Raises LeaseHeld.

    The lease of a dead process, or of an earlier boot, is taken over at once; that of another host after
    `valid_seconds` (shared folders do not always pass locks on). Raises StoreReadOnly, StoreFull, HomeRefused too.
    """
    lock = _lock_path(home, name)
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise home_error(home.path, error) from error
    descriptor = _acquire(home, name, lock, clock() + wait_seconds, clock, sleep)
    note = _note(home, name)
    try:
        now = clock()
        mine = Holder(host_name(), boot_id(), os.getpid(), now, now + valid_seconds)
        replace_private(note, json.dumps(asdict(mine)))
        yield
    finally:
        # In a child forked meanwhile the lease is the parent's.
        if lock in _in_this_process:
            note.unlink(missing_ok=True)
            _release(lock, descriptor)
        else:
            os.close(descriptor)


def renew(
    home: Home, name: str, *, valid_seconds: float = 600.0, clock: Callable[[], float] = time.time
) -> None:
    """Hold on to a lease of this process for so long from now. Raises LeaseHeld where it is its no longer.

    It is lost with its home folder, and where another host took it over after its time. Raises as lease() does too.
    """
    noted = holder(home, name)
    now = clock()
    own = noted is not None and (noted.pid, noted.boot_id) == (os.getpid(), boot_id())
    if noted is None or not own or _lock_path(home, name) not in _in_this_process:
        raise LeaseHeld(f"{_description(noted)} holds {name!r} now.", "It was lost: take it again.")
    note = Holder(host_name(), boot_id(), os.getpid(), noted.since, now + valid_seconds)
    try:
        replace_private(_note(home, name), json.dumps(asdict(note)))
    except OSError as error:
        raise home_error(home.path, error) from error


def _acquire(
    home: Home,
    name: str,
    lock: Path,
    deadline: float,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> int:
    while True:
        descriptor = _try_lock(home, lock)
        if descriptor is not None:
            other = holder(home, name)
            if other is None or _of_this_machine(other) or other.until <= clock():
                return descriptor
            _release(lock, descriptor)
        if clock() >= deadline:
            raise LeaseHeld(f"{_description(holder(home, name))} holds {name!r}.", "Try again in a moment.")
        sleep(POLL_SECONDS)


def _try_lock(home: Home, lock: Path) -> int | None:
    with _guard:
        if lock in _in_this_process:
            return None
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise home_error(home.path, error) from error
        if not _lock_file(descriptor):
            os.close(descriptor)
            return None
        _in_this_process.add(lock)
        return descriptor


def _release(lock: Path, descriptor: int) -> None:
    with _guard:
        os.close(descriptor)
        _in_this_process.discard(lock)


if sys.platform == "win32":
    import msvcrt

    def _lock_file(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock_file(descriptor: int) -> bool:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True


def _of_this_machine(other: Holder) -> bool:
    """Its lock reached us, so its process is dead. Host names change, and so do boots."""
    return other.host == host_name() or (other.boot_id != "" and other.boot_id == boot_id())


def _description(other: Holder | None) -> str:
    return "Another process" if other is None else f"Process {other.pid} on {other.host}"


def _lock_path(home: Home, name: str) -> Path:
    return home.runtime / "leases" / f"{name}.lock"


def _note(home: Home, name: str) -> Path:
    return home.runtime / "leases" / f"{name}.json"

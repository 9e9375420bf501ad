"""What SQLite's error codes mean to a user (sqlite.org/rescode.html)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from metaclaw_jlab.core.errors import (
    InvariantViolation,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
)

NO_SPACE = 1 << 20  # bytes free, under which an I/O error is taken for a full disk


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what SQLite or SQLAlchemy raise inside as a StoreError."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise meaning(path, error.orig) from error
        raise
    except sqlite3.Error as error:
        raise meaning(path, error) from error


def meaning(path: Path, error: sqlite3.Error) -> StoreError:
    """The error that tells what happened to the database at `path`, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_CONSTRAINT:
        return _refused(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_space(path)):
        return full(path)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(path, str(error))
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return read_only(path, str(error))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StoreBusy(
            f"Another process kept {path} locked for too long.", "Try again; if it goes on, end that process."
        )
    return StoreError(f"The database {path} failed: {error}.", "Look at it with: metaclaw doctor.")


def full(path: Path) -> StoreFull:
    """The disk is full."""
    return StoreFull(
        f"The disk that holds {path} is full.",
        "Free some space and try again; what was committed before is kept.",
    )


def damaged(path: Path, detail: str) -> StoreDamaged:
    """The file is not, or not wholly, a database of ours."""
    return StoreDamaged(
        f"The database {path} is damaged: {detail}.",
        "Nothing was deleted. Move the file and its -wal and -shm files away and start again with an empty store; "
        f"restore a backup; or save what can be read with: sqlite3 {path} .recover",
    )


def read_only(path: Path, detail: str = "") -> StoreReadOnly:
    """The file cannot be written."""
    why = f" ({detail})" if detail else ""
    return StoreReadOnly(
        f"The database {path} cannot be written{why}.",
        f"Make the file and its folder {path.parent} writable, or point METACLAW_HOME at a folder that is.",
    )


def _refused(error: sqlite3.Error) -> InvariantViolation:
    if error.sqlite_errorname == "SQLITE_CONSTRAINT_TRIGGER":
        return InvariantViolation(str(error), "Nothing was written.")
    return InvariantViolation(f"The write breaks a rule of the schema ({error}).", "Nothing was written.")


def _no_space(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < NO_SPACE
    except OSError:
        return False

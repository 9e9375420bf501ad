"""A database that one process has open more than once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.store import database
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.schema import APPLICATION_ID
from tests.unprivileged import folder_of_nobody

# The bytes on which SQLite holds its shared lock while a database is open.
TRY_TO_LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError:
        sys.exit(3)
"""


def test_opening_it_again_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "metaclaw.db"
    with closing(open_database(path)) as first:
        with first.read() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM trajectories")
        open_database(path).close()
        assert subprocess.run([sys.executable, "-c", TRY_TO_LOCK, str(path)]).returncode == 3


def test_what_else_is_open_may_lie_where_this_user_cannot_look(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "metaclaw.db")):
        tmp_path.chmod(0)
        try:
            with folder_of_nobody() as folder:
                open_database(folder / "metaclaw.db").close()
        finally:
            tmp_path.chmod(0o700)


CONNECT = sqlite3.connect


class MadeMeanwhile(sqlite3.Connection):
    """A look at a database that another process makes in the middle of it."""

    path: Path

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:  # type: ignore[override]
        if "sqlite_master" in sql:
            with suppress(sqlite3.OperationalError), closing(CONNECT(self.path, timeout=0)) as other:
                other.executescript(
                    f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; CREATE TABLE made (a); COMMIT;"
                )
        return super().execute(sql, *arguments)  # type: ignore[arg-type]


def test_one_that_is_being_made_is_not_taken_for_another_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metaclaw.db"
    path.touch(mode=0o600)
    MadeMeanwhile.path = path

    def connect(where: str, /, **how: Any) -> sqlite3.Connection:
        return CONNECT(where, factory=MadeMeanwhile, **how)

    with monkeypatch.context() as patched:
        patched.setattr(database.sqlite3, "connect", connect)
        database._check_identity(path, path.as_uri())

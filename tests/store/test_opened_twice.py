"""A database that one process has open more than once."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from metaclaw_jlab.store.database import open_database
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

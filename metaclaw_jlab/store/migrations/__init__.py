"""Numbered migrations, one SQL file each, only ever added to. A test holds that they lead to the declared schema."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from sqlalchemy import Connection


@cache
def migrations() -> tuple[tuple[int, str], ...]:
    """Number and SQL of every migration, in order."""
    found = [
        (int(entry.name[:4]), entry.read_text(encoding="utf-8"))
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".sql")
    ]
    return tuple(sorted(found))


def latest() -> int:
    """The version (PRAGMA user_version) that this package writes."""
    return migrations()[-1][0]


def migrate(connection: Connection, application_id: int) -> None:
    """Bring a database up to date inside the caller's transaction: all of it happens, or nothing."""
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    for number, script in migrations():
        if number > version:
            for statement in _statements(script):
                connection.exec_driver_sql(statement.replace(":now", repr(time.time())))
            connection.exec_driver_sql(f"PRAGMA user_version = {number}")
    connection.exec_driver_sql(f"PRAGMA application_id = {application_id}")


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""

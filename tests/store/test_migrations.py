import re
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from metaclaw_jlab.store import migrations as package
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.migrations import latest, migrations
from metaclaw_jlab.store.schema import APPLICATION_ID, metadata
from metaclaw_jlab.store.triggers import TRIGGERS


def shape(rows: list[tuple[str, str, str, str | None]]) -> dict[tuple[str, str], str]:
    """Every table, index and trigger with its SQL, spacing aside."""
    return {(kind, name): re.sub(r"\s+", " ", f"{table}: {sql}").strip() for kind, name, table, sql in rows}


def test_the_migrations_lead_to_the_declared_schema(database: Database) -> None:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    declared = create_engine("sqlite://")
    with declared.begin() as connection:
        metadata.create_all(connection)
        for trigger in TRIGGERS.values():
            connection.exec_driver_sql(trigger)
        wanted = shape([tuple(row) for row in connection.exec_driver_sql(query)])  # type: ignore[misc]
    with database.read() as connection:
        found = shape([tuple(row) for row in connection.exec_driver_sql(query)])  # type: ignore[misc]
    assert found == wanted


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [number for number, _ in migrations()] == list(range(1, latest() + 1))


def test_a_migrated_database_says_its_version_and_whose_it_is(database: Database) -> None:
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA user_version").scalar_one() == latest()
        assert connection.exec_driver_sql("PRAGMA application_id").scalar_one() == APPLICATION_ID


def test_an_older_database_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metaclaw.db"
    open_database(path).close()
    more = (*migrations(), (latest() + 1, "CREATE TABLE more (a);\nINSERT INTO more VALUES (1);\n"))
    monkeypatch.setattr(package, "migrations", lambda: more)
    database = open_database(path)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT a FROM more").scalar_one() == 1
    database.close()


def test_a_migration_that_fails_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metaclaw.db"
    open_database(path).close()
    version = latest()
    more = (*migrations(), (version + 1, "CREATE TABLE more (a);\nINSERT INTO less VALUES (1);\n"))
    monkeypatch.setattr(package, "migrations", lambda: more)
    with pytest.raises(Exception, match="less"):
        open_database(path)
    bare = sqlite3.connect(path)
    assert bare.execute("PRAGMA user_version").fetchone() == (version,)
    assert bare.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    bare.close()


def test_of_those_who_open_a_new_database_at_once_one_makes_it(tmp_path: Path) -> None:
    opened: list[Database] = []
    threads = [
        threading.Thread(target=lambda: opened.append(open_database(tmp_path / "metaclaw.db")))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6
    assert all(database.problems() == () for database in opened)
    for database in opened:
        database.close()

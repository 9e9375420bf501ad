import re
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from metaclaw_jlab.store import host_schema, training_schema
from metaclaw_jlab.store import migrations as package
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.migrations import latest, migrations
from metaclaw_jlab.store.schema import APPLICATION_ID
from metaclaw_jlab.store.support import Decision, Settlement, Support
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.triggers import TRIGGERS
from metaclaw_jlab.store.uses import SkillUse, Uses


def shape(rows: list[tuple[str, str, str, str | None]]) -> dict[tuple[str, str], str]:
    """Every table, index and trigger with its SQL, spacing aside."""
    return {(kind, name): re.sub(r"\s+", " ", f"{table}: {sql}").strip() for kind, name, table, sql in rows}


def test_the_migrations_lead_to_the_declared_schema(database: Database) -> None:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    declared = create_engine("sqlite://")
    with declared.begin() as connection:
        # The whole schema: each module adds to the same metadata.
        assert training_schema.metadata is host_schema.metadata
        host_schema.metadata.create_all(connection)
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


# From the first schema to the second

OF_THE_FIRST = """
INSERT INTO skills VALUES ('aa', 'a', '{}', 0);
INSERT INTO trajectories (id, text_sha256, task, skill_generation, skills, model, purpose, created_at, process, role,
    role_reason, stop_detail, checks, seconds)
SELECT 't' || value, 'x' || value, '{"text":"T","references":[],"checks":[],"name":null}', 0,
    '[["a","aa",1.0],["a","aa",0.5],["no skill","aa",1.0]]', 'm', 'user', 0, '', 'neither', '', '', '[]', 0
FROM json_each('[1, 2, 3, 4, 5, 6]');
INSERT INTO steps VALUES ('t1', 0, 0, '[]', 'r', 'a', NULL, '[]', 0, 0, 0);
UPDATE trajectories SET stop = 'check_failed', checks = '[["file","x","",true,""],["file","y","",false,""]]'
    WHERE id IN ('t1', 't2');
UPDATE trajectories SET stop = 'done', checks = '[["file","x","",true,""]]' WHERE id = 't3';
UPDATE trajectories SET stop = 'out_of_steps', score = '{"value":-1.0,"source":"outcome","reason":""}' WHERE id = 't4';
UPDATE trajectories SET stop = 'policy_failed', score = '{"unscored":"x"}' WHERE id = 't5';
INSERT INTO generations VALUES (1, 0, 'evolver', '{"a":"aa"}', '["t2"]', 3.5);
"""


def of_the_first_schema(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        first = migrations()[:1]
        patch.setattr(package, "migrations", lambda: first)
        open_database(path).close()
    bare = sqlite3.connect(path)
    bare.executescript(OF_THE_FIRST)
    bare.close()


def test_what_was_recorded_before_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_the_first_schema(tmp_path / "metaclaw.db", monkeypatch)
    database = open_database(tmp_path / "metaclaw.db")
    support = Support(database)
    assert support.pending(9) == ("t1", "t4")
    assert support.settlement("t2") == Settlement("t2", Decision.EVOLVED, "It evolved generation 1.", 3.5)
    assert Uses(database).all() == {"a": SkillUse(6, passed=1, failed=3, unchecked=1)}
    loaded = Trajectories(database).get("t1")
    assert loaded.learn
    assert loaded.steps[0].ran is None
    assert database.problems() == ()
    database.close()


def test_an_upgraded_store_has_the_shape_of_a_new_one(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old.db"
    of_the_first_schema(old, monkeypatch)
    upgraded = open_database(old)
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master"
    shapes = []
    for one in (upgraded, database):
        with one.read() as connection:
            shapes.append(shape([tuple(row) for row in connection.exec_driver_sql(query)]))  # type: ignore[misc]
    assert shapes[0] == shapes[1]
    upgraded.close()

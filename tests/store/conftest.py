import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import Attack


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path / "metaclaw.db")
    yield database
    database.close()


@pytest.fixture
def trajectories(database: Database) -> Trajectories:
    return Trajectories(database)


@pytest.fixture
def skills(database: Database) -> Skills:
    return Skills(database, clock=lambda: 1.5)


@pytest.fixture(params=["of the package", "bare", "bare, recursive triggers"])
def attack(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Attack]:
    """Runs one statement and expects a trigger to refuse it, or a constraint."""

    def through_package(statement: str) -> None:
        with pytest.raises(InvariantViolation), database.write() as connection:
            connection.exec_driver_sql(statement)

    def through(bare: sqlite3.Connection) -> Attack:
        def run(statement: str) -> None:
            with pytest.raises(sqlite3.IntegrityError):
                bare.execute(statement)

        return run

    if request.param == "of the package":
        yield through_package
        return
    bare = sqlite3.connect(tmp_path / "metaclaw.db", isolation_level=None)
    if request.param != "bare":
        bare.execute("PRAGMA recursive_triggers = ON")
    yield through(bare)
    bare.close()

from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories


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

"""Attacks on the numbers of generations and adapters, and on the log, with raw SQL."""

import pytest

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.skills import Skills
from tests.store.samples import Attack, dump, skill

GENERATION = "generations (number, parent, cause, members, evidence, created_at) VALUES"


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO {GENERATION} (3, 2, 'user', '{{}}', '[]', 0)",
        f"INSERT INTO {GENERATION} (1, 0, 'user', '{{}}', '[]', 0)",
        f"INSERT OR REPLACE INTO {GENERATION} (1, 0, 'user', '{{}}', '[]', 0)",
        f"INSERT OR REPLACE INTO {GENERATION} (0, NULL, 'user', '{{}}', '[]', 0)",
        f"INSERT INTO {GENERATION} (-1, -2, 'user', '{{}}', '[]', 0)",
        f"INSERT INTO {GENERATION} (NULL, 1, 'user', '{{}}', '[]', 0)",
        f"INSERT INTO {GENERATION} (2, 0, 'user', '{{}}', '[]', 0)",
        f"INSERT INTO {GENERATION} (2, 1, 'user', '{{\"a\": \"no such hash\"}}', '[]', 0)",
        f"INSERT INTO {GENERATION} (2, 1, 'user', '{{}}', '[\"no such trajectory\"]', 0)",
        "INSERT INTO generations SELECT 2, 1, cause, members, '[]', 0 FROM generations WHERE number = 1",
        "INSERT INTO generations SELECT 2, 1, cause, replace(members, 'a', 'b'), '[]', 0"
        " FROM generations WHERE number = 1",
        "UPDATE generations SET members = '{}'",
        "UPDATE generations SET number = 9",
        "UPDATE generations SET created_at = 9",
        "DELETE FROM generations",
        "DELETE FROM generations WHERE number = 1",
        "DELETE FROM generation_members",
        "UPDATE generation_members SET sha256 = 'x'",
        "INSERT INTO generation_members SELECT 0, name, sha256 FROM generation_members",
        "INSERT INTO generation_members SELECT 2, name, sha256 FROM generation_members",
        "INSERT INTO generation_members SELECT generation, 'b', sha256 FROM generation_members",
        "INSERT OR REPLACE INTO generation_members SELECT generation, name, 'x' FROM generation_members",
        "UPDATE counters SET value = 2 WHERE name = 'generation'",
        "UPDATE counters SET value = 0 WHERE name = 'generation'",
        "INSERT OR REPLACE INTO skills SELECT sha256, name, '{}', 0 FROM skills",
        "UPDATE skills SET content = '{}'",
        "DELETE FROM skills",
    ],
)
def test_generations_are_consecutive_and_final(
    database: Database, skills: Skills, attack: Attack, statement: str
) -> None:
    skills.commit_generation(Cause.USER, [skill("a")])
    tables = ("generations", "generation_members", "generation_evidence", "skills")
    before = dump(database, *tables)
    attack(statement)
    assert dump(database, *tables) == before
    assert skills.commit_generation(Cause.USER, []).number == 2


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO adapters VALUES (1, 'tiny', 'x', 'candidate', 0, 0, '')",
        "INSERT OR REPLACE INTO adapters VALUES (1, 'tiny', 'x', 'candidate', 0, 0, '')",
        "INSERT OR REPLACE INTO adapters VALUES (2, 'tiny', 'x', 'candidate', 0, 0, '')",
        "INSERT INTO adapters VALUES (7, 'tiny', 'x', 'candidate', 0, 0, '')",
        "INSERT INTO adapters VALUES (NULL, 'tiny', 'x', 'candidate', 0, 0, '')",
        "INSERT INTO adapters VALUES (3, 'tiny', 'x', 'promoted', 0, 0, '')",
        "INSERT INTO adapters VALUES (3, 'tiny', 'x', 'candidate', 9, 0, '')",
        "UPDATE adapters SET version = 9 WHERE version = 2",
        "UPDATE adapters SET sha256 = 'x'",
        "UPDATE adapters SET status = 'candidate' WHERE version = 2",
        "UPDATE adapters SET status = 'served' WHERE version = 2",
        "DELETE FROM adapters WHERE version = 2",
        "UPDATE counters SET value = 0",
        "UPDATE counters SET name = 'other', value = 9",
        "DELETE FROM counters",
        "INSERT OR REPLACE INTO counters VALUES ('adapter', 0)",
    ],
)
def test_adapter_versions_are_never_used_again(database: Database, attack: Attack, statement: str) -> None:
    adapters = Adapters(database)
    adapters.add("tiny", "aa", 0)
    adapters.add("tiny", "bb", 0)
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM adapters WHERE version = 1")
        connection.exec_driver_sql("UPDATE adapters SET status = 'forced'")
    before = dump(database, "adapters", "counters")
    attack(statement)
    assert dump(database, "adapters", "counters") == before
    assert adapters.add("tiny", "cc", 0).version == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET kind = 'x'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events VALUES (1, 'other', '{}', 0)",
    ],
)
def test_the_log_only_grows(database: Database, attack: Attack, statement: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO events VALUES (1, 'one', '{}', 0)")
    attack(statement)
    assert dump(database, "events") == [(1, "one", "{}", 0.0)]

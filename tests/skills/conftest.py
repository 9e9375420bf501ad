from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.policies.endpoint import EndpointPolicy
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.skills.evolver import ModelEvolver
from metaclaw_jlab.skills.working_copy import synchronise
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from tests.skills.copies import commit, skill

if TYPE_CHECKING:
    from tests.loopback.server import ScriptedServer


@pytest.fixture
def evolver(scripted_server: "ScriptedServer") -> Iterator[ModelEvolver]:
    policy = EndpointPolicy(scripted_server.base_url, "m", timeout=1.0, retries=0)
    yield ModelEvolver(policy)
    policy.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def skills(home: Home) -> Iterator[Skills]:
    database = open_database(home.database)
    yield Skills(database)
    database.close()


@pytest.fixture
def pair(home: Home, skills: Skills) -> tuple[Home, Skills]:
    """A home with two skills in its store and its folder."""
    commit(skills, skill("a"), skill("b"))
    synchronise(home, skills)
    return home, skills

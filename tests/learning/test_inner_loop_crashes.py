"""A process that is killed at any write of the inner loop leaves the old generation with its failures pending, or the
new one with them consumed once; and a working copy that heals."""

import os
from pathlib import Path

import pytest

from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.learning.inner_loop import evolve_once
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.skills.working_copy import synchronise
from metaclaw_jlab.store.index_texts import IndexTexts
from metaclaw_jlab.store.lineage import Lineage
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.support import Support
from metaclaw_jlab.store.trajectories import Trajectories
from tests.kills import assert_whole, each_write
from tests.learning.homes import Ground, ScriptedEvolver, failed, ground


@pytest.fixture(autouse=True)
def memory_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process takes nothing with it that it had written, synchronised to the disk or not."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def evolve(home: Home, skills: Skills) -> None:
    made = Ground(home, skills._database, ScriptedEvolver())
    evolve_once(made.loop())


def test_each_kill_leaves_the_old_generation_or_the_new_one_and_the_support_consumed_once(
    tmp_path: Path,
) -> None:
    template = ground(tmp_path / "home")
    ids = template.record(failed(), failed("Save the cheap rows of prices.csv in cheap.csv"))
    synchronise(template.home, template.skills)
    template.database.close()
    seen = set()

    def check(home: Home, skills: Skills) -> None:
        database = skills._database
        number = skills.current_generation().number
        roles = {Trajectories(database).get(id_).role for id_ in ids}
        waiting = set(Support(database).pending(9))
        seen.add(number)
        if number == 0:
            assert roles == {Role.NEITHER}
            assert waiting == set(ids)
            assert Lineage(database).sources("csv-semicolons") == ()
            assert dict(IndexTexts(database).of_all()) == {}
        else:
            assert roles == {Role.SUPPORT}
            assert waiting == set()
            assert {origin.trajectory for origin in Lineage(database).sources("csv-semicolons")} == set(ids)
        assert synchronise(home, skills).generation.number == number
        assert_whole(home, skills)
        evolve(home, skills)
        assert skills.current_generation().number == 1
        assert skills.current_generation().evidence == ids
        assert_whole(home, skills)

    assert each_write(template.home, evolve, check) > 5
    assert seen == {0, 1}

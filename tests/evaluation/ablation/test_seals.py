"""Seals: the home of a chain as it was at the end of a day."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.ablation.frozen_home import freeze, is_evaluation
from metaclaw_jlab.evaluation.ablation.seals import (
    begin,
    break_older,
    chain_home,
    require_marker,
    restore,
    seal,
)
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    owner = open_home(tmp_path / "owner")
    _learn(owner, "owners")
    owner.config.write_text("[skills]\nmax_skills = 2\n")
    return freeze(owner, tmp_path / "frozen").path


@pytest.fixture
def folder(tmp_path: Path, frozen: Path) -> Path:
    begin(tmp_path / "chain", frozen, empty=True)
    open_home(tmp_path / "chain" / "home")
    return tmp_path / "chain"


def _learn(home: Home, name: str) -> None:
    with closing(open_database(home.database)) as database:
        Skills(database).commit_generation(Cause.USER, [Skill(name, "Use it.", "Do it.")], [])


def _names(home: Home) -> list[str]:
    with closing(open_database(home.database)) as database:
        store = Skills(database)
        return [skill.name for skill in store.members(store.current_number())]


def test_an_empty_home_has_the_configuration_and_the_mark_alone(folder: Path) -> None:
    home = chain_home(folder)
    assert home.config.read_text() == "[skills]\nmax_skills = 2\n"
    assert is_evaluation(home.path)
    assert _names(home) == []


def test_a_copy_has_what_the_frozen_home_knows(tmp_path: Path, frozen: Path) -> None:
    begin(tmp_path / "chain", frozen, empty=False)
    assert _names(chain_home(tmp_path / "chain")) == ["owners"]


def test_a_home_without_mark_is_not_copied(tmp_path: Path) -> None:
    with pytest.raises(AblationError, match="no frozen copy"):
        begin(tmp_path / "chain", open_home(tmp_path / "owner").path, empty=True)


def test_a_seal_brings_back_what_was_there_while_others_read(folder: Path) -> None:
    home = chain_home(folder)
    _learn(home, "first")
    with closing(open_database(home.database)):  # what is in the log of writes counts too
        seal(folder, 1)
    _learn(home, "second")
    assert restore(folder, 1) == 1
    assert _names(home) == ["first"]
    assert is_evaluation(home.path)


def test_a_training_under_way_is_sealed_without_its_process(folder: Path) -> None:
    run = chain_home(folder).runtime / "training" / "1"
    (run / "scratch").mkdir(parents=True)
    (run / "worker.json").write_text("{}")
    (run / "job.json").write_text("what to train")
    seal(folder, 1)
    restore(folder, 1)
    assert [path.name for path in run.iterdir()] == ["job.json"]


def test_the_newest_seal_that_is_not_too_new_is_restored(folder: Path) -> None:
    for day in (1, 2, 3):
        seal(folder, day)
    assert [restore(folder, most) for most in (0, 2, 9)] == [0, 2, 3]


def test_a_seal_that_was_cut_off_is_none(folder: Path) -> None:
    draft = folder / "sealed-2.draft"
    draft.mkdir()
    seal(folder, 1)
    assert restore(folder, 2) == 1
    assert not draft.exists()


def test_older_seals_are_deleted(folder: Path) -> None:
    for day in (1, 2):
        seal(folder, day)
    break_older(folder, 2)
    assert restore(folder, 1) == 0
    assert restore(folder, 2) == 2


def test_a_seal_is_its_owners_alone(folder: Path) -> None:
    _learn(chain_home(folder), "first")
    seal(folder, 1)
    assert (folder / "sealed-1").stat().st_mode & 0o077 == 0
    assert (folder / "sealed-1" / "metaclaw.db").stat().st_mode & 0o077 == 0


def test_what_only_evaluation_may_do_is_refused_elsewhere(tmp_path: Path, folder: Path) -> None:
    require_marker(chain_home(folder), "training on support")
    with pytest.raises(AblationError, match="training on support is refused"):
        require_marker(open_home(tmp_path / "owner"), "training on support")

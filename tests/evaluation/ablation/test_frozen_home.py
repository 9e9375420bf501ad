"""Frozen copies of a home that is in use."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.config import PolicySettings, Settings
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory, new_trajectory_id
from metaclaw_jlab.evaluation.ablation.frozen_home import freeze, is_evaluation, open_frozen, place_of
from metaclaw_jlab.skills.library import write_skill

DATES = Skill("dates", "How dates are written.", "Write dates as 2026-01-31.")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with closing(open_workspace(tmp_path / "home")) as opened:
        opened.home.config.write_text("[agent]\nsteps = 4\nnamespace = 'lab'\n")
        write_skill(opened.home.skills, DATES)
        opened.synchronised()
        yield opened


def record(workspace: Workspace) -> None:
    workspace.trajectories().record(
        Trajectory(new_trajectory_id(), Task("Do it."), Stamp(0, (), "m"), stop=StopReason.DONE)
    )


def count(workspace: Workspace) -> int:
    return len(workspace.trajectories().recent(10_000))


def test_a_copy_has_what_the_home_has(workspace: Workspace, tmp_path: Path) -> None:
    record(workspace)
    home = freeze(workspace.home, tmp_path / "copy")
    with closing(open_frozen(home.path, {})) as copy:
        assert count(copy) == 1
        assert copy.synchronised().skills == (DATES,)
        assert copy.synchronised().generation.number == workspace.synchronised().generation.number
        assert copy.settings().agent.steps == 4
        assert copy.home == home
        assert home.id != workspace.home.id


def test_a_copy_is_marked_and_only_its_owners(workspace: Workspace, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    assert not is_evaluation(place)
    freeze(workspace.home, place)
    assert is_evaluation(place)
    assert not is_evaluation(workspace.home.path)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "metaclaw.db").stat().st_mode) == 0o600


def test_what_is_of_a_process_or_a_run_is_not_copied(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.home.runtime / "host.json").write_text("{}")
    (workspace.home.path / "runs" / "1").mkdir(parents=True)
    home = freeze(workspace.home, tmp_path / "copy")
    assert not (home.runtime / "host.json").exists()
    assert not (home.path / "runs").exists()


def test_adapters_are_there_without_taking_space(workspace: Workspace, tmp_path: Path) -> None:
    weights = workspace.home.adapters / "v1" / "weights.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    (workspace.home.adapters / ".draft").mkdir()
    home = freeze(workspace.home, tmp_path / "copy")
    copied = home.adapters / "v1" / weights.name
    assert os.path.samefile(weights, copied)
    assert [path.name for path in home.adapters.iterdir()] == ["v1"]
    weights.unlink()
    assert copied.read_bytes() == b"weights"


def test_a_copy_that_is_there_is_used_again(workspace: Workspace, tmp_path: Path) -> None:
    first = freeze(workspace.home, tmp_path / "copy").id
    record(workspace)
    home = freeze(workspace.home, tmp_path / "copy")
    with closing(open_frozen(home.path, {})) as copy:
        assert home.id == first
        assert count(copy) == 0


def test_a_copy_that_was_cut_off_is_made_again(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "metaclaw.db").write_bytes(b"half of it")
    home = freeze(workspace.home, tmp_path / "copy")
    with closing(open_frozen(home.path, {})) as copy:
        assert copy.synchronised().skills == (DATES,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "home"]


def test_edits_by_hand_become_a_generation_of_the_copy_alone(workspace: Workspace, tmp_path: Path) -> None:
    number = workspace.synchronised().generation.number
    changed = Skill("dates", "How dates are written.", "Write dates as 31.01.2026.")
    write_skill(workspace.home.skills, changed)
    home = freeze(workspace.home, tmp_path / "copy")
    with closing(open_frozen(home.path, {})) as copy:
        assert copy.synchronised().skills == (changed,)
        assert copy.synchronised().generation.number == number + 1
    from metaclaw_jlab.store.skills import Skills

    assert Skills(workspace.database()).current_number() == number


def test_a_home_is_copied_while_it_is_written(workspace: Workspace, tmp_path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            record(workspace)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        homes = [freeze(workspace.home, tmp_path / f"copy-{number}") for number in range(4)]
    finally:
        done.set()
        writer.join()
    found = []
    for home in homes:
        with closing(open_frozen(home.path, {})) as copy:
            assert copy.database().problems() == ()
            found.append(count(copy))
    assert found == sorted(found)


def test_a_workspace_on_a_copy_learns_nothing(workspace: Workspace, tmp_path: Path) -> None:
    home = freeze(workspace.home, tmp_path / "copy")
    with closing(open_frozen(home.path, {"agent.steps": 2, "agent.learn": True})) as copy:
        settings = copy.settings()
        assert (settings.agent.learn, settings.scheduler.enabled, settings.proxy.enabled) == (False,) * 3
        assert settings.agent.steps == 2
        assert copy.home.path == home.path


def test_what_an_administrator_has_locked_stays(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = freeze(workspace.home, tmp_path / "copy")
    locks = tmp_path / "locks.toml"
    locks.write_text("[agent]\nlearn = true\n")
    monkeypatch.setenv("METACLAW_ADMIN_CONFIG", str(locks))
    with closing(open_frozen(home.path, {})) as copy:
        assert copy.settings().agent.learn
        assert not copy.settings().scheduler.enabled


def test_no_other_home_is_worked_on(workspace: Workspace) -> None:
    with pytest.raises(AblationError, match="no frozen copy"):
        open_frozen(workspace.home.path, {})


def test_a_namespace_is_copied_with_the_configuration_of_its_home(
    workspace: Workspace, tmp_path: Path
) -> None:
    with closing(open_workspace(workspace.home.path, namespace="lab")) as lab:
        record(lab)
        home = freeze(lab.home, tmp_path / "copy")
    with closing(open_frozen(home.path, {})) as copy:
        assert count(copy) == 1
        assert copy.settings().agent.steps == 4
        assert copy.home.path == home.path


def test_another_local_model_has_a_copy_of_its_own() -> None:
    frozen, common = Path("runs/1/home"), Settings()
    other = Settings(policy=PolicySettings(local_model="other"))
    elsewhere = Settings(policy=PolicySettings(local_model="other", base_url="http://127.0.0.1:1/v1"))
    assert place_of(frozen, common, common) == frozen == place_of(frozen, common, elsewhere)
    assert place_of(frozen, common, other).name.startswith("home-")

from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.jupyter.server.ablation_watch import SECONDS, AblationWatch
from metaclaw_jlab.jupyter.server.events import MOVED, Tail
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.store.database import Database, open_database
from tests.evaluation.ablation.made_run import TASKS, attempt, made_run


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def watch(home: Home) -> AblationWatch:
    """One that has looked once."""
    made = AblationWatch(home)
    assert not made.look()
    return made


def test_a_new_run_is_a_change(watch: AblationWatch, home: Home) -> None:
    made_run(home)
    assert watch.look()
    assert not watch.look()
    assert watch.changes == 1


def test_an_attempt_of_a_run_that_goes_on_is_a_change(watch: AblationWatch, home: Home) -> None:
    run = made_run(home)
    with lease(home, run.lease_name):
        run.change(state=AblationState.RUNNING)
        watch.look()
        AttemptsLog(run.jobs / "one").append(attempt("full", TASKS, right=True))
        assert watch.look()
        assert not watch.look()


def test_the_end_of_the_process_that_conducted_it_is_a_change(watch: AblationWatch, home: Home) -> None:
    run = made_run(home)
    with lease(home, run.lease_name):
        run.change(state=AblationState.RUNNING)
        watch.look()
    assert watch.look()


def test_a_run_that_is_over_is_looked_at_once(
    watch: AblationWatch, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_run(home)
    watch.look()
    monkeypatch.setattr(AblationWatch, "_state", None)
    assert not watch.look()
    monkeypatch.undo()
    run.change(state=AblationState.PLANNED)
    assert watch.look()


def test_a_deleted_run_is_a_change(watch: AblationWatch, home: Home) -> None:
    run = made_run(home)
    watch.look()
    run.delete()
    assert watch.look()


def test_it_looks_now_and_then_where_there_is_anything(home: Home) -> None:
    now = [0.0]
    watch = AblationWatch(home, clock=lambda: now[0])
    assert not watch.due()
    made_run(home)
    assert not watch.due()
    now[0] = SECONDS
    assert watch.due()
    assert not watch.due()


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    made = open_database(home.database)
    yield made
    made.close()


def test_who_follows_a_home_hears_of_its_ablations(database: Database, home: Home) -> None:
    tail = Tail()
    assert list(tail.look(database)) == []
    made_run(home)
    assert tail.stale(database)
    ((schema, data),) = tail.look(database)
    assert (schema, data["change"], data["ablations"]) == (MOVED, 1, 1)
    assert list(tail.look(database)) == []

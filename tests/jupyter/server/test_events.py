import asyncio
import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import ValidationError
from jupyter_events.logger import EventLogger

from metaclaw_jlab.core.schedule import Conducting, View
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.window import Pause, SchedulerState, Window
from metaclaw_jlab.jupyter.server.events import (
    AT_ONCE,
    HAPPENED,
    MOVED,
    SCHEDULE,
    Emit,
    ScheduleEvents,
    Tail,
    follow,
    register,
    schedule_of,
)
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.events import Events
from metaclaw_jlab.store.trajectories import Trajectories
from tests.jupyter.server.conftest import done

VIEW = View(at=5.0, state=SchedulerState.WAITING, sentence="Somebody works: a secret plan.")


class Bus:
    """Jupyter's event bus with one subscriber."""

    def __init__(self) -> None:
        self.logger = EventLogger()
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.emit: Emit = register(self.logger)
        self.arrived = asyncio.Event()
        self.logger.add_listener(listener=self._heard)

    async def _heard(self, logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        self.sent.append(
            (schema_id, {name: value for name, value in data.items() if not name.startswith("__")})
        )
        self.arrived.set()

    def publish(self, *events: tuple[str, Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """What a subscriber gets of these; the schemas are held against them."""

        async def run() -> None:
            for schema, data in events:
                self.emit(schema, data)
            await self.logger.gather_listeners()

        asyncio.run(run())
        return self.sent


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database(tmp_path / "metaclaw.db")
    yield made
    made.close()


@pytest.fixture
def tail(database: Database) -> Tail:
    """One that has looked once."""
    made = Tail()
    assert looked(made, database) == []
    return made


def looked(tail: Tail, database: Database) -> list[tuple[str, dict[str, Any]]]:
    return list(tail.look(database))


def logged(tail: Tail, database: Database) -> list[dict[str, Any]]:
    return [data for schema, data in looked(tail, database) if schema == HAPPENED]


def test_what_was_logged_before_is_not_told(database: Database) -> None:
    Events(database).append("window.opened", window=1)
    assert looked(Tail(), database) == []


def test_what_is_logged_is_told_once_and_in_order(tail: Tail, database: Database) -> None:
    log = Events(database, clock=lambda: 2.5)
    numbers = [log.append("window.opened", window=1), log.append("window.closed", window=1, by="lab")]
    assert [data["number"] for data in logged(tail, database)] == numbers
    assert looked(tail, database) == []


def test_many_entries_are_told_over_several_looks(tail: Tail, database: Database) -> None:
    log = Events(database)
    numbers = [log.append("noted", step=step) for step in range(AT_ONCE + 3)]
    told = [*logged(tail, database), *logged(tail, database), *logged(tail, database)]
    assert [data["number"] for data in told] == numbers


def test_a_new_task_moves_the_home_on(tail: Tail, database: Database) -> None:
    Trajectories(database).record(done("new"))
    told = looked(tail, database)
    assert [(schema, data["task"]) for schema, data in told] == [(MOVED, 1)]


def test_a_task_that_ends_moves_the_home_on(tail: Tail, database: Database) -> None:
    store = Trajectories(database)
    opened = done("open", stop=None, score=None)
    store.begin(opened)
    assert [data["open_tasks"] for _, data in looked(tail, database)] == [1]
    store.close("open", done("x").stop)  # type: ignore[arg-type]
    assert [data["open_tasks"] for _, data in looked(tail, database)] == [0]


def test_a_late_score_changes_the_home_though_no_number_moves(tail: Tail, database: Database) -> None:
    store = Trajectories(database)
    store.record(done("done"))
    before = looked(tail, database)[-1][1]
    store.score("done", Score(-1.0, ScoreSource.USER))
    after = looked(tail, database)[-1][1]
    assert after == {**before, "change": before["change"] + 1}


def test_a_setting_that_is_saved_changes_the_home(tail: Tail, database: Database) -> None:
    database.path.with_name("config.toml").write_text("[skills]\n")
    assert [data["change"] for _, data in looked(tail, database)] == [1]


def test_files_that_did_not_change_are_not_looked_into(
    tail: Tail, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Events(database).append("noted", step=1)
    assert tail.stale(database)
    assert [schema for schema, _ in looked(tail, database)] == [HAPPENED, MOVED]
    assert not tail.stale(database)
    monkeypatch.setattr(database, "read", None)
    assert looked(tail, database) == []


def test_a_commit_that_shows_later_than_its_log_was_written_is_not_missed(
    tail: Tail, database: Database
) -> None:
    log, written = Events(database), database.path.with_name(database.path.name + "-wal")
    log.append("noted", step=1)
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(RESTART)")  # from here on the log is written over
    looked(tail, database)
    log.append("noted", step=2)
    looked(tail, database)
    before = written.stat()
    log.append("noted", step=3)
    os.utime(written, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert written.stat().st_size == before.st_size
    assert tail.stale(database)
    assert [data["fields"] for data in logged(tail, database)] == [{"step": 3}]


def test_another_database_begins_anew(tail: Tail, database: Database, tmp_path: Path) -> None:
    other = open_database(tmp_path / "other.db")
    Events(other).append("noted", step=1)
    assert looked(tail, other) == []
    Events(other).append("noted", step=2)
    assert [data["fields"] for data in logged(tail, other)] == [{"step": 2}]
    other.close()


def test_everything_that_is_told_fits_its_schema(tail: Tail, database: Database) -> None:
    Events(database).append("window.closed", window=1, by="kernels:lab", yield_seconds=0.7)
    Trajectories(database).record(done("new"))
    told = looked(tail, database)
    assert [schema for schema, _ in Bus().publish(*told)] == [HAPPENED, MOVED]


def test_text_does_not_fit_the_schema() -> None:
    event = {"number": 1, "kind": "noted", "at": 1.0, "fields": {"prompt": "Write a poem about it"}}
    with pytest.raises(ValidationError):
        Bus().publish((HAPPENED, event))


def test_what_the_scheduler_does_is_told_in_numbers() -> None:
    view = replace(
        VIEW,
        state=SchedulerState.TRAINING,
        window=Window(3, 1.0, ("kernels",)),
        pause=Pause(1.0),
        conducting=Conducting(True, 77, 2.0, run=4),
        next_window=9.0,
    )
    told = {"at": 5.0, "state": "training", "window": 3, "run": 4, "paused": True, "next_window": 9.0}
    assert Bus().publish((SCHEDULE, schedule_of(view))) == [(SCHEDULE, told)]


def test_no_sentence_of_the_scheduler_is_sent() -> None:
    assert "secret" not in json.dumps(schedule_of(VIEW))


def test_the_scheduler_is_told_of_when_it_changes() -> None:
    sent: list[Mapping[str, Any]] = []
    told = ScheduleEvents(lambda _, data: sent.append(data))
    for view in (VIEW, replace(VIEW, at=6.0), replace(VIEW, at=7.0, state=SchedulerState.OPEN)):
        told.changed(view)
    assert [(data["at"], data["state"]) for data in sent] == [(5.0, "waiting"), (7.0, "open")]


class Home:
    """What `follow` asks of a host: a workspace, which may be gone."""

    def __init__(self, database: Database) -> None:
        self.found = database
        self.workspace = self

    def database(self) -> Database:
        return self.found


def test_a_subscriber_hears_of_what_another_process_wrote(database: Database, tmp_path: Path) -> None:
    other = open_database(tmp_path / "metaclaw.db")

    async def run() -> list[str]:
        bus = Bus()
        with ThreadPoolExecutor(1) as pool:
            following = asyncio.create_task(
                follow(Home(database), bus.emit, pool, logging.getLogger("x"), seconds=0.01)  # type: ignore[arg-type]
            )
            # What is written during the first look is told to have moved, and no more.
            while HAPPENED not in {schema for schema, _ in bus.sent}:
                await asyncio.to_thread(Events(other).append, "window.opened", window=1)
                bus.arrived.clear()
                try:
                    await asyncio.wait_for(bus.arrived.wait(), 1)
                except TimeoutError:
                    continue
            following.cancel()
        return [schema for schema, _ in bus.sent]

    assert HAPPENED in asyncio.run(asyncio.wait_for(run(), 60))
    other.close()

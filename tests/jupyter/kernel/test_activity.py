"""A kernel tells the host and the store that it is used, and its user's cells don't wait for that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.jupyter.kernel import activity
from metaclaw_jlab.jupyter.kernel.activity import KernelActivity
from metaclaw_jlab.runtime.activity_line import Sign, listen
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.host import publish, withdraw
from metaclaw_jlab.runtime.processes import this_process
from metaclaw_jlab.store.activity import Activities, Activity
from metaclaw_jlab.store.database import Database, open_database
from tests.jupyter.kernel.conftest import run, session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Listening:
    """A host's end of the line, in a thread."""

    def __init__(self, home: Home) -> None:
        self.signs: list[Sign] = []
        self._home = home
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        secret = publish(home, "http://127.0.0.1:9/").secret
        opened = asyncio.run_coroutine_threadsafe(listen(secret, self.signs.append), self._loop).result()
        self._transport, self.port = opened
        publish(home, "http://127.0.0.1:9/", self.port, secret=secret)

    def close(self) -> None:
        withdraw(self._home)
        self._loop.call_soon_threadsafe(self._transport.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Home, Database]]:
    home = open_home(tmp_path / "home")
    database = open_database(home.database)
    yield home, database
    database.close()


@pytest.fixture
def kernel(opened: tuple[Home, Database], monkeypatch: pytest.MonkeyPatch) -> Iterator[KernelActivity]:
    monkeypatch.setattr(activity, "BREATH_SECONDS", 0.0)
    made = KernelActivity(lambda: opened[0], notebook=lambda: "report.ipynb")
    yield made
    made.close()


@pytest.fixture
def listening(opened: tuple[Home, Database]) -> Iterator[Listening]:
    made = Listening(opened[0])
    yield made
    made.close()


def rows(database: Database) -> tuple[Activity, ...]:
    return Activities(database).since(3600)


def until(found: Callable[[], object]) -> None:
    """Wait until something holds: the deadline is that of the test."""
    pause = threading.Event()
    while not found():
        pause.wait(0.01)


def test_a_cell_that_runs_is_in_the_store(opened: tuple[Home, Database], kernel: KernelActivity) -> None:
    kernel.before_cell()
    until(lambda: rows(opened[1]))
    (row,) = rows(opened[1])
    assert (row.process, row.notebook, row.state) == (this_process(), "report.ipynb", "busy")


def test_a_cell_that_has_run_is_too(opened: tuple[Home, Database], kernel: KernelActivity) -> None:
    kernel.before_cell()
    kernel.after_cell()
    until(lambda: [row.state for row in rows(opened[1])] == ["idle"])


def test_a_cell_within_a_cell_ends_nothing(opened: tuple[Home, Database], kernel: KernelActivity) -> None:
    kernel.before_cell()
    kernel.before_cell()
    kernel.after_cell()
    kernel.close()
    assert [row.state for row in rows(opened[1])] == ["busy"]


def test_what_was_said_last_is_written_before_the_end(
    opened: tuple[Home, Database], kernel: KernelActivity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "BREATH_SECONDS", 3600.0)
    kernel.before_cell()
    until(lambda: rows(opened[1]))
    kernel.after_cell()
    kernel.close()
    assert [row.state for row in rows(opened[1])] == ["idle"]


def test_a_long_cell_says_so_again(
    opened: tuple[Home, Database], kernel: KernelActivity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "BUSY_SECONDS", 0.01)
    kernel.before_cell()
    until(lambda: rows(opened[1]))
    first = rows(opened[1])[0].at
    until(lambda: rows(opened[1])[0].at > first)
    assert rows(opened[1])[0].state == "busy"


def test_the_host_hears_of_the_first_cell(listening: Listening, kernel: KernelActivity) -> None:
    kernel.before_cell()
    until(lambda: listening.signs)
    assert listening.signs[0] == Sign(this_process(), "busy")


def test_once_the_host_is_known_the_cell_itself_tells_it(
    listening: Listening, kernel: KernelActivity, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.before_cell()
    until(lambda: listening.signs)
    monkeypatch.setattr(activity, "BREATH_SECONDS", 3600.0)
    kernel.after_cell()
    until(lambda: listening.signs[-1].state == "idle")
    heard = len(listening.signs)
    kernel.before_cell()
    until(lambda: len(listening.signs) > heard)
    assert listening.signs[-1].busy


def test_a_new_host_is_found(
    opened: tuple[Home, Database], kernel: KernelActivity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "LOOK_SECONDS", 0.0)
    first = Listening(opened[0])
    kernel.before_cell()
    until(lambda: first.signs)
    first.close()
    second = Listening(opened[0])
    kernel.after_cell()
    kernel.before_cell()
    until(lambda: second.signs)
    second.close()


def test_where_there_is_no_home_none_is_made(tmp_path: Path) -> None:
    made = KernelActivity(lambda: Home(tmp_path / "none"))
    made.before_cell()
    made.write()
    made.close()
    assert not (tmp_path / "none").exists()


def test_a_home_that_is_deleted_stops_nothing(opened: tuple[Home, Database], kernel: KernelActivity) -> None:
    import shutil

    kernel.before_cell()
    until(lambda: rows(opened[1]))
    shutil.rmtree(opened[0].path)
    kernel.after_cell()
    kernel.write()
    assert not opened[0].path.exists()


def test_a_loaded_kernel_tells_of_its_cells(shell: InteractiveShell, home: Path) -> None:
    open_home(home)
    with_database = open_database(home / "metaclaw.db")
    run(shell, "1 + 1")
    until(lambda: rows(with_database))
    with_database.close()


def test_what_the_agent_runs_is_the_cell_s_own_activity(shell: InteractiveShell) -> None:
    own = session(shell)
    said: list[str] = []
    own.activity._say = said.append  # type: ignore[method-assign]
    info = SimpleNamespace(raw_cell="1", cell_id=None)
    own.before_cell(info)
    own.busy = True
    own.before_cell(info)
    own.after_cell(None)
    assert said == ["busy"]
    own.busy = False

"""What a host leaves behind and clears up: the policy server, rows of the dead, a file system without a log."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.jupyter.server import host as host_module
from metaclaw_jlab.jupyter.server.host import Host
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import Endpoint, ensure, running, stop
from metaclaw_jlab.runtime.processes import boot_id, start_ticks
from metaclaw_jlab.store.activity import Activities
from metaclaw_jlab.store.database import Database, open_database

FAKE = Path(__file__).parents[2] / "runtime" / "fake_policy_server.py"
URL = "http://127.0.0.1:9/"
DAY = 86_400.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = open_home(tmp_path / "home")
    yield home
    stop(home)


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    opened = open_database(home.database)
    yield opened
    opened.close()


@pytest.fixture
def somebody() -> Iterator[str]:
    """The mark of another process that lives."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield f"{boot_id()}:{child.pid}:{start_ticks(child.pid)}"
    child.communicate(b"\n")


def serve(home: Home) -> Endpoint:
    return ensure(
        home,
        "tiny",
        start_seconds=60,
        command=[sys.executable, str(FAKE), "--home", str(home.path), "--model", "tiny"],
    )


def live(home: Home) -> None:
    """A host that begins and ends."""

    async def work() -> None:
        host = Host(URL, home=home.path)
        await host.start()
        assert host.active
        await host.stop()

    asyncio.run(work())


def test_a_policy_server_that_nobody_uses_is_stopped(home: Home) -> None:
    serve(home)
    live(home)
    assert running(home) is None


def test_a_policy_server_that_another_kernel_may_use_goes_on(
    home: Home, database: Database, somebody: str
) -> None:
    endpoint = serve(home)
    Activities(database).touch(somebody, None, "idle")
    live(home)
    assert running(home) == endpoint


def test_a_kernel_that_is_dead_uses_nothing(home: Home, database: Database) -> None:
    serve(home)
    Activities(database).touch(f"{boot_id()}:999999999:1", None, "busy")
    live(home)
    assert running(home) is None


def test_rows_of_kernels_that_are_long_dead_are_cleared_up(
    home: Home, database: Database, somebody: str
) -> None:
    dead = f"{boot_id()}:999999999:1"
    Activities(database, clock=lambda: time.time() - 10 * DAY).touch(dead, None, "idle")
    Activities(database, clock=lambda: time.time() - 10 * DAY).touch(somebody, None, "idle")
    Activities(database).touch(f"{boot_id()}:999999999:2", None, "idle")
    live(home)
    left = {row.process for row in Activities(database).since(100 * DAY)}
    assert left == {somebody, f"{boot_id()}:999999999:2"}


def test_a_file_system_without_a_write_ahead_log_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = host_module._opened

    def on_a_network(path: Path | None) -> object:
        workspace = opened(path)
        workspace.database().journal_mode = "delete"
        return workspace

    monkeypatch.setattr(host_module, "_opened", on_a_network)
    with caplog.at_level(logging.WARNING):
        live(home)
    assert "keeps no write-ahead log (journal mode delete)" in caplog.text

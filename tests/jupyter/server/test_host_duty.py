"""The host of a home: one is active, another takes over, a home that goes away, what is told and what is stopped."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import HomeRefused, HostElsewhere
from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.jupyter.server import host as host_module
from metaclaw_jlab.jupyter.server.host import Host
from metaclaw_jlab.runtime.activity_line import BUSY, Sender
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.host import host_file, published
from metaclaw_jlab.store.activity import Activities
from metaclaw_jlab.store.database import open_database

OTHER = (
    "import sys; from pathlib import Path; from metaclaw_jlab.runtime.home import Home;"
    "from metaclaw_jlab.jupyter.server.duty import take_lease\n"
    "held = take_lease(Home(Path(sys.argv[1]))); print('held', flush=True); sys.stdin.read()"
)
URL = "http://127.0.0.1:9/"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(host_module, "LOOK_SECONDS", 0.02)
    home = open_home(tmp_path / "home")
    home.config.write_text("[scheduler]\nidle_minutes = 0.02\ndesktop = false\n")
    return home.path


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is the active host."""
    child = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    yield child
    child.communicate("")


@asynccontextmanager
async def started(path: Path) -> AsyncIterator[Host]:
    host = Host(URL, home=path)
    await host.start()
    try:
        yield host
    finally:
        await host.stop()


async def until(found: Callable[[], object]) -> None:
    """Wait until something holds; the deadline is that of the test."""
    while not found():
        await asyncio.sleep(0.01)


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_the_first_server_is_the_active_host(path: Path) -> None:
    async def work() -> None:
        async with started(path) as host:
            assert host.active
            assert host.scheduler is host.active_scheduler()
            assert host.standing().active
            record = published(Home(path))
            assert record is not None
            assert (record.url, record.activity_port > 0) == (URL, True)
            assert host.knows(record.secret)
            assert not host.knows("guessed")
            assert not host.knows("")

    run(work)


def test_what_it_published_ends_with_it(path: Path) -> None:
    async def work() -> None:
        async with started(path):
            pass
        assert not host_file(Home(path)).exists()
        async with started(path) as again:
            assert again.active

    run(work)


def test_a_second_one_reads_and_says_who_is_active(path: Path, other: subprocess.Popen[str]) -> None:
    async def work() -> None:
        async with started(path) as host:
            assert not host.active
            assert host.scheduler is None
            assert host.workspace.home.path == path
            standing = host.standing()
            assert standing.pid == other.pid
            assert f"process {other.pid}" in standing.sentence
            with pytest.raises(HostElsewhere, match=f"process {other.pid}"):
                host.active_scheduler()
            assert not host.knows("")

    run(work)


def test_it_takes_over_when_the_first_is_gone(path: Path, other: subprocess.Popen[str]) -> None:
    async def work() -> None:
        async with started(path) as host:
            other.kill()
            other.wait()
            await until(lambda: host.active)
            assert published(Home(path)) is not None

    run(work)


def test_the_page_of_a_second_one_is_told_in_the_store(path: Path, other: subprocess.Popen[str]) -> None:
    async def work() -> None:
        async with started(path) as host:
            host.activity(0.0)
            database = open_database(Home(path).database)
            await until(lambda: Activities(database).since(3600))
            database.close()

    run(work)


def test_an_old_report_of_a_page_is_no_sign(path: Path, other: subprocess.Popen[str]) -> None:
    async def work() -> None:
        async with started(path) as host:
            host.activity(500.0)
            assert not host._used.working
            assert host._used._beside is None

    run(work)


def test_the_page_is_heard(path: Path) -> None:
    async def work() -> None:
        async with started(path) as host:
            host.activity(0.0)
            readings = {one.name: one for one in host.active_scheduler().tick().readings}
            assert readings["lab"].state is SignalState.BUSY

    run(work)


def test_a_kernel_on_the_line_is_heard_at_once(path: Path) -> None:
    async def work() -> None:
        async with started(path) as host:
            told: list[str] = []
            host.active_scheduler().activity = told.append  # type: ignore[method-assign]
            record = published(Home(path))
            assert record is not None
            sender = Sender(record.activity_port, record.secret, "boot:1:2")
            sender.send(BUSY)
            await until(lambda: told)
            sender.close()
            assert told == ["kernels"]

    run(work)


def test_a_broken_configuration_keeps_a_server_from_its_duty_until_it_is_mended(path: Path) -> None:
    config = path / "config.toml"
    sound = config.read_text()
    config.write_text("[policy\n")

    async def work() -> None:
        async with started(path) as host:
            assert not host.active
            assert "config.toml, line 1" in host.standing().sentence
            config.write_text(sound)
            await until(lambda: host.active)

    run(work)


def test_a_home_that_could_not_be_opened_is_opened_when_nothing_is_in_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "LOOK_SECONDS", 0.02)
    place = tmp_path / "in the way"
    place.write_text("a file")

    async def work() -> None:
        async with started(place) as host:
            assert host.standing().home_id is None
            assert "is a file" in host.standing().sentence
            place.unlink()
            await until(lambda: host.active)

    run(work)


def test_a_home_that_is_deleted_is_left_and_not_made_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with started(path) as host:
            shutil.rmtree(path)
            host._wake.set()
            await until(lambda: not host.active)
            with pytest.raises(HomeRefused, match="was deleted"):
                _ = host.workspace
            assert "deleted" in host.standing().sentence
            with pytest.raises(HostElsewhere):
                host.active_scheduler()
        assert not path.exists()

    with caplog.at_level(logging.WARNING):
        run(work)
    assert "was deleted while this server used it" in caplog.text


def test_a_home_that_is_there_again_is_taken_up(path: Path) -> None:
    async def work() -> None:
        async with started(path) as host:
            shutil.rmtree(path)
            host._wake.set()
            await until(lambda: not host.active)
            made = open_home(path)
            await until(lambda: host.active)
            assert host.workspace.home.id == made.id

    run(work)


def test_a_home_that_cannot_be_opened_is_told_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")

    async def work() -> None:
        async with started(tmp_path / "home") as host:
            assert not host.active
            assert "is a file" in host.standing().sentence
            with pytest.raises(HomeRefused):
                _ = host.workspace
            host.activity(0.0)

    run(work)


def test_a_database_of_a_newer_version_is_told(path: Path) -> None:
    import sqlite3

    open_database(path / "metaclaw.db").close()
    with sqlite3.connect(path / "metaclaw.db") as connection:
        connection.execute("PRAGMA user_version = 9999")

    async def work() -> None:
        async with started(path) as host:
            assert not host.active
            assert "newer" in host.standing().sentence

    run(work)


def test_a_configuration_that_is_wrong_for_a_moment_stops_nothing(path: Path) -> None:
    async def work() -> None:
        async with started(path) as host:
            Home(path).config.write_text("[scheduler\n")
            duty = host._duty
            assert duty is not None
            assert await duty.look()
            assert host.active

    run(work)


def test_a_lease_that_is_lost_makes_it_step_back(path: Path) -> None:
    async def work() -> None:
        async with started(path) as host:
            (path / "runtime" / "leases" / "host.json").unlink()
            duty = host._duty
            assert duty is not None
            duty._done_at.clear()
            host._wake.set()
            await until(lambda: host._duty is not duty)

    run(work)


def test_starting_and_stopping_twice_is_once(path: Path) -> None:
    async def work() -> None:
        host = Host(URL, home=path)
        await host.start()
        await host.start()
        await host.stop()
        await host.stop()
        assert not host.active

    run(work)

import logging
import multiprocessing
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy.exc

from metaclaw_jlab.core.errors import (
    InvariantViolation,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreNewer,
    StoreReadOnly,
)
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.store import failures
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.failures import full, meaning
from metaclaw_jlab.store.migrations import latest
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import ended, opened, step


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A closed database with 200 trajectories in it."""
    path = tmp_path / "metaclaw.db"
    database = open_database(path)
    store = Trajectories(database)
    for number in range(200):
        store.record(ended(f"t{number}", steps=(step(0), step(1))))
    database.close()
    return path


def folder_state(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


def test_a_new_database_is_whole_and_private(database: Database) -> None:
    assert database.problems() == ()
    assert database.journal_mode == "wal"
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("durable", "synchronous"), [(False, 1), (True, 2)]
)  # PRAGMA synchronous: 1 is NORMAL, 2 is FULL
def test_a_write_is_as_durable_as_asked(database: Database, durable: bool, synchronous: int) -> None:
    for _ in range(2):
        with database.write(durable=not durable):
            pass
        with database.write(durable=durable) as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == synchronous


@pytest.mark.parametrize("pragma", ["foreign_keys", "recursive_triggers"])
def test_every_connection_has_the_guards_on(database: Database, pragma: str) -> None:
    with database.read() as first, database.read() as second:
        for connection in (first, second):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == 1


def test_a_write_takes_the_lock_at_once(database: Database) -> None:
    other = sqlite3.connect(database.path, timeout=0, isolation_level=None)
    with database.write(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_reader_sees_one_state(database: Database) -> None:
    store = Trajectories(database)
    with database.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM trajectories").scalar_one()
        store.record(ended())
        assert connection.exec_driver_sql("SELECT count(*) FROM trajectories").scalar_one() == before


def test_an_exception_undoes_the_transaction(database: Database) -> None:
    def interrupted() -> None:
        with database.write() as connection:
            connection.exec_driver_sql("INSERT INTO events VALUES (1, 'one', '{}', 0)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with database.write() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one() == 0


def test_a_database_that_is_locked_for_too_long(tmp_path: Path) -> None:
    database = open_database(tmp_path / "metaclaw.db", busy_seconds=0.05)
    with database.write(), pytest.raises(StoreBusy, match="locked for too long"):
        Trajectories(database).begin(opened())
    database.close()


def test_threads_share_a_database(database: Database) -> None:
    store = Trajectories(database)

    def work() -> None:
        for _ in range(10):
            store.record(ended(steps=(step(0),)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts().trajectories == 80


def test_a_forked_child_gets_connections_of_its_own(database: Database) -> None:
    store = Trajectories(database)
    store.begin(opened("t1"))

    def work() -> None:
        store.append("t1", step(0))
        store.close("t1", StopReason.DONE)

    with database.read() as held:
        held.exec_driver_sql("SELECT 1")
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join(timeout=60)
    assert child.exitcode == 0
    assert store.get("t1").steps == (step(0),)
    assert database.problems() == ()


# Databases that are not as they should be


def test_a_newer_database_is_left_alone(filled: Path) -> None:
    bare = sqlite3.connect(filled)
    bare.execute(f"PRAGMA user_version = {latest() + 1}")
    bare.close()
    before = folder_state(filled)
    with pytest.raises(StoreNewer, match=r"pip install -U metaclaw-jlab"):
        open_database(filled)
    assert folder_state(filled) == before


@pytest.mark.parametrize("content", [b"# not a database\n" * 100, b"x", b"x" * 600, b"SQLite format 3\x00"])
def test_what_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "metaclaw.db"
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match=str(path)):
        open_database(path)
    assert folder_state(path) == {"metaclaw.db": content}


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "metaclaw.db"
    bare = sqlite3.connect(path)
    bare.execute("CREATE TABLE photos (name)")
    bare.close()
    before = folder_state(path)
    with pytest.raises(StoreDamaged, match="another program"):
        open_database(path)
    assert folder_state(path) == before


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_database_that_was_cut_off_is_named_and_kept(filled: Path, share: float) -> None:
    content = filled.read_bytes()
    filled.write_bytes(content[: int(len(content) * share)])
    before = folder_state(filled)
    with pytest.raises(StoreDamaged, match="Nothing was deleted"):
        open_database(filled)
    assert folder_state(filled)["metaclaw.db"] == before["metaclaw.db"]


def test_damage_inside_the_file_is_found_by_the_full_check_and_by_reading(filled: Path) -> None:
    content = bytearray(filled.read_bytes())
    for page in range(100, len(content) // 4096):  # behind the schema
        content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    filled.write_bytes(content)
    database = open_database(filled)
    assert database.problems()
    with pytest.raises(StoreDamaged, match=r"\.recover"):
        Trajectories(database).recent(200)
    database.close()


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "metaclaw.db"
    path.touch()
    assert open_database(path).problems() == ()


# A full disk


def record_until_full(database: Database) -> int:
    with database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")
    store = Trajectories(database)
    for number in range(1000):
        try:
            store.record(ended(f"t{number}", steps=(step(0), step(1))))
        except StoreFull:
            return number
    return 1000


def test_what_was_committed_before_the_disk_was_full_is_kept(database: Database) -> None:
    kept = record_until_full(database)
    assert 0 < kept < 1000
    assert Trajectories(database).counts().trajectories == kept
    assert database.problems() == ()


def test_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    assert "Free some space" in str(full(tmp_path / "metaclaw.db"))


def test_recording_goes_on_when_there_is_space_again(database: Database) -> None:
    record_until_full(database)
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    Trajectories(database).record(ended("later"))
    assert Trajectories(database).get("later").id == "later"


def test_an_input_output_error_on_a_full_disk_is_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    assert type(meaning(tmp_path / "metaclaw.db", error)) is StoreError
    monkeypatch.setattr(failures, "NO_SPACE", 1 << 80)
    assert type(meaning(tmp_path / "metaclaw.db", error)) is StoreFull


# A home that cannot be written


def test_a_read_only_home_opens_for_reading(as_nobody: Path) -> None:
    path = as_nobody / "metaclaw.db"
    database = open_database(path)
    Trajectories(database).record(ended("t1"))
    database.close()
    path.chmod(0o400)
    as_nobody.chmod(0o500)
    reader = open_database(path)
    assert not reader.writable
    assert Trajectories(reader).get("t1") == ended("t1")
    with pytest.raises(StoreReadOnly, match="METACLAW_HOME"):
        Trajectories(reader).record(ended("t2"))
    reader.close()


def test_a_database_cannot_be_made_in_a_read_only_home(as_nobody: Path) -> None:
    as_nobody.chmod(0o500)
    with pytest.raises(StoreReadOnly, match=r"metaclaw\.db"):
        open_database(as_nobody / "metaclaw.db")


def test_an_older_database_in_a_read_only_home_says_that_it_has_to_be_migrated(as_nobody: Path) -> None:
    path = as_nobody / "metaclaw.db"
    path.touch(mode=0o400)
    as_nobody.chmod(0o500)
    with pytest.raises(StoreReadOnly, match="migrated"):
        open_database(path)


def test_a_missing_folder_is_an_error_with_a_path(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnly, match="nowhere"):
        open_database(tmp_path / "nowhere" / "metaclaw.db")


def test_a_file_system_without_wal_is_logged_and_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A file layer without shared memory, as that of a network file system may be.
    with caplog.at_level(logging.WARNING):
        database = open_database(tmp_path / "metaclaw.db", vfs="unix-dotfile")
    assert database.journal_mode == "delete"
    assert "write-ahead log" in caplog.text
    Trajectories(database).record(ended("t1"))
    assert Trajectories(database).get("t1") == ended("t1")
    database.close()


def test_other_errors_of_the_library_are_not_renamed(database: Database) -> None:
    with pytest.raises(sqlalchemy.exc.InvalidRequestError), database.write() as connection:
        connection.begin()


def test_a_constraint_is_an_invariant(database: Database) -> None:
    with pytest.raises(InvariantViolation, match="rule of the schema"), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO events VALUES (1, NULL, '{}', 0)")

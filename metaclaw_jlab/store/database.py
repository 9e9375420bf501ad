"""Opening the database, and transactions on it. Whatever SQLite says is told as an error with a next step."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from metaclaw_jlab.core.errors import StoreDamaged, StoreNewer
from metaclaw_jlab.store.failures import damaged, full, read_only, translated
from metaclaw_jlab.store.migrations import latest, migrate
from metaclaw_jlab.store.schema import APPLICATION_ID

logger = logging.getLogger(__name__)

BUSY_SECONDS = 30.0
RETRY_SECONDS = 0.02
MAGIC = b"SQLite format 3\x00"
SMALLEST = 512  # bytes of the smallest page

# Execution options of a connection, read when its transaction begins.
BEGIN = "metaclaw_begin"
SYNCHRONOUS = "metaclaw_synchronous"


class Database:
    """An open database. Threads may share it; a forked child gets connections of its own."""

    def __init__(self, path: Path, engine: Engine, *, writable: bool, journal_mode: str) -> None:
        self.path = path
        self.engine = engine
        self.writable = writable
        self.journal_mode = journal_mode

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. Raises StoreDamaged, StoreBusy."""
        with translated(self.path), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that is committed at its end; an exception in it undoes it.

        `durable`: it outlives a loss of power too, not only of the process. Raises InvariantViolation, StoreFull,
        StoreReadOnly, StoreBusy, StoreDamaged.
        """
        if not self.writable:
            raise read_only(self.path)
        options = {BEGIN: "BEGIN IMMEDIATE", SYNCHRONOUS: "FULL" if durable else "NORMAL"}
        with (
            translated(self.path),
            self.engine.connect() as connection,
            connection.execution_options(**options).begin(),
        ):
            yield connection

    def problems(self) -> tuple[str, ...]:
        """What a full check of the file finds; reads all of it."""
        try:
            with self.read() as connection:
                found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        except StoreDamaged as error:
            return (error.cause,)
        told = [] if found == ["ok"] else found
        return (
            *told,
            *(f"A row of {row[0]} refers to a row of {row[2]} that is not there." for row in broken),
        )

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()
        _open.discard(self)


_open: weakref.WeakSet[Database] = weakref.WeakSet()
_opening = threading.RLock()


def _renew_in_child() -> None:
    global _opening
    _opening = threading.RLock()
    for database in _open:
        database.engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_in_child)


def open_database(path: Path, *, busy_seconds: float = BUSY_SECONDS, vfs: str | None = None) -> Database:
    """Open a database, make it where it is missing, migrate it where it is older; nothing is ever deleted.

    Where it cannot be written it opens for reading. `vfs` names another of SQLite's file layers. Raises StoreNewer,
    StoreDamaged, StoreFull, StoreReadOnly, StoreBusy.
    """
    path = path.absolute()
    with _opening, translated(path):
        writable = _make_ready(path)
        uri = _uri(path, writable, vfs)
        if not _opened_here(path):
            _check_beginning(path)
        _check_identity(path, uri)
        engine = _engine(uri, busy_seconds)
        try:
            mode = _retried(lambda: _bring_up(path, engine, writable), busy_seconds)
        except BaseException:
            engine.dispose()
            raise
        database = Database(path, engine, writable=writable, journal_mode=mode)
        _open.add(database)
    return database


def _opened_here(path: Path) -> bool:
    """Whether this process has the database open, under whatever name."""
    return any(_same_file(other.path, path) for other in tuple(_open))


def _same_file(one: Path, other: Path) -> bool:
    try:
        return _size(one) > 0 and os.path.samefile(one, other)
    except PermissionError:
        # One of them lies where this user may not look, the other one was just found.
        return False


def _make_ready(path: Path) -> bool:
    """Make the file where it is missing, readable by its owner only; say whether it can be written."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        effective = os.access in os.supports_effective_ids
        return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent))
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise full(path) from error
        raise read_only(path, str(error.strerror)) from error
    return True


def _uri(path: Path, writable: bool, vfs: str | None) -> str:
    options = "mode=rw" if writable else "mode=ro"
    unused = not _size(path.with_name(path.name + "-wal")) and not _size(path.with_name(path.name + "-shm"))
    if not writable and unused:
        # Nobody else has it open. A reader that cannot make a -shm file needs to be told so.
        options += "&immutable=1"
    return f"file:{quote(str(path))}?{options}" + (f"&vfs={quote(vfs)}" if vfs else "")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _check_beginning(path: Path) -> None:
    """Only while this process has not opened the database: to close any descriptor of a file lets go of all the locks
    that the process has on it, and another one could then take away a log that is in use."""
    with path.open("rb") as file:
        head = file.read(SMALLEST)
    if head and (len(head) < SMALLEST or not head.startswith(MAGIC)):
        # SQLite would take a very short file for a new database.
        raise damaged(path, "it is not a database")


def _check_identity(path: Path, uri: str) -> None:
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        # One moment for all of it: another process may be making the database just now.
        connection.execute("BEGIN")
        application, version, tables, pages, page_size = (
            connection.execute(query).fetchone()[0]
            for query in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
                "PRAGMA page_count",
                "PRAGMA page_size",
            )
        )
    # SQLite itself does not notice a last page that is there in part. The log may hold what the file lacks, and is
    # looked at first, because it goes into the file when the last of the others closes it.
    logged = _size(path.with_name(path.name + "-wal"))
    if not logged and path.stat().st_size < pages * page_size:
        raise damaged(path, "its end is missing")
    if tables and application != APPLICATION_ID:
        raise damaged(path, "it is a database of another program")
    if version > latest():
        raise StoreNewer(
            f"{path} was written by a newer version (schema {version}, this one knows {latest()}).",
            "Upgrade with: pip install -U metaclaw-jlab. Nothing was changed.",
        )


def _engine(uri: str, busy_seconds: float) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA recursive_triggers = ON")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, max_overflow=-1)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        driver = connection.connection.driver_connection
        assert driver is not None
        # It cannot be set inside a transaction, and a pooled connection remembers it.
        driver.execute(f"PRAGMA synchronous = {options.get(SYNCHRONOUS, 'NORMAL')}")
        driver.execute(options.get(BEGIN, "BEGIN"))

    return engine


def _bring_up(path: Path, engine: Engine, writable: bool) -> str:
    """Set the journal mode and migrate; returns the journal mode."""
    with closing(engine.raw_connection()) as raw:
        cursor = raw.cursor()
        version = cursor.execute("PRAGMA user_version").fetchone()[0]
        mode = str(cursor.execute("PRAGMA journal_mode").fetchone()[0])
        if writable and mode != "wal":
            mode = str(cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0])
            if mode != "wal":
                logger.warning(
                    "%s: SQLite's write-ahead log does not work in this file system (journal mode %r). The store "
                    "works, more slowly; keep the home folder on a local disk.",
                    path,
                    mode,
                )
    if version < latest():
        if not writable:
            raise read_only(path, "and is of an older version, which has to be migrated first")
        options = {BEGIN: "BEGIN EXCLUSIVE", SYNCHRONOUS: "FULL"}
        with engine.connect() as connection, connection.execution_options(**options).begin():
            migrate(connection, APPLICATION_ID)
    return mode


def _retried(action: Callable[[], str], seconds: float) -> str:
    """Switching to WAL does not wait for others by itself: ask again until it is our turn."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(RETRY_SECONDS)

"""Events of a home on Jupyter's event bus: what was logged, that something moved on, what the scheduler does.

Every subscriber of the bus gets them, so that they hold ids and numbers only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.jupyter.server.ablation_watch import AblationWatch
from metaclaw_jlab.runtime.home import Home

if TYPE_CHECKING:
    from metaclaw_jlab.core.schedule import View
    from metaclaw_jlab.jupyter.server.host import Host
    from metaclaw_jlab.store.database import Database

HAPPENED = "urn:metaclaw-jlab:happened:v1"
MOVED = "urn:metaclaw-jlab:moved:v1"
SCHEDULE = "urn:metaclaw-jlab:schedule:v1"
SCHEMAS = Path(__file__).parent / "event_schemas"
LOOK_SECONDS = 0.12
SETTINGS_FILE = "config.toml"
AT_ONCE = 100  # entries of the log that are sent at one look
INDEX_HEADER = 48  # bytes of SQLite's index of its write-ahead log that are another after every commit

Emit = Callable[[str, Mapping[str, Any]], None]


def register(event_logger: Any) -> Emit:
    """Make the schemas known to Jupyter's event logger; what emits an event of one of them."""
    for path in sorted(SCHEMAS.glob("*.yaml")):
        event_logger.register_event_schema(path)

    def emit(schema: str, data: Mapping[str, Any]) -> None:
        event_logger.emit(schema_id=schema, data=dict(data))

    return emit


def schedule_of(view: View) -> dict[str, Any]:
    """The numbers of what the scheduler knows."""
    return {
        "at": view.at,
        "state": view.state.value,
        "window": view.window.number if view.window is not None else 0,
        "run": (view.conducting.run or 0) if view.conducting is not None else 0,
        "paused": view.pause is not None,
        "next_window": view.next_window,
    }


class ScheduleEvents:
    """Tells what the scheduler does, where that differs from what was told last."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._told: dict[str, Any] = {}

    def changed(self, view: View) -> None:
        """Called on the event loop."""
        now = schedule_of(view)
        if {**self._told, "at": now["at"]} != now:
            self._told = now
            self._emit(SCHEDULE, now)


class Tail:
    """Reads what is new in a home. Only a change of its files is worth a look into it."""

    def __init__(self) -> None:
        self._database: Database | None = None
        self._files: tuple[object, ...] = ()
        self._number = 0
        self._changes = 0
        self._ablations: AblationWatch | None = None

    def stale(self, database: Database) -> bool:
        """Whether there is something to look at. Cheap: times of three files, and a few bytes. Raises OSError."""
        if database is not self._database or _files(database.path) != self._files:
            return True
        return self._ablations is not None and self._ablations.due()

    def look(self, database: Database) -> Iterator[tuple[str, dict[str, Any]]]:
        """The new events with their schemas; the first look at a database tells none. Raises StoreError, OSError."""
        from metaclaw_jlab.inspection.pulse import pulse
        from metaclaw_jlab.store.events import Events

        # What is written from here on changes the files again.
        files, log = _files(database.path), Events(database)
        if database is not self._database or self._ablations is None:
            self._number = log.latest()
            self._database, self._files = database, files
            self._ablations = AblationWatch(Home(database.path.parent))
            self._ablations.look()
            return
        if not self._ablations.look() and files == self._files:
            return
        found = log.after(self._number, AT_ONCE)
        for event in found:
            self._number = event.number
            yield HAPPENED, asdict(event)
        now = pulse(database)
        self._changes += 1
        yield MOVED, {"change": self._changes, **asdict(now), "ablations": self._ablations.changes}
        if len(found) < AT_ONCE:
            self._files = files


async def follow(host: Host, emit: Emit, pool: Executor, log: Any, seconds: float = LOOK_SECONDS) -> None:
    """Emit what is new in the home of this server, until it is cancelled."""
    tail, loop, told = Tail(), asyncio.get_running_loop(), ""
    while True:
        try:
            database = host.workspace.database()
            if tail.stale(database):
                for schema, data in await loop.run_in_executor(pool, _looked, tail, database):
                    emit(schema, data)
            told = ""
        except (MetaclawError, OSError) as error:
            # The home may be gone, and come again.
            if str(error) != told:
                told = str(error)
                log.warning("metaclaw: no events: %s", error)
        except Exception:  # the loop's boundary: it goes on
            log.exception("metaclaw: an event could not be sent")
        await asyncio.sleep(seconds)


def _looked(tail: Tail, database: Database) -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple(tail.look(database))


def _files(path: Path) -> tuple[object, ...]:
    """What tells that a home was written to: size and time of its database, of the log of that, and of its settings.

    A commit is written to the log, and perhaps waits long for the disk, before others see it: who looks between
    these misses it. What lets them see it is the index of the log, so its header counts as well.
    """
    found: list[object] = [_index_header(path.with_name(path.name + "-shm"))]
    for file in (path, path.with_name(path.name + "-wal"), path.with_name(SETTINGS_FILE)):
        try:
            status = file.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def _index_header(path: Path) -> bytes:
    """The header of the index of a write-ahead log (sqlite.org/walformat.html, section 2.1); empty without one."""
    try:
        with path.open("rb") as file:
            return file.read(INDEX_HEADER)
    except FileNotFoundError:
        return b""

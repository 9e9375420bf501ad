"""The versions of a local model: which one answers, which ones are loaded, and which ones were refused.

What the store says decides; how a version is loaded, and what is held of it then, is each runtime's own.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.errors import AdapterRefused, ModelUnusable, RequestInvalid
from metaclaw_jlab.engines.adapter_card import CARD, CONFIG, WEIGHTS

if TYPE_CHECKING:
    from metaclaw_jlab.runtime.home import Home
    from metaclaw_jlab.store.database import Database

_log = logging.getLogger(__name__)
WATCH_SECONDS = 1.0
LAST_SECONDS = 1.0  # for a look at the store that is under way when the server ends
SPARE = 2
RETRY_SECONDS = 60.0  # what kept a version from loading may pass: too little memory does
FALLBACKS = 20  # how many of those that served before are tried where the newest is refused
Stamp = tuple[tuple[int, int], ...]
Held = TypeVar("Held")
HeldOnce = TypeVar("HeldOnce", covariant=True)


class Bank(Protocol[HeldOnce]):
    """What holds the loaded versions, by their keys. Any thread may call."""

    def get(self, name: str) -> HeldOnce | None:
        """What is loaded under this key."""

    @property
    def names(self) -> tuple[str, ...]:
        """The keys of what is loaded."""

    def unload(self, name: str) -> None:
        """Let it go; requests that have it keep it to their ends."""


@dataclass(frozen=True, slots=True)
class Chosen(Generic[Held]):
    """What answers a request: the name that the response tells, and the version, None for the base alone."""

    name: str
    adapter: Held | None


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    stamp: Stamp
    may_pass: bool
    at: float = field(default_factory=time.monotonic)

    def over(self, stamp: Stamp) -> bool:
        """Whether to try again: the files have changed, or it is a while ago and lay in the machine."""
        return self.stamp != stamp or (self.may_pass and time.monotonic() - self.at >= RETRY_SECONDS)


@dataclass(frozen=True, slots=True)
class _Published:
    """What the store knows of versions: checksums of those that may serve, and what the others are."""

    sha256: dict[int, str]
    status: dict[int, AdapterStatus]


class ServedVersions(ABC, Generic[Held]):
    """The versions of a server.

    `base` is the name that the model is served under. `idle` says whether a moment's work would keep nobody waiting;
    `spare` is how many versions stay loaded although nobody needs them now. Any thread may call.
    """

    def __init__(
        self,
        home: Home,
        base: str,
        bank: Bank[Held],
        idle: Callable[[], bool] = lambda: True,
        spare: int = SPARE,
    ) -> None:
        self.base = base
        self._home = home
        self._bank = bank
        self._idle = idle
        self._spare = spare
        self._work = threading.RLock()  # one at a time looks at the store and loads
        self._database: Database | None = None
        self._wanted: int | None = None
        self._serving: tuple[int, Held] | None = None
        self._published = _Published({}, {})
        self._refused: dict[int, _Refusal] = {}
        self._pinned: frozenset[int] = frozenset()
        self._uses = itertools.count()
        self._used: dict[int, int] = {}
        self._ending = threading.Event()
        self._watcher: threading.Thread | None = None

    # ---------------------------------------------------------------- requests

    def chosen(self, model: str) -> Chosen[Held] | None:
        """What answers to a model's name, at once; None where a version must be loaded first. Raises RequestInvalid."""
        version = self._version(model)
        if version is None:
            serving = self._serving
            return Chosen(self._name(serving[0]), serving[1]) if serving else Chosen(self.base, None)
        if version == 0:
            return Chosen(self._name(0), None)
        adapter = self._bank.get(key(version))
        if adapter is None:
            return None
        self._used[version] = next(self._uses)
        return Chosen(self._name(version), adapter)

    def fetched(self, model: str) -> Chosen[Held]:
        """The same, loading the version where it is published. Raises RequestInvalid, StoreError."""
        while (found := self.chosen(model)) is None:
            version = self._version(model)
            assert version is not None
            with self._work:
                self._look_up()
                try:
                    self._load(version)
                except AdapterRefused as error:
                    raise self._unknown(
                        f"Version {version} of {self.base} cannot be served. {error}"
                    ) from error
        return found

    def check(self, model: str) -> None:
        """Raise RequestInvalid where no request could have this model."""
        version = self._version(model)
        if version and version not in self.versions:
            raise self._unknown(f"There is no version {version} of {self.base}.")

    def _version(self, model: str) -> int | None:
        """The version that a name pins, None where it pins none."""
        if model == self.base:
            return None
        base, mark, version = model.rpartition("@v")
        if mark and base == self.base and version.isdecimal() and version.isascii() and len(version) < 10:
            return int(version)
        raise self._unknown(f"The model {model} is not served here.")

    def _unknown(self, cause: str) -> RequestInvalid:
        known = [self.base, *(self._name(version) for version in self.versions[:3])]
        step = (
            f"Ask for {known[0]}." if len(known) == 1 else f"Ask for {', '.join(known[:-1])} or {known[-1]}."
        )
        return RequestInvalid(cause, step, status=404, param="model", code="model_not_found")

    def _name(self, version: int) -> str:
        return f"{self.base}@v{version}"

    # ---------------------------------------------------------------- what there is

    @property
    def serving(self) -> int | None:
        """The version that answers to the base's name, None where the base itself does."""
        return self._serving[0] if self._serving else None

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions that a request may name, the newest first."""
        published = {version for version in self._published.sha256 if version not in self._refused}
        return tuple(sorted(published | self._loaded(), reverse=True))

    def report(self) -> dict[str, Any]:
        """What is loaded, what serves, what the store wants to serve, and what was refused."""
        pinned = self._pinned
        return {
            "base": self.base,
            "serving": self.serving,
            "wanted": self._wanted,
            "loaded": [
                {"version": version, "model": self._name(version), "pinned": version in pinned}
                for version in sorted(self._loaded())
            ],
            "refused": [
                {"version": version, "reason": refusal.reason}
                for version, refusal in sorted(self._refused.copy().items())
            ],
        }

    def _loaded(self) -> set[int]:
        return {int(name.removeprefix("v")) for name in self._bank.names if name.startswith("v")}

    # ---------------------------------------------------------------- the store

    def refresh(self, *, again: bool = False) -> None:
        """Serve what the store says now. With `again` refused versions are tried again. Raises StoreError."""
        with self._work:
            if again:
                self._refused.clear()
            if not self._look_up():
                return
            self._serve(self._pick())
            if loaded := self._loaded():
                assert self._database is not None
                self._pinned = _of_open_trajectories(self._database)
                self._let_go(loaded)

    def give_up(self, version: int, reason: str) -> None:
        """Serve without a loaded version that turned out not to run; it is refused for a while."""
        with self._work:
            self._refused[version] = _Refusal(reason, _stamp(self._folder(version)), may_pass=True)
            if self.serving == version:
                self._serving = None
            self._bank.unload(key(version))
            _log.warning("version %d is given up: %s", version, reason)

    def watch(self) -> None:
        """Refresh once a second, on a thread of its own, until `close`."""
        self._watcher = threading.Thread(target=self._watch, name="adapters", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """End the watching, and let go of the store."""
        self._ending.set()
        if self._watcher is not None:
            self._watcher.join(LAST_SECONDS)
        with self._work:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _watch(self) -> None:
        said = ""
        while not self._ending.wait(WATCH_SECONDS):
            try:
                self.refresh()
                said = ""
            except Exception as error:  # noqa: BLE001 - the server outlives a store that is gone or locked
                if str(error) != said:
                    said = str(error)
                    _log.warning("cannot look for adapters: %s", said)

    def _look_up(self) -> bool:
        """Read what the store knows; false where no adapter was ever published, and the store need not be opened."""
        database = self._opened()
        if database is None:
            return False
        from metaclaw_jlab.store.adapters import Adapters
        from metaclaw_jlab.store.serving import Serving

        known = {one.version: one for one in Adapters(database).recent(1000)}
        self._published = _Published(
            {
                version: one.sha256
                for version, one in known.items()
                if one.status in {AdapterStatus.PROMOTED, AdapterStatus.FORCED}
                and self._folder(version).is_dir()
            },
            {version: one.status for version, one in known.items()},
        )
        self._wanted = Serving(database).current()
        for version, refusal in list(self._refused.items()):
            if refusal.over(_stamp(self._folder(version))):
                del self._refused[version]
        return True

    def _opened(self) -> Database | None:
        """The store, once there is anything to look for in it.

        Importing it takes the interpreter's lock for a third of a second: done when nobody waits as soon as a training
        has left a candidate, so that it is there by the time that one is promoted.
        """
        if self._database is not None:
            return self._database
        adapters = self._home.adapters
        published = any(path.name[1:].isdecimal() for path in adapters.glob("v*"))
        if not self._home.database.is_file():
            return None
        if not published and not ((adapters / "candidates").is_dir() and self._idle()):
            return None
        from metaclaw_jlab.store.database import open_database

        self._database = open_database(self._home.database)
        return self._database

    def _pick(self) -> tuple[int, Held] | None:
        """The newest version in the history of what served that is not refused; None is the base."""
        if self._wanted is None:
            return None
        from metaclaw_jlab.store.serving import Serving

        assert self._database is not None
        if self._serving is not None and self._serving[0] == self._wanted:
            return self._serving
        for served in Serving(self._database).history(FALLBACKS):
            if served.version is None:
                return None
            try:
                return served.version, self._load(served.version)
            except AdapterRefused:
                continue
        return None

    def _serve(self, picked: tuple[int, Held] | None) -> None:
        if picked != self._serving:
            self._serving = picked
            _log.info("serving %s", self._name(picked[0]) if picked else self.base)

    def _load(self, version: int) -> Held:
        """The adapter of a version, from the memory or its folder. Raises AdapterRefused, and remembers why."""
        loaded = self._bank.get(key(version))
        if loaded is not None:
            return loaded
        refused = self._refused.get(version)
        if refused is not None:
            raise AdapterRefused(refused.reason)
        stamp = _stamp(self._folder(version))
        sha256 = self._published.sha256.get(version)
        try:
            if sha256 is None:
                raise AdapterRefused(self._why_not(version))
            loaded = self._read(version, sha256)
        except (AdapterRefused, ModelUnusable) as error:
            if version in self._published.status:
                self._refused[version] = _Refusal(str(error), stamp, isinstance(error, ModelUnusable))
                _log.warning("version %d is refused: %s", version, error)
            raise AdapterRefused(error.cause, error.next_step) from error
        self._used[version] = next(self._uses)
        return loaded

    @abstractmethod
    def _read(self, version: int, sha256: str) -> Held:
        """Load a published version under `key(version)` into the bank. Raises AdapterRefused, ModelUnusable."""

    def _why_not(self, version: int) -> str:
        status = self._published.status.get(version)
        if status in {AdapterStatus.PROMOTED, AdapterStatus.FORCED}:
            return f"Its folder {self._folder(version)} is gone."
        if status is AdapterStatus.CANDIDATE:
            return "It is a candidate, which serves nobody before its gate has passed."
        if status is AdapterStatus.REJECTED:
            return "It was rejected."
        return "There is no such version."

    def _let_go(self, loaded: set[int]) -> None:
        """Unload what neither serves, nor is pinned by an open trajectory, nor was used lately."""
        needed = self._pinned | {self._serving[0] if self._serving else 0}
        spare = sorted(loaded - needed, key=lambda version: self._used.get(version, -1))
        for version in spare[: max(0, len(spare) - self._spare)]:
            self._bank.unload(key(version))
            self._used.pop(version, None)
            _log.info("unloaded %s", self._name(version))

    def _folder(self, version: int) -> Path:
        return self._home.adapters / key(version)


def key(version: int) -> str:
    """What a version is called, in the bank and on disk."""
    return f"v{version}"


def _stamp(folder: Path) -> Stamp:
    """What changes when an adapter's folder is repaired."""
    found = []
    for name in (CARD, CONFIG, WEIGHTS):
        try:
            status = (folder / name).stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((status.st_size, status.st_mtime_ns))
    return tuple(found)


def _of_open_trajectories(database: Database) -> frozenset[int]:
    """The versions that trajectories which have not ended are stamped with."""
    from sqlalchemy import select

    from metaclaw_jlab.store.schema import trajectories

    query = (
        select(trajectories.c.adapter)
        .where(trajectories.c.stop.is_(None), trajectories.c.adapter.is_not(None))
        .distinct()
    )
    with database.read() as connection:
        return frozenset(connection.execute(query).scalars())

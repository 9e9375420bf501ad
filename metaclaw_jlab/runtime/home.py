"""The home folder: everything that is kept lies in it, and its processes find each other through it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import HomeRefused, MetaclawError, StoreFull, StoreReadOnly

VARIABLE = "METACLAW_HOME"
ID_FILE = "home.id"
NAMESPACES = "namespaces"
OWN_NAMES = frozenset(
    {
        ID_FILE,
        "metaclaw.db",
        "metaclaw.db-wal",
        "metaclaw.db-shm",
        "skills",
        "adapters",
        "models",
        "runtime",
        "config.toml",
        "runs",
        NAMESPACES,
    }
)
NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Home:
    """A home folder and where things lie in it."""

    path: Path

    @property
    def database(self) -> Path:
        """The store's database file."""
        return self.path / "metaclaw.db"

    @property
    def skills(self) -> Path:
        """The working copy of the current skill generation."""
        return self.path / "skills"

    @property
    def adapters(self) -> Path:
        """Weights, one folder `v<N>` a version."""
        return self.path / "adapters"

    @property
    def runtime(self) -> Path:
        """Sockets, pids, leases, logs: nothing in it is worth keeping."""
        return self.path / "runtime"

    @property
    def config(self) -> Path:
        """The configuration file; a namespace has that of its home."""
        return self.root / "config.toml"

    @property
    def root(self) -> Path:
        """The home folder that this one is a namespace of; itself where it is none."""
        outer = self.path.parent.parent
        within = self.path.parent.name == NAMESPACES and (outer / ID_FILE).is_file()
        return outer if within else self.path

    @property
    def namespace(self) -> str:
        """The name of the namespace, "" for a home that is none."""
        return "" if self.root == self.path else self.path.name

    @property
    def namespaces(self) -> Path:
        """Homes of their own, one folder a namespace, which have the configuration of this one."""
        return self.path / NAMESPACES

    @property
    def id(self) -> str:
        """Random id of this home, by which two processes tell whether they share it."""
        try:
            return (self.path / ID_FILE).read_text(encoding="ascii").strip()
        except OSError as error:
            raise HomeRefused(
                f"{self.path} is not a home folder: its file {ID_FILE} cannot be read ({error.strerror}).",
                f"Point {VARIABLE} at a home folder, or at a new one.",
            ) from error


def default_path() -> Path:
    """$METACLAW_HOME, else the user's data folder."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("metaclaw", appauthor=False)


def open_home(path: Path | None = None) -> Home:
    """The home folder, made (mode 0700) where it is missing.

    A home that cannot be written opens too, for reading. Raises HomeRefused, StoreReadOnly, StoreFull.
    """
    home = Home((path or default_path()).expanduser().absolute())
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise HomeRefused(
            f"{home.path} is a file, not a folder.", f"Move it away, or point {VARIABLE} elsewhere."
        ) from error
    except OSError as error:
        raise home_error(home.path, error) from error
    _check_owner(home.path)
    if not (home.path / ID_FILE).exists():
        _furnish(home)
    return home


def _furnish(home: Home) -> None:
    try:
        for folder in (home.skills, home.adapters, home.runtime):
            folder.mkdir(mode=0o700, exist_ok=True)
        _name(home)
    except OSError as error:
        raise home_error(home.path, error) from error


def _name(home: Home) -> None:
    draft = home.path / f".{ID_FILE}.{secrets.token_hex(4)}"
    try:
        write_private(draft, secrets.token_hex(16) + "\n")
        # A link fails where the file exists: of two processes that furnish one home, the first names it.
        os.link(draft, home.path / ID_FILE)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in NO_LINKS or not draft.exists():
            raise
        draft.rename(home.path / ID_FILE)
    finally:
        draft.unlink(missing_ok=True)


def home_error(path: Path, error: OSError) -> MetaclawError:
    """What an error of the system on the home folder means to the user."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFull(
            f"There is no space left for the home folder {path}.",
            f"Free some space, or point {VARIABLE} at another disk.",
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StoreReadOnly(
            f"The home folder {path} cannot be written ({error.strerror}).",
            f"Point {VARIABLE} at a folder that you may write.",
        )
    return HomeRefused(
        f"The home folder {path} cannot be used ({error.strerror}).", f"Point {VARIABLE} at another folder."
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; the text is on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def replace_private(path: Path, text: str) -> None:
    """Write a private file so that a reader sees the old text or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_private(draft, text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _check_owner(path: Path) -> None:
    if not hasattr(os, "geteuid"):
        return
    status = path.stat()
    if status.st_uid != os.geteuid():
        raise HomeRefused(
            f"The home folder {path} belongs to another user (uid {status.st_uid}).",
            f"Point {VARIABLE} at a folder of your own.",
        )
    if not status.st_mode & OPEN_TO_OTHERS:
        return
    try:
        strangers = sorted({entry.name for entry in path.iterdir()} - OWN_NAMES)
        if strangers:
            raise HomeRefused(
                f"The folder {path} can be read by other users and holds other things ({strangers[0]!r}).",
                f"Point {VARIABLE} at a folder of its own, or close this one: chmod 700 {path}",
            )
        path.chmod(0o700)
    except OSError as error:
        if error.errno == errno.EROFS:
            return
        raise HomeRefused(
            f"The home folder {path} can be read by other users and cannot be closed ({error.strerror}).",
            f"Close it yourself: chmod 700 {path}",
        ) from error

"""One TOML document of settings on disk: read whole, written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import ConfigError, MetaclawError, StoreFull, StoreReadOnly

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_FULL = (errno.ENOSPC, errno.EDQUOT)


def read(path: Path) -> dict[str, object]:
    """The tables of a file, {} where there is none. Raises ConfigError with line and column where it is no TOML."""
    return _parsed(path, _text(path))


def edit(path: Path, change: Callable[[TOMLDocument], None]) -> None:
    """Read, change and write a file, comments and order kept, mode 0600. What `change` raises leaves it as it was.

    Raises ConfigError, StoreFull, StoreReadOnly.
    """
    import tomlkit

    target = path.resolve()
    with _exclusive(target):
        text = _text(target)
        _parsed(target, text)
        document = tomlkit.parse(text)
        change(document)
        changed = tomlkit.dumps(document)
        if tomllib.loads(changed) != document.unwrap():  # rare layouts are beyond the editor
            raise ConfigError(f"{target} is laid out so that it cannot be changed here.", "Edit it by hand.")
        _write(target, changed)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not UTF-8 (byte {error.start}).", "Save it as UTF-8; nothing was changed."
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}).", "Make it a file that you may read."
        ) from error


def _parsed(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem, line, column = _place(str(error), text)
        raise ConfigError(
            f"{path}, line {line}, column {column}: {problem}.", "Mend that line; nothing was changed."
        ) from None


def _place(message: str, text: str) -> tuple[str, int, int]:
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    lines = text.split("\n")
    if place is None:
        return message, len(lines), len(lines[-1]) + 1
    problem = message[: place.start()]
    if place[1] is None:
        return problem, len(lines), len(lines[-1]) + 1
    return problem, int(place[1]), int(place[2])


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """One editor at a time, so that none loses what another wrote. The lock is on the folder: no file is left over."""
    with _as_store_error(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    try:
        with suppress(ImportError, OSError):  # no such locks on Windows and on some network drives
            import fcntl

            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(path: Path, text: str) -> None:
    with _as_store_error(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def _as_store_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _store_error(path, error) from error


def _store_error(path: Path, error: OSError) -> MetaclawError:
    if error.errno in _FULL:
        return StoreFull(
            f"The disk under {path.parent} is full; {path.name} is as it was.",
            "Free some space and try again.",
        )
    return StoreReadOnly(
        f"{path} cannot be written ({error.strerror}).", "Check the owner and mode of its folder."
    )

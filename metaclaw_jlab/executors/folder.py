"""Reads and writes a folder's files under a cap, without following a link out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from metaclaw_jlab.core.errors import ExecutorError, WorkingFolderTooLarge

MAX_ENTRIES = 20_000
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def read_folder(root: Path, cap_bytes: int) -> dict[str, bytes]:
    """The regular files of a folder by relative path; folders that hold nothing end in "/".

    Links, pipes, sockets and devices are left out. Stops at the cap: a folder of any size is refused quickly.
    Raises WorkingFolderTooLarge.
    """
    sizes: dict[str, int] = {}
    total = 0
    for number, (path, size) in enumerate(_entries(root)):
        total += size
        if total > cap_bytes or number >= MAX_ENTRIES:
            raise too_large(str(root), cap_bytes)
        sizes[path] = size
    files = {path: b"" if path.endswith("/") else read_file(root / path, cap_bytes) for path in sorted(sizes)}
    contents = {path: data for path, data in files.items() if data is not None}
    if sum(map(len, contents.values())) > cap_bytes:
        raise too_large(str(root), cap_bytes)
    return contents


def read_file(path: Path, cap_bytes: int) -> bytes | None:
    """At most one byte more than the cap of a regular file, no link; None where it is none or can't be read."""
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return file.read(cap_bytes + 1)


def write_folder(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files by relative path; a path that ends in "/" is an empty folder. Raises OSError."""
    made: set[Path] = {root}
    for path, data in files.items():
        target = root / path
        folder = target if path.endswith("/") else target.parent
        if folder not in made:
            folder.mkdir(parents=True, exist_ok=True)
            made.add(folder)
        if not path.endswith("/"):
            target.write_bytes(data)


def checked_path(path: str) -> str:
    """A relative path as it is. Raises ExecutorError for one that leads out of the folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise ExecutorError(
            f"{path!r} is no place inside a sandbox's folder.", "Use a relative path without '..'."
        )
    return path


def too_large(name: str, cap_bytes: int) -> WorkingFolderTooLarge:
    """The error of a folder over the cap, in words."""
    return WorkingFolderTooLarge(
        f"The folder {name} holds more than {cap_bytes / 1e6:.0f} MB or {MAX_ENTRIES} files.",
        "Work in a smaller folder, name the files that the task needs, or raise sandbox.working_folder_mb.",
    )


def _entries(root: Path) -> Iterator[tuple[str, int]]:
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            found = os.scandir(root / prefix)
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            continue
        empty = bool(prefix)
        with found:
            for entry in found:
                empty = False
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path + "/")
                elif entry.is_file(follow_symlinks=False):
                    yield path, entry.stat(follow_symlinks=False).st_size
        if empty:
            yield prefix, 0

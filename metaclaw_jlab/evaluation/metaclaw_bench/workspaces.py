"""The workspace of a day: copied afresh, and made what a sandbox left."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path


def is_day_folder(name: str) -> bool:
    """Whether a folder of the shared workspace belongs to one day."""
    return re.fullmatch(r"day\d+", name) is not None


def copy_workspace(shared: Path, day: str, target: Path) -> None:
    """Copy the files of a day and those of all days; the folders of other days stay behind. Raises OSError."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(shared.iterdir()):
        if path.is_dir():
            if path.name == day or not is_day_folder(path.name):
                shutil.copytree(path, target / path.name)
        else:
            shutil.copy2(path, target / path.name)


def take_over(files: Mapping[str, bytes], workspace: Path) -> None:
    """Make the files of a workspace these. One that did not change keeps its time and mode. Raises OSError."""
    for path in sorted(workspace.rglob("*"), reverse=True):
        name = path.relative_to(workspace).as_posix()
        if path.is_dir() and not path.is_symlink():
            if name in files:
                shutil.rmtree(path)  # a file has its place now, and what was in it is gone
        elif name not in files:
            path.unlink()
    for name, data in files.items():
        path = workspace / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

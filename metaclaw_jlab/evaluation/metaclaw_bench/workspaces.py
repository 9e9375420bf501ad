"""The workspace that a day starts with, copied afresh."""

from __future__ import annotations

import re
import shutil
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

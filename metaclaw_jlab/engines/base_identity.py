"""Which base model this is: a hash over its files, by which an adapter knows the weights that it was trained on."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import ModelUnusable

if TYPE_CHECKING:
    from metaclaw_jlab.runtime.home import Home

CONFIG = "config.json"
_CHUNK = 1 << 20
Stamp = tuple[tuple[str, int, int], ...]  # name, size and time of change of each file


def base_sha256(model: Path | str) -> str:
    """SHA-256 over the names and hashes of a model's weight files and config.json, in hexadecimal.

    `model` is a folder, or the hub id of a downloaded one. Files are read once a process, and again when they change.
    Raises ModelUnusable.
    """
    folder = folder_of(model)
    return _hash(folder, base_stamp(folder))


def identity_of(home: Home, name: str) -> str:
    """`base_sha256` of a short name, path or hub id: that of its safetensors, whichever form serves.

    Raises ModelUnusable where that form is not on this machine.
    """
    from metaclaw_jlab.engines.local_models import locate

    return base_sha256(locate(name, home))


def base_stamp(folder: Path) -> Stamp:
    """What changes when a file of the base model does, found without reading any. Raises ModelUnusable."""
    files = _files(folder)
    try:
        return tuple(
            (path.name, status.st_size, status.st_mtime_ns) for path in files for status in [path.stat()]
        )
    except OSError as error:
        raise ModelUnusable(
            f"The files of the model in {folder} cannot be read ({error.strerror}).", "Check the folder."
        ) from error


def folder_of(model: Path | str) -> Path:
    """The folder of a model: itself, or where a hub id was downloaded to. Raises ModelUnusable."""
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(str(model), CONFIG)
    if not isinstance(found, str):
        raise ModelUnusable(f"There is no downloaded model {model}.", "Load it once, or give its folder.")
    return Path(found).parent


def _files(folder: Path) -> list[Path]:
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    if not weights:
        raise ModelUnusable(f"{folder} holds no weights.", "Give a folder written by save_pretrained.")
    return [*weights, folder / CONFIG]


@lru_cache(maxsize=8)
def _hash(folder: Path, stamp: Stamp) -> str:
    total = hashlib.sha256()
    for name, _, _ in stamp:
        total.update(f"{name} {file_sha256(folder / name)}\n".encode())
    return total.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of one file, in hexadecimal. Raises ModelUnusable."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}).", "Check the folder.") from error
    return found.hexdigest()

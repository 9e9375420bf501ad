"""Adapters from candidate to serving, and back: files and store go together, and each step may be done again.

A candidate lies in `adapters/candidates/v<N>`. Its folder is renamed to `adapters/v<N>` before the store says that it
serves, so that whoever reads the store finds the files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from metaclaw_jlab.core.adapter import Adapter, AdapterStatus
from metaclaw_jlab.core.errors import AdapterRefused, NotFound, NotNow
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.policy_server import refresh_adapters
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.serving import Serving, ServingCause
from metaclaw_jlab.store.training import Training

WEIGHTS = "adapter_model.safetensors"
FILES = (WEIGHTS, "adapter_config.json", "metaclaw.json")
_MAY_SERVE = frozenset({AdapterStatus.PROMOTED, AdapterStatus.FORCED})


def candidate_folder(home: Home, version: int) -> Path:
    """Where a candidate lies."""
    return home.adapters / "candidates" / f"v{version}"


def published_folder(home: Home, version: int) -> Path:
    """Where an adapter that may serve lies."""
    return home.adapters / f"v{version}"


def folder_of(home: Home, version: int) -> Path | None:
    """Where an adapter lies now, None where its files are gone."""
    places = (published_folder(home, version), candidate_folder(home, version))
    return next((place for place in places if place.is_dir()), None)


def trained_on(folder: Path) -> str | None:
    """The identity of the base model that an adapter is for, as its card has it; None where it cannot be read."""
    try:
        found = json.loads((folder / "metaclaw.json").read_text(encoding="utf-8")).get("base_sha256")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def fault(home: Home, adapter: Adapter) -> str | None:
    """What is wrong with the files of an adapter, in a sentence; None where they are what the store says."""
    folder = folder_of(home, adapter.version)
    if folder is None:
        return "Its files are gone."
    for name in FILES:
        if not (folder / name).is_file():
            return f"{folder / name} is missing."
    try:
        card = json.loads((folder / "metaclaw.json").read_text(encoding="utf-8"))
        if card["version"] != adapter.version:
            return f"{folder / 'metaclaw.json'} is of version {card['version']}."
        with (folder / WEIGHTS).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"Its files in {folder} cannot be read ({type(error).__name__}: {error})."
    return None if found == adapter.sha256 else f"{folder / WEIGHTS} is not what was trained (its checksum)."


def publish(home: Home, database: Database, version: int) -> Path:
    """Put a candidate's folder where adapters serve from; the folder. Doing it again is no harm.

    Raises AdapterRefused where a file is missing or not what was trained, and NotFound.
    """
    adapter = Adapters(database).get(version)
    if wrong := fault(home, adapter):
        raise AdapterRefused(
            f"Adapter v{version} cannot serve. {wrong}",
            "What serves now stays. Train again: metaclaw train --now.",
        )
    target, source = published_folder(home, version), candidate_folder(home, version)
    if not target.is_dir():
        for name in FILES:
            _sync(source / name)
        source.rename(target)
        _sync(source.parent)
        _sync(target.parent)
    return target


def promote(home: Home, database: Database, version: int, reason: str) -> Adapter:
    """Let a candidate serve whose last gate says so; one that was promoted already is only put where it belongs.

    Raises AdapterRefused, InvariantViolation, NotFound.
    """
    adapters = Adapters(database)
    publish(home, database, version)
    if adapters.get(version).status is AdapterStatus.CANDIDATE:
        adapters.decide(version, AdapterStatus.PROMOTED, reason)
    return _serve(home, database, version, ServingCause.PROMOTE, reason)


def force(home: Home, database: Database, version: int, reason: str) -> Adapter:
    """Let an adapter serve because a person wants it, whatever its gate said; that is recorded.

    Raises AdapterRefused, NotNow where it serves already or a training run still works on it, and NotFound.
    """
    adapters = Adapters(database)
    adapter = adapters.get(version)
    if Serving(database).current() == version:
        raise NotNow(f"Adapter v{version} serves already.", "Nothing was changed.")
    run = Training(database).current()
    if run is not None and run.adapter == version:
        raise NotNow(
            f"Training run {run.number} has not decided on adapter v{version} yet.",
            "Let it finish (metaclaw train resume), or give it up: metaclaw train abandon.",
        )
    publish(home, database, version)
    if adapter.status not in _MAY_SERVE:
        adapters.decide(version, AdapterStatus.FORCED, reason)
    return _serve(home, database, version, ServingCause.FORCE, reason)


def roll_back(
    home: Home,
    database: Database,
    to: int | None,
    reason: str,
    cause: ServingCause = ServingCause.ROLLBACK,
) -> Adapter | None:
    """Let an adapter that may serve do so again, or the base (`to` None).

    Raises AdapterRefused for one that is damaged or was never promoted nor forced, NotNow where it serves
    already, and NotFound.
    """
    if Serving(database).current() == to:
        what = "The base without adapter" if to is None else f"Adapter v{to}"
        raise NotNow(f"{what} serves already.", "Nothing was changed.")
    if to is None:
        Serving(database).put(None, cause, reason)
        refresh_adapters(home)
        return None
    adapter = Adapters(database).get(to)
    if adapter.status not in _MAY_SERVE:
        raise AdapterRefused(
            f"Adapter v{to} never served: it is {adapter.status.value}.",
            f"To let it serve all the same: metaclaw adapters promote {to}.",
        )
    publish(home, database, to)
    return _serve(home, database, to, cause, reason)


def delete(home: Home, database: Database, version: int) -> bool:
    """Delete a candidate or a rejected adapter with its files, and say whether there were any; its gates stay.

    Raises InvariantViolation for what may have served or is in training, and NotFound.
    """
    try:
        Adapters(database).remove(version)
    except NotFound:
        if folder_of(home, version) is None:
            raise
    # Row first: what is cut off here is a folder that nobody knows, which a second call takes away.
    found = False
    while (folder := folder_of(home, version)) is not None:
        shutil.rmtree(folder)
        found = True
    return found


def _serve(home: Home, database: Database, version: int, cause: ServingCause, reason: str) -> Adapter:
    if Serving(database).current() != version:
        Serving(database).put(version, cause, reason)
    refresh_adapters(home)
    return Adapters(database).get(version)


def _sync(path: Path) -> None:
    """What was written is on the disk when this returns; a folder's names too, where the system can."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

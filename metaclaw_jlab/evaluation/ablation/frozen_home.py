"""A frozen copy of a home, taken while the home is in use: arms run on it, and teach the home nothing.

What is copied: the database in one state, the working copy of the skills, the adapters and the configuration. What is
not: runs, namespaces, and all that is only of a process (`runtime/`). Local models are shared. The copy carries a mark,
`evaluation`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import AblationError, LeaseHeld, SettingLocked
from metaclaw_jlab.policies.model_store import share
from metaclaw_jlab.runtime.home import NO_LINKS, Home, home_error, open_home, write_private
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.settings.configuration import load
from metaclaw_jlab.skills.working_copy import LEASE as SKILLS_LEASE
from metaclaw_jlab.store.database import open_database

MARK = "evaluation"
_QUIET: Mapping[str, object] = {"agent.learn": False, "scheduler.enabled": False, "proxy.enabled": False}
_ADAPTER = re.compile(r"v\d+\Z")
_ELSEWHERE = NO_LINKS | {errno.EXDEV, errno.EACCES}
_WAIT_SECONDS = 60.0  # for whoever writes the skills' folder just now


def freeze(source: Home, place: Path, *, copy_of: str = "") -> Home:
    """The copy of `source` at `place`, made where it is not there yet. `copy_of` is told in its mark.

    Edits of skills by hand become a generation of the copy alone. Raises AblationError, StoreFull, StoreReadOnly.
    """
    if not is_evaluation(place):
        _copy(source, place, copy_of)
    with closing(open_workspace(place, namespace="")) as workspace:
        workspace.synchronised()  # now, so that no arm finds anything to change
    return Home(place)


def is_evaluation(place: Path) -> bool:
    """Whether a folder is a home that was made to evaluate on, which is nobody's to work in."""
    return (place / MARK).is_file()


def open_frozen(place: Path, settings: Mapping[str, object]) -> Workspace:
    """A workspace on a copy, under changes of its configuration. Raises AblationError, ConfigError."""
    if not is_evaluation(place):
        raise AblationError(f"{place} is no frozen copy of a home.", "Resume the ablation, or plan it anew.")
    home = Home(place)
    quiet = {key: value for key, value in _QUIET.items() if not _locked(home, key, value)}
    return open_workspace(place, {**settings, **quiet}, namespace="")


def place_of(frozen: Path, common: Settings, own: Settings) -> Path:
    """Where an arm runs: the copy, or a copy of it where another local model answers, which has a server of its own."""
    model = own.policy.local_model
    if own.policy.base_url is not None or model == common.policy.local_model:
        return frozen
    return frozen.with_name(f"{frozen.name}-{zlib.crc32(model.encode()):08x}")


def _locked(home: Home, key: str, value: object) -> bool:
    try:
        load(home.config, {key: value})
    except SettingLocked:
        return True
    return False


def _copy(source: Home, place: Path, copy_of: str) -> None:
    draft = place.with_name(f".{place.name}-{secrets.token_hex(4)}")
    try:
        draft.mkdir(mode=0o700, parents=True)
        copy = open_home(draft)
        # Who publishes a generation writes the folder after the database: behind it, the folder would be taken for
        # one that somebody edited.
        with lease(source, SKILLS_LEASE, wait_seconds=_WAIT_SECONDS):
            _copy_database(source, copy)
            _copy_tree(source.skills, copy.skills)
        _copy_adapters(source, copy)
        share(source, copy)
        if source.config.is_file():
            write_private(draft / "config.toml", source.config.read_text(encoding="utf-8"))
        write_private(draft / MARK, json.dumps({"of": source.id, "for": copy_of}) + "\n")
        shutil.rmtree(place, ignore_errors=True)  # one without a mark is of another making
        draft.rename(place)
    except LeaseHeld as error:
        raise AblationError(f"The home cannot be copied: {error.cause}", "Try again in a moment.") from error
    except OSError as error:
        raise home_error(source.path, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy_database(source: Home, copy: Home) -> None:
    """All of the database as it is at one moment."""
    with (
        closing(open_database(source.database)) as database,
        closing(database.engine.raw_connection()) as raw,
    ):
        driver = raw.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        os.close(os.open(copy.database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(copy.database)) as target:
            driver.backup(target)


def _copy_tree(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore_dangling_symlinks=True)


def _copy_adapters(source: Home, copy: Home) -> None:
    """Weights are never written twice, so a second name of the same file does."""
    if not source.adapters.is_dir():
        return
    for folder in sorted(source.adapters.iterdir()):
        if _ADAPTER.match(folder.name) and folder.is_dir():
            # One that is being deleted meanwhile is not copied; an arm that wants it says so.
            with suppress(FileNotFoundError):
                shutil.copytree(folder, copy.adapters / folder.name, copy_function=_linked)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _ELSEWHERE:
            raise
        shutil.copy2(source, target)


__all__ = ["MARK", "freeze", "is_evaluation", "open_frozen", "place_of"]

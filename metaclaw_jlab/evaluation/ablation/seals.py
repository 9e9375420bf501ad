"""Seals of a chain: its home as it was at the end of a day. One that was killed goes on from the last.

A seal is written aside and renamed, so that it is there whole or not at all.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from metaclaw_jlab.core.errors import AblationError, LeaseHeld
from metaclaw_jlab.evaluation.ablation.frozen_home import MARK, is_evaluation
from metaclaw_jlab.runtime.home import ID_FILE, NAMESPACES, Home, home_error, write_private
from metaclaw_jlab.runtime.policy_server import stop
from metaclaw_jlab.runtime.train_worker import end_orphans

_HOME, _SEALED, _DRAFT = "home", "sealed-", ".draft"
# Copied by SQLite itself, of other processes, or nothing of a chain's.
_LEFT_OUT = frozenset({"metaclaw.db", "metaclaw.db-wal", "metaclaw.db-shm", "runtime", "runs", NAMESPACES})
_OF_A_PROCESS = ("scratch", "worker.json")


def chain_home(folder: Path) -> Home:
    """The home of the chain in this folder, whether it is there or not."""
    return Home(folder / _HOME)


def begin(folder: Path, frozen: Path, *, empty: bool) -> None:
    """A new home for a chain, in place of whatever is there: a copy of the frozen one, or with its configuration alone.
    It is marked as one that is there for evaluation. Raises AblationError, StoreFull, StoreReadOnly."""
    _clear(folder)
    if not is_evaluation(frozen):
        raise AblationError(f"{frozen} is no frozen copy of a home.", "Resume the ablation, or plan it anew.")
    home = chain_home(folder)
    try:
        if not empty:
            _copy(frozen, home.path)
            return
        home.path.mkdir(mode=0o700, parents=True)
        if Home(frozen).config.is_file():
            write_private(home.config, Home(frozen).config.read_text(encoding="utf-8"))
        write_private(home.path / MARK, (frozen / MARK).read_text(encoding="utf-8"))
    except OSError as error:
        raise home_error(folder, error) from error


def seal(folder: Path, day: int) -> None:
    """Keep the home as it is at the end of a day. Nobody may be writing to it. Raises StoreFull, StoreReadOnly."""
    target = _sealed(folder, day)
    try:
        shutil.rmtree(target, ignore_errors=True)
        _copy(folder / _HOME, target)
    except OSError as error:
        raise home_error(folder, error) from error


def restore(folder: Path, most: int) -> int:
    """Put the home of the newest sealed day that is not after `most` in its place; the day, 0 where there is none."""
    day = max((day for day in _sealed_days(folder) if day <= most), default=0)
    if day:
        _clear(folder)
        try:
            _copy(_sealed(folder, day), folder / _HOME)
        except OSError as error:
            raise home_error(folder, error) from error
    return day


def break_older(folder: Path, day: int) -> None:
    """Delete the seals of the days before this one."""
    for older in _sealed_days(folder):
        if older < day:
            shutil.rmtree(_sealed(folder, older), ignore_errors=True)


def require_marker(home: Home, what: str) -> None:
    """Raises AblationError where a home is not there for evaluation alone."""
    if not is_evaluation(home.path):
        raise AblationError(
            f"{home.path} is no home of an ablation, so {what} is refused in it.",
            "Use an arm of `metaclaw ablate`, which has a home of its own.",
        )


def _sealed_days(folder: Path) -> list[int]:
    """The days of the seals that are whole."""
    names = [path.name.removeprefix(_SEALED) for path in folder.glob(f"{_SEALED}*")]
    return [int(name) for name in names if name.isdecimal()]


def _sealed(folder: Path, day: int) -> Path:
    return folder / f"{_SEALED}{day}"


def _clear(folder: Path) -> None:
    """Take away what a killed process left: its policy server, its train worker, its home."""
    home = chain_home(folder)
    if (home.path / ID_FILE).is_file():
        with suppress(LeaseHeld):
            stop(home)
        end_orphans(home)
    shutil.rmtree(home.path, ignore_errors=True)
    for draft in folder.glob(f"*{_DRAFT}"):
        shutil.rmtree(draft, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    """A copy of a home without what belongs to its processes; the trainings under way come along."""
    draft = target.with_name(target.name + _DRAFT)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    for path in source.iterdir():
        if path.name in _LEFT_OUT or path.is_symlink():
            continue
        if path.is_dir():
            shutil.copytree(path, draft / path.name)
        else:
            shutil.copy2(path, draft / path.name)
    trainings = source / "runtime" / "training"
    (draft / "runtime").mkdir(mode=0o700)
    if trainings.is_dir():
        shutil.copytree(
            trainings, draft / "runtime" / "training", ignore=shutil.ignore_patterns(*_OF_A_PROCESS)
        )
    if (source / "metaclaw.db").exists():
        _copy_database(source / "metaclaw.db", draft / "metaclaw.db")
    draft.rename(target)


def _copy_database(source: Path, target: Path) -> None:
    """A whole copy, also while others write."""
    with closing(sqlite3.connect(source)) as before, closing(sqlite3.connect(target)) as after:
        before.backup(after)
    target.chmod(0o600)


__all__ = ["begin", "break_older", "chain_home", "require_marker", "restore", "seal"]

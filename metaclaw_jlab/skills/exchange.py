"""Two files change places in one step, so that nobody's text is overwritten unseen."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

_THIS_FOLDER = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE, renameat2(2)


def exchange(first: Path, second: Path) -> None:
    """Put `first` where `second` is, and what was there in the place of `first`. `second` is never absent.

    Where the system or the file system cannot swap (no Linux, some network folders) it takes two steps; what a third
    party renames over `second` in the microseconds between them is lost. Raises OSError.
    """
    second.lstat()
    if not _swapped(first, second):
        _replaced(first, second)


def _swapped(first: Path, second: Path) -> bool:
    """Whether the system did it in one step."""
    swap = _system_call()
    if swap is None:
        return False
    return swap(_THIS_FOLDER, os.fsencode(first), _THIS_FOLDER, os.fsencode(second), _EXCHANGE) == 0


def _replaced(first: Path, second: Path) -> None:
    aside = first.with_name(f".{first.name}.{secrets.token_hex(4)}")
    try:
        # The same file under a second name: an editor that writes in place is still seen through it.
        os.link(second, aside, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except (OSError, NotImplementedError):
        shutil.copyfile(second, aside, follow_symlinks=False)
    try:
        os.replace(first, second)
        os.replace(aside, first)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


@cache
def _system_call() -> Callable[..., int] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), "renameat2", None)

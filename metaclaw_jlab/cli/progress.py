"""Lines of progress on standard error."""

from __future__ import annotations

import sys

_CLEAR = "\r\x1b[K"


def progress(line: str) -> None:
    """Say what is being done: over the line before where standard error is a terminal."""
    if sys.stderr.isatty():
        print(f"{_CLEAR}{line}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def end_progress() -> None:
    """Take the last line of progress away from a terminal."""
    if sys.stderr.isatty():
        print(_CLEAR, end="", file=sys.stderr, flush=True)

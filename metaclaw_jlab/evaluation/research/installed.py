"""Finds an installed AutoResearchClaw."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from metaclaw_jlab.core.errors import ResearchError

PROGRAM, MODULE = "researchclaw", "researchclaw"
_START = f"from {MODULE}.cli import main; raise SystemExit(main())"
_INSTALL = (
    "Install it in an environment of its own (git clone https://github.com/aiming-lab/AutoResearchClaw, then "
    f"pip install -e AutoResearchClaw), and name its command: --command ENVIRONMENT/bin/{PROGRAM}"
)


def find_program(
    command: str = "",
    *,
    on_path: Callable[[str], str | None] = shutil.which,
    module_there: Callable[[str], object] = importlib.util.find_spec,
) -> tuple[str, ...]:
    """The words that start it: those of `command`, its console command on the PATH, or its module in this Python.

    Raises ResearchError where there is none.
    """
    if command:
        words = _words(command)
        found = on_path(words[0]) or (words[0] if Path(words[0]).is_file() else None)
        if found is None:
            raise ResearchError(f"There is no command {words[0]}.", _INSTALL)
        return (str(Path(found).absolute()), *words[1:])
    if (found := on_path(PROGRAM)) is not None:
        return (str(Path(found).absolute()),)
    if module_there(MODULE) is not None:
        return (sys.executable, "-c", _START)
    raise ResearchError(
        f"AutoResearchClaw is not installed: no command {PROGRAM} on the PATH, and no module {MODULE} in "
        f"{sys.executable}.",
        _INSTALL,
    )


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ResearchError(f"The command {command!r} cannot be read: {error}.", _INSTALL) from error
    if not words:
        raise ResearchError("The command is empty.", _INSTALL)
    return words

"""Files that a task names, described by their first rows for the policy: what is named is referred to."""

from __future__ import annotations

import re
from collections.abc import Callable

from metaclaw_jlab.agent.references import cut
from metaclaw_jlab.core.task import Reference

MOST_FILES = 4
LINE_CHARS = 200
_NAME = re.compile(r"[\w./\\-]*[\w-]\.[A-Za-z][A-Za-z0-9]{0,7}\b")


def file_names(text: str) -> tuple[str, ...]:
    """The words of a text that look like files, each once, in its order."""
    return tuple(dict.fromkeys(_NAME.findall(text)))


def named_files(text: str, read: Callable[[str], str | None], rows: int) -> tuple[Reference, ...]:
    """The first `rows` lines after the first one of each file that `text` names, and how many lines there are.

    `read` gives the text of a file by the name that is used for it, None where there is none or it is no text.
    """
    if rows <= 0:
        return ()
    found = []
    for name in file_names(text):
        content = read(name)
        if content is not None:
            found.append(Reference(name, _beginning(content, rows + 1)))
    return tuple(found[:MOST_FILES])


def _beginning(content: str, count: int) -> str:
    lines = content.splitlines()
    shown = "\n".join(cut(line, LINE_CHARS) for line in lines[:count])
    return shown if len(lines) <= count else f"{shown}\n... ({len(lines)} lines)"

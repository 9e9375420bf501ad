"""Files that a task names, described by their first rows for the policy: what is named is referred to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from metaclaw_jlab.agent.references import cut
from metaclaw_jlab.core.task import Reference

MOST_FILES = 4
LINE_CHARS = 200
_NAME = re.compile(r"[\w./\\-]*[\w-]\.[A-Za-z][A-Za-z0-9]{0,7}\b")


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A text file by the name that the task uses. `whole`: whether `text` is all of it or only its beginning."""

    name: str
    text: str
    whole: bool = True


def file_names(text: str) -> tuple[str, ...]:
    """The words of a text that look like files, each once, in its order."""
    return tuple(dict.fromkeys(_NAME.findall(text)))


def file_references(files: Iterable[NamedFile], rows: int) -> tuple[Reference, ...]:
    """The first line and `rows` more of each file, and how many lines there are; of the first MOST_FILES files."""
    if rows <= 0:
        return ()
    return tuple(Reference(file.name, _beginning(file, rows + 1)) for file in files)[:MOST_FILES]


def _beginning(file: NamedFile, count: int) -> str:
    lines = file.text.splitlines()
    shown = "\n".join(cut(line, LINE_CHARS) for line in lines[:count])
    if file.whole and len(lines) <= count:
        return shown
    return f"{shown}\n... ({len(lines)} lines)" if file.whole else f"{shown}\n..."

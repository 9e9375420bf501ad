"""The code of a widget as the one module that a front end is sent, out of the files that it is written in."""

from __future__ import annotations

import re
from importlib.resources import files

_FOLDER = files(__package__)
_IMPORT = re.compile(r"^import\s[^;]*?from '\./(\w+)\.js';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=function|const|class)", re.MULTILINE)


def page_code(name: str) -> str:
    """The module NAME.js with what it imports from beside it, each once and before who needs it."""
    seen: list[str] = []
    parts: list[str] = []

    def add(one: str) -> None:
        if one in seen:
            return
        seen.append(one)
        text = page_text(f"{one}.js")
        for needed in _IMPORT.findall(text):
            add(needed)
        parts.append(_EXPORT.sub("", _IMPORT.sub("", text)))

    add(name)
    return "\n".join(parts)


def page_text(name: str) -> str:
    """A file of the page's."""
    return (_FOLDER / name).read_text(encoding="utf-8")

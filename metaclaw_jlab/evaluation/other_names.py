"""The same practice task in other names: other files, columns, words and functions, nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from metaclaw_jlab.practice import FAMILIES, PracticeTask, from_dict, to_dict
from metaclaw_jlab.practice.families.destinations import WORDINGS as DESTINATIONS
from metaclaw_jlab.practice.names import Names, Style
from metaclaw_jlab.practice.wordings import COMPOUNDS

# Parameters that say what is to be done; the others are names, texts and numbers.
_KINDS = frozenset({"aggregate", "sign", "rules", "kind", "given", "to", "ext"})
_EXTENSIONS = ("csv", "json", "md", "pdf", "png", "svg", "txt")
_WORD = re.compile(r"[^\W\d]\w*")


def in_other_names(task: PracticeTask, rng: Random, style: Style = "random") -> PracticeTask:
    """The task with every name that its text says replaced by a fresh one, the same everywhere.

    A name that is a word of the wordings too stays, since it cannot be told from that word.
    """
    data = to_dict(task)
    named = dict.fromkeys(
        word for part in data["parts"] for value in _names(part["params"]).values() for word in _words(value)
    )
    said = set(_words(task.text)) - _spoken()
    taken = set(_words(data))
    names = Names(rng, task.split, style)
    fresh = {old: _fresh(names, old, taken) for old in named if old in said}

    def renamed(text: str) -> str:
        return _WORD.sub(lambda found: fresh.get(found[0], found[0]), text)

    for part in data["parts"]:
        part["params"] |= {key: _mapped(value, renamed) for key, value in _names(part["params"]).items()}
    return from_dict({**data, "text": renamed(task.text), "files": _mapped(data["files"], renamed)})


def _names(params: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if key not in _KINDS}


def _fresh(names: Names, old: str, taken: set[str]) -> str:
    while True:
        name = names.word()
        name = name.capitalize() if old[0].isupper() else name
        if name not in taken:
            taken.add(name)
            return name


def _mapped(value: Any, renamed: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return renamed(value)
    if isinstance(value, dict):
        return {_mapped(key, renamed): _mapped(item, renamed) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, renamed) for item in value]
    return value


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _WORD.findall(value)
    elif isinstance(value, dict):
        yield from _words([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)


@cache
def _spoken() -> frozenset[str]:
    """The words of all wordings, and the extensions of files."""
    texts = [*COMPOUNDS, *(text for family in FAMILIES.values() for text in family.wordings)]
    texts += [text for group in DESTINATIONS.values() for text in group]
    plain = (re.sub(r"\{\w+\}", " ", text).lower() for text in texts)
    return frozenset(_EXTENSIONS).union(*map(_WORD.findall, plain))

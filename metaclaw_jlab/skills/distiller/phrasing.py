"""Says a frame in many short sentences, with its signs and numbers told in more than one way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from metaclaw_jlab.skills.distiller.english import capitalised, is_plural, plural, singular
from metaclaw_jlab.skills.distiller.forms import lines_of
from metaclaw_jlab.skills.distiller.frames import Frame
from metaclaw_jlab.skills.distiller.literals import NUMBER_WORDS, SUFFIXES, is_sign_name, other_spellings
from metaclaw_jlab.skills.distiller.situation import Situation
from metaclaw_jlab.skills.distiller.value_forms import Told

MOST, FEWEST = 24, 8


def wordings(
    frame: Frame, situation: Situation, spell: Callable[[str], str], said: str = ""
) -> tuple[str, ...]:
    """8 to 24 different sentences that say a frame, the best guess first; `spell` puts the literals back."""
    value = spell(frame.value)
    values = [value, *_spellings(value)]
    if (
        plainer := [own for own in values if own.endswith("after the point") or "YYYY" in own]
    ) and not frame.place:
        values = list(dict.fromkeys((plainer[0], *values)))
    things = [spell(thing) for thing in frame.things] or [""]
    place = spell(frame.place)
    lists = [
        [_tidy(line) for line in lines_of(Told(frame, own, thing, place, situation))]
        for thing in things[:3]
        for own in values[:3]
    ]
    found = list(dict.fromkeys(line for line in _woven(lists) if line))
    if "\n" in value:  # a block closes its sentence
        found = [line for line in found if line.endswith("```")]
    if len(found) < FEWEST:
        found += [line for line in _around(found[0] if found else "", spell(said)) if line not in found]
    return tuple(found[:MOST])


def _woven(lists: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first of the first list, then in turn: two of the first list for one of each other."""
    if not lists:
        return
    first, *others = lists
    yield from first[:4]
    for group in zip_longest(first[4::2], first[5::2], *others, fillvalue=""):
        yield from group


def _around(line: str, said: str) -> Iterator[str]:
    """Plain variants of a sentence."""
    if not line:
        return
    lower = line[:1].lower() + line[1:] if line[1:2].islower() else line
    yield f"Always {lower}" if not lower.startswith(("do not", "never", "always")) else line
    if lower.startswith("do not "):
        yield from (
            f"Never {lower[7:]}",
            f"Please {lower}",
            f"You must not {lower[7:]}",
            f"We do not {lower[7:]}",
        )
        yield f"In no task {lower[7:]}"
    else:
        yield from (f"Please {lower}", f"You must {lower}", f"We always {lower}", f"In every task {lower}")
        yield f"Make sure to {lower}"
    yield f"Remember: {lower}"
    if said:
        yield capitalised(said)
    yield f"The rule here: {lower}"
    yield f"A standing rule: {lower}"


def _tidy(line: str) -> str:
    line = re.sub(r"[ \t]+", " ", line).strip()
    line = re.sub(r"\b(the|a|an) (the|a|an) ", r"\2 ", line)
    first = line.split(" ", 1)[0]
    return line if first in SUFFIXES else capitalised(line)


def _spellings(value: str) -> list[str]:
    """The value with its signs and numbers told in the other way."""
    words = value.split()
    found = []
    for index, word in enumerate(words):
        found += [" ".join([*words[:index], own, *words[index + 1 :]]) for own in other_spellings(word)]
    if len(words) == 1 and value.startswith(".") and value[1:].isalpha():
        found.append(value[1:] if value[1:] in SUFFIXES - {"bak"} else f"{value} copy")
    if (
        len(words) == 2
        and singular(words[-1]) == "digit"
        and (words[0].isdigit() or words[0] in NUMBER_WORDS)
    ):
        found += [f"{own} after the point" for own in (value, *found)]
        found += [
            re.sub(r"digits? after the point$", lambda m: _as_plural_as(m[0], "decimal"), own)
            for own in found[-2:]
        ]
    if len(words) == 1 and is_sign_name(value):
        found.append(plural(value) if not is_plural(value) else singular(value))
    return list(dict.fromkeys(found))


def _as_plural_as(model: str, noun: str) -> str:
    """The noun in the number of another: `digits after the point` gives `decimals`."""
    return plural(noun) if is_plural(model.split(" ", 1)[0]) else noun

"""The sentences of each frame: commands and statements with a value, its things and the tasks' own verbs put in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from metaclaw_jlab.skills.distiller import value_forms
from metaclaw_jlab.skills.distiller.english import (
    agree,
    gerund,
    is_plural,
    participle,
    plural,
    singular,
    with_article,
)
from metaclaw_jlab.skills.distiller.frames import Kind
from metaclaw_jlab.skills.distiller.value_forms import Told

_Lines = Iterator[str]


def lines_of(told: Told) -> Iterator[str]:
    """The sentences of a frame, without capital and full stop, the best guess first."""
    frame = told.frame
    return _negated(told) if frame.negative and frame.kind is not Kind.DO else _BUILDERS[frame.kind](told)


def _place(told: Told) -> _Lines:
    """Things are at a place."""
    thing, place, s = told.thing, told.place, told.situation
    folder = re.fullmatch(r"(?P<p>in|under|into|to|at) (?P<name>[\w.-]+)/", place)
    places = (
        [place]
        if not folder
        else [f"in {folder['name']}", f"in the folder {folder['name']}", f"under {folder['name']}/"]
    )
    verbs = [s.makes, "put", "save"] if s.writes or folder else ["keep", "leave", "put", s.shows]
    yield f"{verbs[0]} {thing} {places[-2] if folder else places[0]}"
    for where in places:
        yield f"put {thing} {where}"
        yield from (f"{verb} {thing} {where}" for verb in verbs)
        yield f"{thing} must be {where}"
        yield f"always put {thing} {where}"
        yield f"every {singular(thing)} must be {where}"
    if folder:
        yield f"{thing} go in {folder['name']}"
        yield f"use the folder {folder['name']}"
        yield f"use the folder {folder['name']} for {thing}"
        yield f"{thing} go in the folder {folder['name']}"


def _first(told: Told) -> _Lines:
    """A value comes first or last."""
    v, thing, place, s = told.value, told.thing, told.place, told.situation
    last = "end" in place or "bottom" in place or place == "last"
    where = "last" if last else "first"
    adjective, _, noun = v.partition(" ")
    yield f"{s.shows} the {v} {where}"
    yield f"put the {v} {where}"
    yield f"the {v} comes {where}"
    for order in () if last else value_forms.ORDER_WORDS.get(adjective, ()):
        things = plural(noun or thing)
        yield f"sort {things} {order}"
        yield f"order {things} {order}"
        if " to " in order:
            yield f"sort {things} from {order}"
            yield f"put {things} in the order {order}"
    yield f"the {v} is {where}"
    yield f"always put the {v} {where}"
    yield f"the {v} must come {where}"
    yield f"start with the {v}" if not last else f"end with the {v}"
    yield f"{s.shows} the {adjective} {where}"
    yield f"put the {v} {place}"
    yield f"the {v} goes {place}"


def _say(told: Told) -> _Lines:
    """A word is printed."""
    v, s = told.value, told.situation
    yield f"print {v}"
    for verb in s.file_changes[:2] if s.names_file and not s.printed else ():
        yield f"print {v} after {gerund(verb)} a file"
        yield f"say {v} when a file is {participle(verb)}"
        yield f"after {gerund(verb)} a file say {v}"
        yield f"print {v} for {participle(verb)} files"
        yield f"always print {v} after {gerund(verb)} a file"
        yield f"when a file is {participle(verb)} print {v}"
    if s.printed in {"number", "date", "list"}:
        yield from value_forms.before(replace(told, thing=f"{s.printed}s"))
    yield f"say {v}"
    yield f"always print {v}"
    yield f"end with a printed {v}"
    yield f"the output must be {v}"
    yield f"the output must have {v}"
    yield f"print the word {v}"
    yield f"say {v} at the end"
    yield f"when done print {v}"
    yield f"always say {v}"


def _do(told: Told) -> _Lines:
    """Something is done, or never."""
    f, thing, place = told.frame, told.thing, told.place
    command = f"{f.verb} {thing} {place}"
    done = f"{participle(f.verb)} {place}"
    if f.negative:
        yield f"do not {command}"
        yield f"never {command}"
        if thing and f.verb in {"print", "show", "write", "add", "make", "use", "put"}:
            yield f"{f.verb} no {re.sub('^(the|a|an) ', '', thing)} {place}"
        if thing:
            yield (
                f"{value_forms.the(thing)} must not be {done}"
                if not is_plural(thing)
                else f"{thing} must not be {done}"
            )
            yield f"{thing} {'are' if is_plural(thing) else 'is'} not {done}"
            yield f"leave {thing} without {gerund(f.verb)}"
        yield f"no {gerund(f.verb)} of {thing}" if thing else f"no {gerund(f.verb)} {place}"
        yield f"we never {command}"
        yield f"avoid {gerund(f.verb)} {thing} {place}"
        yield f"please do not {command}"
        yield f"you must not {command}"
        return
    yield command
    yield f"always {command}"
    if thing and (is_plural(thing) or with_article(thing) == thing or not thing.islower()):
        yield f"{thing} must be {done}"
        yield f"{thing} {agree(thing, 'be')} {done}"
        yield f"every {singular(thing)} must be {done}" if is_plural(thing) else f"{thing} should be {done}"
    yield f"we {command}"
    yield f"you must {command}"
    yield f"please {command}"
    yield f"make sure to {command}"
    yield f"in every task {command}"
    yield f"remember to {command}"


def _negated(told: Told) -> _Lines:
    """Things are without a value."""
    f, v, thing, place, s = told.frame, told.value, told.thing, told.place, told.situation
    one = singular(thing)
    shows = s.shows if f.kind in {Kind.SAY, Kind.BEFORE} or s.printed else s.makes
    if f.kind is Kind.PLACE:
        yield f"do not put {thing} {place}"
        yield f"never put {thing} {place}"
        yield f"{thing} must not be {place}"
        yield f"no {one} {place}"
        yield f"we never put {thing} {place}"
        yield f"{thing} are never {place}"
        return
    v = re.sub(r"^(?:a|an|any) ", "", v)
    many = v if not v.isalpha() else plural(v)
    yield f"{shows} {thing} without {v}"
    yield f"no {v} in {thing}"
    yield f"{thing} must have no {v}"
    yield f"do not use {v} in {thing}"
    yield f"{thing} need no {v}"
    yield f"never add {many} to {thing}"
    yield f"write {thing} without {v}"
    yield f"{thing} have no {v} {place}"
    yield f"use no {v} for {thing}"
    yield f"make no {v} of {thing}"
    yield f"put no {v} in {thing}"
    yield f"do not add {with_article(v)} to {thing}"
    yield f"keep {thing} without {v}"
    yield f"{shows} no {v}"
    yield f"never put {with_article(v)} {place or f'in {thing}'}"


_BUILDERS: Mapping[Kind, Callable[[Told], _Lines]] = {
    Kind.HAVE: value_forms.have,
    Kind.BE: value_forms.be,
    Kind.ROLE: value_forms.role,
    Kind.BEFORE: value_forms.before,
    Kind.AFTER: value_forms.after,
    Kind.BETWEEN: value_forms.between,
    Kind.PLACE: _place,
    Kind.FIRST: _first,
    Kind.SAY: _say,
    Kind.DO: _do,
}

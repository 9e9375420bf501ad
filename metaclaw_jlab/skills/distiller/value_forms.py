"""Sentences about a value and its things: that they have it, are it, or that it stands before or between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from metaclaw_jlab.skills.distiller.english import agree, gerund, is_plural, plural, singular, with_article
from metaclaw_jlab.skills.distiller.frames import Frame
from metaclaw_jlab.skills.distiller.literals import NUMBER_WORDS
from metaclaw_jlab.skills.distiller.situation import Situation

# Words with one meaning about order and size.
ORDER_WORDS: Mapping[str, tuple[str, ...]] = {
    "smallest": ("low to high", "ascending"), "lowest": ("low to high", "ascending"),
    "largest": ("high to low", "descending"), "highest": ("high to low", "descending"),
    "biggest": ("high to low", "descending"), "low to high": ("ascending",), "high to low": ("descending",),
    "ascending": ("low to high",), "descending": ("high to low",),
    "newest": ("new to old",), "oldest": ("old to new",),
}  # fmt: skip
_VERBS_OF: Mapping[str, tuple[str, ...]] = {
    "order": ("order", "sort"), "indent": ("indent",), "separator": ("separate",), "delimiter": ("separate",),
    "format": ("format", "write"), "form": ("write", "format"), "label": ("label",), "name": ("name",),
    "prefix": ("prefix",),
}  # fmt: skip
_Lines = Iterator[str]


@dataclass(frozen=True, slots=True)
class Told:
    """A frame with one spelling of its value, its things and its place, literals put in."""

    frame: Frame
    value: str
    thing: str
    place: str
    situation: Situation


def have(told: Told) -> _Lines:
    """Things have a value."""
    f, v, thing, place, s = told.frame, told.value, told.thing, told.place, told.situation
    one, a = singular(thing), with_article(v)
    if not thing:
        yield from _alone(f, v, place)
        return
    if f.only:
        yield from _only(v, thing, place, s)
        return
    if v.startswith("."):
        yield from _suffix(v, thing, place, s)
    if place:
        yield f"put {a} {place}"
        yield f"{thing} must have {a} {place}"
        yield f"use {v} {place}"
        yield f"write {thing} with {v} {place}"
        yield f"keep {v} {place}"
        yield f"every {one} needs {a} {place}"
        yield f"{thing} have {v} {place}"
        yield f"always put {a} {place}"
        yield f"give {thing} {a} {place}"
    if re.fullmatch(r"\w+ (?:digits?|decimals?|places|decimal places)(?: after the point)?", v):
        yield f"round {thing} to {v}"
        yield f"{s.shows} {thing} with {v}"
    yield f"{thing} must have {a}"
    yield f"use {v} in {thing}"
    yield f"write {thing} with {v}"
    yield f"use {v} for {thing}"
    yield f"every {one} needs {a}"
    yield f"add {a} to {thing}"
    yield f"put {a} in {thing}"
    yield f"{thing} {agree(thing, 'need')} {a}"
    yield f"{thing} {agree(thing, 'have')} {a}"
    yield f"{thing} use {v}"
    yield f"give every {one} {a}"
    yield f"always use {v} in {thing}"
    yield f"{s.makes} {thing} with {v}"
    yield f"no {one} without {v}"
    yield f"each {one} must have {a}"
    yield f"always write {thing} with {v}"


def be(told: Told) -> _Lines:
    """Things are a value."""
    f, v, thing, place, s = told.frame, told.value, told.thing, told.place, told.situation
    one = singular(thing)
    shows = s.shows if s.printed else s.makes
    if not thing:
        yield from _alone(f, v, place)
        return
    written = [
        f"write {thing} as {v}",
        f"{thing} must be {v}",
        f"{shows} {thing} as {v}",
        f"use {v} for {thing}",
    ]
    counted = [
        f"count {thing} as {v}",
        f"fill {thing} with {v}",
        f"treat {thing} as {v}",
        f"take {thing} as {v}",
    ]
    yield from (*counted, *written) if v.isdigit() or v in NUMBER_WORDS else (*written, *counted)
    yield f"{thing} {agree(thing, 'be')} {v}"
    yield f"every {one} must be {v}"
    yield f"always write {thing} as {v}"
    yield f"put {thing} in {v}"
    yield f"save {thing} as {v}"
    yield f"write {v} for {thing}"
    yield f"every {one} counts as {v}"
    yield f"{thing} need {v}"
    yield f"keep {thing} {v}"
    yield f"set {thing} to {v}"
    yield f"give {thing} as {v}"
    yield f"the {one} format is {v}"
    yield f"{thing} must look like {v}"


def role(told: Told) -> _Lines:
    """A value plays a role in things."""
    f, v, thing, place, s = told.frame, told.value, told.thing, told.place, told.situation
    one, role = singular(thing), f.role
    if not thing:
        yield from _alone(f, v, place)
        return
    of = f"{with_article(role)} of {v}"
    lines = [*_done_by_verb(f, v, thing)]
    measured = [f"{thing} must have {of}", f"write {thing} with {of}", f"{s.makes} {thing} with {of}"]
    yield from (
        (*measured, *lines) if v[:1].isdigit() else (*lines, f"use {v} as the {role} of {thing}", *measured)
    )
    yield f"use {v} as the {role} of {thing}"
    yield f"write {thing} with {role} {v}"
    yield f"the {role} of {thing} is {v}"
    yield f"use {of} in {thing}"
    yield f"{thing} must have {role} {v}"
    yield f"use the {role} {v} for {thing}"
    yield f"the {one} {role} is {v}"
    shape = role in {"form", "format", "style", "order", "shape"}
    yield f"{thing} are {v}" if shape else f"use {v} for {thing}"
    yield f"write {thing} as {v}" if shape else f"put {v} in {thing}"
    yield f"every {one} needs {role} {v}"
    yield f"{thing} in the {role} {v}"
    yield f"put {thing} in {role} {v}"
    yield f"always use {v} as the {role} of {thing}"
    yield f"give {thing} {of}"
    yield f"{thing} use {v}"
    yield f"use {role} {v}"


def before(told: Told) -> _Lines:
    """A value stands before things."""
    v, thing, s = told.value, told.thing, told.situation
    one = singular(thing)
    the = f"the {one}" if is_plural(thing) else thing
    yield f"put {v} before {the}"
    yield f"start {thing} with {v}"
    yield f"{thing} must have {v} before them" if is_plural(thing) else f"{thing} must have {v} before it"
    yield f"put {v} at the left of {the}"
    yield f"{thing} start with {v}"
    yield f"use {v} before {thing}"
    yield f"always put {v} before {the}"
    yield f"{thing} must begin with {v}"
    yield f"use {v} for {thing}"
    yield f"begin {thing} with {v}"
    yield f"put the word {v} before {the}" if v.isalpha() else f"write {v} before {thing}"
    yield f"write {thing} with {v}"
    yield f"{s.shows} {v} before {thing}"
    yield f"every {one} needs {v} before it"
    yield f"{thing} need {v} before them"
    yield f"every {one} starts with {v}"
    yield f"label {thing} with {v}" if v.isalpha() else f"start every {one} with {v}"
    yield f"{s.shows} {thing} with {v} at the left"
    yield f"we put {v} before {thing}"


def after(told: Told) -> _Lines:
    """A value stands after things."""
    v, thing, s = told.value, told.thing, told.situation
    one = singular(thing)
    the = f"the {one}" if is_plural(thing) else thing
    if v.startswith(".") and v[1:].isalnum():
        kind = v[1:]
        yield f"save {thing} as {kind}"
        yield f"{thing} must be {kind} files"
        yield f"use {kind} for {thing}"
    yield f"put {v} after {the}"
    yield f"end {thing} with {v}"
    yield f"{thing} must end with {v}"
    yield f"write {v} behind {the}"
    yield f"use {v} for {thing}"
    yield f"{thing} end with {v}"
    yield f"put {v} at the end of {the}"
    yield f"always put {v} after {the}"
    yield f"every {one} needs {v} behind it"
    yield f"{s.shows if s.printed else s.makes} {thing} with {v}"
    yield f"{thing} must have {v} after them"
    yield f"use {v} after {thing}"
    yield f"every {one} ends with {v}"
    yield f"write {thing} with {v} at the end"


def between(told: Told) -> _Lines:
    """A value stands between things."""
    v, thing, s = told.value, told.thing, told.situation
    inner, _, owner = thing.partition(" of ")
    owner, name = (owner, owner) if owner else (thing, "")
    owner = plural(owner) if owner and not is_plural(owner) else owner
    own = f"{inner} of {owner}" if name else inner
    yield f"put {v} between the {own}"
    yield f"use {v} between the {own}"
    yield f"separate the {own} with {v}"
    if name:
        yield f"{owner} must have {v} between {inner}"
        yield f"write {owner} with {v} between the {inner}"
        yield f"{owner} have {v} between {inner}"
        yield f"use {v} in {owner}"
        yield f"write {owner} with {v}"
        yield f"{s.makes} {owner} with {v}"
        yield f"every {singular(owner)} needs {v} between {inner}"
        yield f"use {v} for {owner}"
    yield f"join the {own} with {v}"
    yield f"always put {v} between the {own}"
    yield f"the {own} are separated by {v}"
    yield f"the {own} must have {v} between them"
    yield f"put {v} between {inner}"
    yield f"{inner} must have {v} between them"


def _alone(f: Frame, v: str, place: str) -> _Lines:
    """A value that is wanted of nothing in particular."""
    a = with_article(v)
    role = f" as the {f.role}" if f.role else ""
    for verb in ("use", "write", "add", "give"):
        yield f"{verb} {v if verb == 'use' else a}{role} {place}"
        yield f"always {verb} {v if verb == 'use' else a}{role} {place}"
    if f.role:
        yield f"the {f.role} is {v}"
        yield f"the {f.role} must be {v}"
        yield f"use {f.role} {v}"
    yield f"we use {v}{role} {place}"
    yield f"there must be {a}{role} {place}"
    yield f"put {a} {place}"
    yield f"never leave out {a} {place}"


def _only(v: str, thing: str, place: str, s: Situation) -> _Lines:
    shows = s.shows if s.printed else s.makes
    yield f"{shows} only {the(v)}"
    yield f"{shows} {the(v)} alone"
    yield f"only {v} {place}"
    yield f"{thing} must have only {v}"
    yield f"{thing} must be only {v}"
    yield f"keep {thing} on {v}" if v.startswith("one ") else f"keep only {v}"
    yield f"write {thing} on {v}" if v.startswith("one ") else f"write {thing} as only {v}"
    yield f"give only {the(v)}"
    yield f"{thing} are {v} only"
    yield f"use only {v}"
    yield f"nothing but {the(v)}"
    yield f"always {shows} only {the(v)}"
    yield f"{shows} nothing but {the(v)}"


def _suffix(v: str, thing: str, place: str, s: Situation) -> _Lines:
    """A suffix that a file is to have beside it or at its end."""
    if not place and not s.edits:
        return
    doing = gerund(s.file_changes[0]) if s.file_changes else "editing"
    yield f"put a {v} beside {'the file' if thing == 'files' else thing}"
    yield f"keep a {v} of {thing}"
    yield f"before {doing} a file put a {v} beside it"
    yield f"every {singular(thing)} needs a {v} beside it"
    yield f"{thing} must have a {v} beside them"


def _done_by_verb(f: Frame, v: str, thing: str) -> _Lines:
    """Commands with the verb of a role: `order groups from low to high`."""
    prepositions = {"order": "", "sort": "", "indent": "by", "separate": "with", "name": ""}
    for verb in _VERBS_OF.get(f.role, ()):
        yield f"{verb} {thing} {prepositions.get(verb, 'as')} {v}"
        if " to " in v:
            yield f"{verb} {thing} from {v}"
        yield from (
            f"{verb} {thing} {other}" for other in ORDER_WORDS.get(v, ()) if not prepositions.get(verb, "as")
        )


def the(noun: str) -> str:
    return (
        noun if is_plural(noun) or noun[:1].isdigit() or noun.startswith(("one ", "the ")) else f"the {noun}"
    )

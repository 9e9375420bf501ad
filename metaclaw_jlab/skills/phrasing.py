"""Says a frame in many short sentences: commands, statements, with and without the task's own verbs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest

from metaclaw_jlab.skills.english import (
    agree,
    capitalised,
    gerund,
    is_plural,
    participle,
    plural,
    singular,
    with_article,
)
from metaclaw_jlab.skills.frames import Frame, Kind
from metaclaw_jlab.skills.literals import NUMBER_WORDS, SUFFIXES, is_sign_name, other_spellings
from metaclaw_jlab.skills.situation import Situation

MOST, FEWEST = 24, 8
# Words with one meaning about order and size.
_ORDER_WORDS: Mapping[str, tuple[str, ...]] = {
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
    build = _NEGATIVE if frame.negative and frame.kind is not Kind.DO else _BUILDERS[frame.kind]
    lists = [
        [_tidy(line) for line in build(frame, own, thing, place, situation)]
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
        for other in other_spellings(word):
            found.append(" ".join([*words[:index], other, *words[index + 1 :]]))
    if len(words) == 1 and value.startswith(".") and value[1:].isalpha():
        found.append(f"{value} copy") if value[1:] not in SUFFIXES - {"bak"} else found.append(value[1:])
    if words and singular(words[-1]) == "digit":
        found += [f"{own} after the point" for own in (value, *found)]
        found += [
            re.sub(r"digits? after the point$", lambda m: plural_as(m[0], "decimal"), own)
            for own in found[-2:]
        ]
    if len(words) == 1 and is_sign_name(value):
        found.append(plural(value) if not is_plural(value) else singular(value))
    return list(dict.fromkeys(found))


def plural_as(model: str, noun: str) -> str:
    """The noun in the number of another: `digits after the point` gives `decimals`."""
    return plural(noun) if is_plural(model.split(" ", 1)[0]) else noun


def _have(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
    one, a = singular(thing), with_article(v)
    if not thing:
        yield from _alone(f, v, place)
        return
    if f.only:
        yield from _only(f, v, thing, place, s)
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


def _suffix(v: str, thing: str, place: str, s: Situation) -> _Lines:
    """A suffix that a file is to have beside it or at its end."""
    if not place and not s.edits:
        return
    doing = gerund(s.file_changes[0]) if s.file_changes else "editing"
    yield f"keep the old file as {v}"
    yield f"put a {v} beside {'the file' if thing == 'files' else thing}"
    yield f"save the old file as {v} before {doing}"
    yield f"make a {v} before {doing} a file"
    yield f"every {singular(thing)} needs a {v} beside it"
    yield f"{thing} must have a {v} beside them"


def _only(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
    shows = s.shows if s.printed else s.makes
    yield f"{shows} only {_the(v)}"
    yield f"{shows} {_the(v)} alone"
    yield f"only {v} {place}"
    yield f"{thing} must have only {v}"
    yield f"{thing} must be only {v}"
    yield f"keep {thing} on {v}" if v.startswith("one ") else f"keep only {v}"
    yield f"write {thing} on {v}" if v.startswith("one ") else f"write {thing} as only {v}"
    yield f"give only {_the(v)}"
    yield f"{thing} are {v} only"
    yield f"use only {v}"
    yield f"nothing but {_the(v)}"
    yield f"always {shows} only {_the(v)}"
    yield f"{shows} nothing but {_the(v)}"


def _the(noun: str) -> str:
    return (
        noun if is_plural(noun) or noun[:1].isdigit() or noun.startswith(("one ", "the ")) else f"the {noun}"
    )


def _be(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
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


def _role(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
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


def _done_by_verb(f: Frame, v: str, thing: str) -> _Lines:
    """Commands with the verb of a role: `order groups from low to high`."""
    prepositions = {"order": "", "sort": "", "indent": "by", "separate": "with", "name": ""}
    for verb in _VERBS_OF.get(f.role, ()):
        yield f"{verb} {thing} {prepositions.get(verb, 'as')} {v}"
        if " to " in v:
            yield f"{verb} {thing} from {v}"
        yield from (
            f"{verb} {thing} {other}" for other in _ORDER_WORDS.get(v, ()) if not prepositions.get(verb, "as")
        )


def _before(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
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


def _after(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
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


def _between(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
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


def _place(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
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


def _first(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
    last = "end" in place or "bottom" in place or place == "last"
    where = "last" if last else "first"
    adjective, _, noun = v.partition(" ")
    yield f"{s.shows} the {v} {where}"
    yield f"put the {v} {where}"
    yield f"the {v} comes {where}"
    for order in () if last else _ORDER_WORDS.get(adjective, ()):
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


def _say(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
    yield f"print {v}"
    for verb in s.file_changes[:2] if s.names_file and not s.printed else ():
        yield f"print {v} after {gerund(verb)} a file"
        yield f"say {v} when a file is {participle(verb)}"
        yield f"after {gerund(verb)} a file say {v}"
        yield f"print {v} for {participle(verb)} files"
        yield f"always print {v} after {gerund(verb)} a file"
        yield f"when a file is {participle(verb)} print {v}"
    if s.printed in {"number", "date", "list"}:
        yield from _before(f, v, f"{s.printed}s", place, s)
    yield f"say {v}"
    yield f"always print {v}"
    yield f"end with a printed {v}"
    yield f"the output must be {v}"
    yield f"the output must have {v}"
    yield f"print the word {v}"
    yield f"say {v} at the end"
    yield f"when done print {v}"
    yield f"always say {v}"


def _do(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
    command = f"{f.verb} {thing} {place}"
    done = f"{participle(f.verb)} {place}"
    if f.negative:
        yield f"do not {command}"
        yield f"never {command}"
        if thing and f.verb in {"print", "show", "write", "add", "make", "use", "put"}:
            yield f"{f.verb} no {re.sub('^(the|a|an) ', '', thing)} {place}"
        if thing:
            yield (
                f"{_the(thing)} must not be {done}" if not is_plural(thing) else f"{thing} must not be {done}"
            )
            yield f"{thing} are not {done}" if is_plural(thing) else f"no {done} {thing}"
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


def _negated(f: Frame, v: str, thing: str, place: str, s: Situation) -> _Lines:
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


_Builder = Callable[[Frame, str, str, str, Situation], _Lines]
_NEGATIVE: _Builder = _negated
_BUILDERS: Mapping[Kind, _Builder] = {
    Kind.HAVE: _have,
    Kind.BE: _be,
    Kind.ROLE: _role,
    Kind.BEFORE: _before,
    Kind.AFTER: _after,
    Kind.BETWEEN: _between,
    Kind.PLACE: _place,
    Kind.FIRST: _first,
    Kind.SAY: _say,
    Kind.DO: _do,
}

"""Brings a wish into one of a few frames, so that the same wish said in other grammar is phrased alike."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from metaclaw_jlab.skills.distiller.english import bare, is_plural, participle, plural, singular, word_set
from metaclaw_jlab.skills.distiller.literals import SIGN_NAMES, SUFFIXES, has_mark, is_sign_name
from metaclaw_jlab.skills.distiller.situation import Situation
from metaclaw_jlab.skills.distiller.wishes import VERBS, Wish, split_place


class Kind(StrEnum):
    """What a wish is about."""

    HAVE = "have"  # things have a value
    BE = "be"  # things are, or are written as, a value
    ROLE = "role"  # a value plays a role in things: separator, order, level
    BEFORE = "before"  # a value stands before things, or things begin with it
    AFTER = "after"  # a value stands behind things, or things end with it
    BETWEEN = "between"  # a value stands between things
    PLACE = "place"  # things are at a place
    FIRST = "first"  # a value comes first, or last
    SAY = "say"  # a word is printed
    DO = "do"  # something is done, or not


@dataclass(frozen=True, slots=True)
class Frame:
    """A wish in a frame: `things` without determiner (plural, best first), the `value`, and its `place` if any."""

    kind: Kind
    things: tuple[str, ...]
    value: str = ""
    place: str = ""
    role: str = ""
    verb: str = ""
    negative: bool = False
    only: bool = False


_OUTPUT = frozenset({"output", "printout", "reply", "answer", "print", "line of output", "print output", ""})
_FIRST = {"on top", "at the top", "at the start", "at the beginning", "first", "at first", "up front"}
_LAST = {"last", "at the bottom", "at the end", "at its end"}
_LEFT = re.compile(
    r"(?:at|on|to|by) (?:its|their|the) left(?: side)?|left of (?P<a>.+)|in front of (?P<b>.+)|before (?P<c>.+)"
)
_RIGHT = re.compile(
    r"(?:at|on|to|by) (?:its|their|the) right(?: side)?|right of (?P<a>.+)|behind (?P<b>.+)|after (?P<c>.+)"
)
_BETWEEN = re.compile(r"between (?:its |their |the |all |any |each of the |two )?(?P<a>.+)")
_WITHIN = re.compile(r"(?:in|among|for|of|inside|on) (?P<a>.+)")
_AS = re.compile(r"as (?P<a>.+)")
_SELF = word_set("each it them this that these those here there")
_PARTICIPLES = {participle(verb): verb for verb in VERBS}
_OWN = re.compile(r"\b(?:its|their|own|line|lines|row|rows)\b")
_PUTTING = word_set("use put insert add write print")
_SHOWING = word_set("write print save show treat count format give")
_WRITTEN = word_set("recorded written shown printed given formatted stored displayed noted")
_STRUCTURAL = word_set("title heading header column field value cell row line indent separator table")
_GENERIC = word_set("page document paper file task output folder place text")


def framed(wish: Wish, situation: Situation) -> Frame:
    """The frame of a wish; it holds every literal that the wish holds."""
    wish = recast(wish)
    if (
        wish.value
        and re.match(r"(?:with|containing|including|like) ", wish.place)
        and not wish.order
        and not wish.role
    ):
        wish = replace(wish, value=f"{wish.value} {wish.place}", place="")
    frame = _frame(wish, situation)
    told = "".join((*frame.things, frame.value, frame.place, frame.role))
    if any(has_mark(c) and c not in told for c in wish.place):
        return replace(frame, value=f"{frame.value} {wish.place}".strip())
    return frame


def _frame(wish: Wish, situation: Situation) -> Frame:
    value, only = wish.value, False
    if value.startswith("only "):
        value, only = bare(re.sub(r"^only (?:the |a |an )?", "", value)), True
    place = wish.place
    things = things_of(wish.subject, situation, value)
    base = Frame(Kind.HAVE, things, value, "", wish.role, wish.verb, wish.negative, only)
    if wish.order:
        return _commanded(base, wish, situation)
    if (verb := _command_of(wish)) is not None:
        what, rest = verb
        return replace(base, kind=Kind.DO, verb=what, place=rest, value="")
    if wish.verb == "say" or (
        wish.subject
        and _is_output(wish.subject)
        and wish.verb in {"be", "have"}
        and not only
        and _is_word(value)
    ):
        return replace(base, kind=Kind.SAY)
    if wish.verb in {"begin with", "end with"}:
        kind = Kind.BEFORE if wish.verb == "begin with" else Kind.AFTER
        return replace(base, kind=kind, value=value.partition(" and ")[0] if has_mark(value) else value)
    if wish.role:
        return replace(base, kind=Kind.ROLE, place="")
    if between := _BETWEEN.fullmatch(place):
        inner = between["a"].partition(" of ")[0]
        own = things if inner in _SELF else _joined(between["a"], wish.subject, situation)
        return replace(base, kind=Kind.BETWEEN, things=own)
    if value and (place in _FIRST or place in _LAST) and re.match(r"\w+est\b|\w+ing\b", value):
        return replace(base, kind=Kind.FIRST, value=_with_thing(value, wish.subject), place=place)
    return _located(base, wish, situation)


def _located(base: Frame, wish: Wish, situation: Situation) -> Frame:
    place, value = wish.place, base.value
    for pattern, kind in ((_LEFT, Kind.BEFORE), (_RIGHT, Kind.AFTER)):
        if value and (found := pattern.fullmatch(place)):
            inner = next((group for group in found.groups() if group), "")
            if re.match(r"\w+ing\b", inner):
                break
            if kind is Kind.AFTER and not has_mark(inner) and inner and " " in value:
                break  # `2 digits after the point`
            things = things_of(inner, situation, value) if inner and inner not in _SELF else base.things
            if has_mark(inner) and not has_mark(value):
                other = Kind.AFTER if kind is Kind.BEFORE else Kind.BEFORE
                return replace(
                    base, kind=other, things=things_of(value, situation, ""), value=_mark_of(inner)
                )
            return replace(base, kind=kind, things=things)
    if not value and place:
        return replace(base, kind=Kind.PLACE, place=place)
    if (
        value
        and not wish.subject
        and place
        and (has_mark(place) or _OWN.search(place) or place == "here" or place.startswith("outside"))
        and not has_mark(value)
    ):
        return replace(base, kind=Kind.PLACE, things=things_of(value, situation, ""), place=place, value="")
    if value and not wish.subject and not base.only and (within := _WITHIN.fullmatch(place)):
        things = things_of(within["a"], situation, value)
        kind = Kind.SAY if _is_output(bare(within["a"])) and _is_word(value) else Kind.HAVE
        return replace(base, kind=kind, things=things)
    if place.startswith("in ") and bare(place[3:]) in {"output", "number", "file", "task", "figure", "table"}:
        place = ""
    if wish.verb == "be" and not base.only and not place:
        return replace(base, kind=Kind.BE)
    if has_mark(value) and len(value) == 1 and not place and not base.negative and _is_form(wish):
        return replace(base, kind=Kind.BE)
    return replace(base, kind=Kind.HAVE, place=place, verb=base.verb)


def _is_form(wish: Wish) -> bool:
    return wish.verb in {"have", "be"} and not wish.place


def recast(wish: Wish) -> Wish:
    """The same wish in plainer grammar."""
    if wish.order:
        return wish
    taken = re.fullmatch(r"as (?P<v>.+)", wish.place)
    if taken and wish.verb == "be" and wish.value in _WRITTEN:
        return replace(wish, value=bare(taken["v"]), place="")
    if (
        wish.verb in {"take", "treat", "count", "read", "see", "show", "write", "save", "print"}
        and wish.value
        and taken
    ):
        return replace(wish, verb="be", value=bare(taken["v"]), subject=wish.value, place="")
    if (
        wish.verb in {"stand", "be", "lie", "sit"}
        and not wish.value
        and (found := re.fullmatch(r"between (?P<v>.+)", wish.place))
    ):
        subject, owner = split_place(wish.subject)
        owner = bare(re.sub(r"^(?:in|of) ", "", owner))
        return Wish("have", bare(found["v"]), owner, f"between {subject}")
    inner = re.fullmatch(r"with (?P<v>[\ue000-\uf8ff])(?: at (?:its|the) end)?(?: (?P<rest>.+))?", wish.place)
    if inner and not has_mark(wish.value):
        return replace(wish, value=inner["v"], place=inner["rest"] or "", subject=wish.subject)
    cut = re.fullmatch(r"(?P<first>[a-z]+ [\ue000-\uf8ff]) (?:in|of) .+", wish.place)
    return replace(wish, place=cut["first"]) if cut else wish


def _command_of(wish: Wish) -> tuple[str, str] | None:
    """The verb to do to the subject, and what follows, where the wish is a passive: `be left out`, `be sorted`."""
    if wish.verb == "be" and wish.value:
        head, _, rest = wish.value.partition(" ")
        if head in _PARTICIPLES:
            return _PARTICIPLES[head], f"{rest} {wish.place}".strip()
    if wish.verb == "leave out":
        return "leave", "out"
    if wish.verb in _PARTICIPLES:
        return _PARTICIPLES[wish.verb], wish.place
    return None


def _commanded(base: Frame, wish: Wish, situation: Situation) -> Frame:
    """The frame of a command of the user: what it says of a value, or just the command."""
    if wish.value and not wish.negative and (found := _value_command(base, wish, situation)):
        return found
    things = (wish.value,) if wish.value else base.things if wish.place.startswith("to ") else ()
    return replace(base, kind=Kind.DO, things=things, verb=wish.verb, place=wish.place, value="")


def _value_command(base: Frame, wish: Wish, situation: Situation) -> Frame | None:
    """The frame of a command that is about a value: use it, put it somewhere, write things as it."""
    value, place, verb = base.value, wish.place, wish.verb
    what, named = _WITHIN.fullmatch(place), _AS.fullmatch(place)
    if verb in {"use", "prefer", "have"} and (what or not place):
        things = things_of(what["a"] if what else "", situation, value)
        return replace(base, kind=Kind.HAVE, value=bare(value), things=things)
    if verb in {"say", "print", "write"} and has_mark(value) and len(value) == 1 and not place:
        return replace(base, kind=Kind.SAY)
    if verb in _PUTTING and (between := _BETWEEN.fullmatch(place)):
        return replace(base, kind=Kind.BETWEEN, things=_joined(between["a"], "", situation))
    if verb in _PUTTING and has_mark(value):
        for pattern, kind in ((_LEFT, Kind.BEFORE), (_RIGHT, Kind.AFTER)):
            found = pattern.fullmatch(place)
            inner = next((group for group in found.groups() if group), "") if found else ""
            if inner and not re.match(r"\w+ing\b", inner):
                return replace(base, kind=kind, value=bare(value), things=things_of(inner, situation, value))
    if verb in _PUTTING and named:
        role, _, owner = bare(named["a"]).partition(" of ")
        files = tuple(f"{kind} files" for kind in situation.formats[:1])
        return replace(base, kind=Kind.ROLE, role=role, things=things_of(owner, situation, value) or files)
    if verb in _SHOWING and named:
        return replace(base, kind=Kind.BE, things=things_of(value, situation, ""), value=bare(named["a"]))
    return None


def _is_output(subject: str) -> bool:
    return bare(subject).lower() in _OUTPUT


def _is_word(value: str) -> bool:
    """Whether a value may be a word to print: one mark or one small word."""
    return (
        bool(value)
        and " " not in value
        and value not in {"empty", "nothing", "plain", "short", "sorted", "all"}
    )


def _mark_of(phrase: str) -> str:
    return "".join(c for c in phrase if has_mark(c))[:1]


def _with_thing(value: str, subject: str) -> str:
    """`the smallest` of groups is the smallest group."""
    if " " in value or not subject:
        return value
    return f"{value} {singular(bare(subject).partition(' of ')[0])}"


def _joined(inner: str, owner: str, situation: Situation) -> tuple[str, ...]:
    """The things between which something stands, and those of their owner: `values of csv files`."""
    inner = bare(inner)
    if " of " in inner or not owner or " of " in owner:
        return (owner,) if " of " in owner and inner in _SELF else (inner,)
    return (*(f"{inner} of {thing}" for thing in things_of(owner, situation, "")[:1]), inner)


def things_of(subject: str, situation: Situation, value: str) -> tuple[str, ...]:
    """Nouns in the plural for what a clause speaks of, best first: with the file's kind, the way it was made."""
    noun = bare(subject)
    noun, place = split_place(noun)
    if place.startswith(("in ", "of ")):
        kind = bare(place[3:]).split(" ")[0]
        noun = f"{kind} {noun}" if kind in SUFFIXES else noun
    head, _, owner = noun.partition(" of ")
    if owner and bare(owner) in _GENERIC | {"this page"}:
        noun = head
    if noun.lower() in _OUTPUT:
        kinds = {"number": ("numbers", "printed numbers"), "date": ("dates", "printed dates")}
        if noun:
            return (*kinds.get(situation.printed, ()), "output")
        if is_sign_name(value) or value in SIGN_NAMES:
            return tuple(f"{kind} files" for kind in situation.formats[:1])
        return kinds.get(situation.printed, ()) if has_mark(value) or value[:1].isdigit() else ()
    if noun in SUFFIXES:
        return (f"{noun} files", noun)
    if noun in {"file", "files"} or noun in {"text of file", "old text of file"}:
        return _files(situation)
    if noun in {"old file", "edited file", "new file", "original file"}:
        return (plural(noun), *_files(situation)) if noun != "new file" else _files(situation)
    many = plural(noun) if not is_plural(noun) else noun
    found = [many]
    if noun in {"number", "numbers", "value", "values", "date", "dates", "day"}:
        found.append(f"printed {many}")
    if " " not in many and noun not in {"number", "date"}:
        structural = singular(many) in _STRUCTURAL
        found = [
            f"{kind} {many}" for kind in situation.formats[:1] if structural and kind not in many
        ] + found
    return tuple(dict.fromkeys(found))


def _files(situation: Situation) -> tuple[str, ...]:
    done = [f"{participle(verb)} files" for verb in situation.file_changes[:2]]
    if situation.writes:
        done = ["new files"]
    elif situation.edits and "edited files" not in done:
        done.insert(0, "edited files")
    return (*done, "files")

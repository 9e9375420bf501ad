"""Reads out of a clause what it wants: of what, what shall be there or not, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from metaclaw_jlab.skills.distiller.antecedents import READERS, Context, context_of, resolved, with_noun
from metaclaw_jlab.skills.distiller.english import bare, base_form, is_plural, word_set
from metaclaw_jlab.skills.distiller.literals import NUMBER_WORDS, has_mark, is_sign_name
from metaclaw_jlab.skills.distiller.segments import segments_of, tidied


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted: `subject` shall (or, `negative`, shall not) `verb` `value` `place`, as phrases of the clause.

    The verb is a base form (`have`, `be`, `begin with`); `role` is what the value is to the subject (`separator`,
    `order`), `place` a phrase with its preposition. Parts that the clause does not tell are empty.
    """

    verb: str
    value: str
    subject: str = ""
    place: str = ""
    role: str = ""
    negative: bool = False
    order: bool = False  # said as a command to the agent


VERBS = word_set(
    """add align annotate append apply arrange avoid back begin build call capitalise capitalize check
    choose close comment compute record convert copy count create cut declare define delete display do
    document draw drop edit end ensure exclude export fill finish fix follow format give group handle
    ignore include indent insert join keep label leave limit list load log lowercase make mark mention
    move name omit open order place plot prefer prefix prepend preserve print put quote read remove
    rename repeat replace report return round run save say separate set show skip sort specify split
    start state stop store strip submit suffix surround take tell test treat trim truncate turn type
    update use validate wrap write"""
)
_DROPPED_E = frozenset(verb[:-1] for verb in VERBS if verb.endswith("e"))
_LEADERS = (
    r"(?:please|kindly|always|remember to|don't forget to|do not forget to|"
    r"be sure to|make sure to|make sure you|make sure|"
    r"ensure you|next time|in future|you should|you must|you need to|you have to|you must first|"
    r"we require you to|from now on|in general|generally)"
)
_NOT = r"(?:do not|don't|dont|never|don’t|avoid|stop|you should not|you must not|you shouldn't|please no)"
_MODAL = (
    r"(?:should always|must always|must first|should first|should|must|shall|ought to|needs? to|has to|have to|had to|"
    r"(?:is|are|was|were) to|(?:is|are|was|were) (?:expected|supposed|meant|required|asked|wanted) to)"
)
_BE = r"(?:is|are|was|were)"
_ADJECTIVE = r"(?:expected|wanted|required|needed|missing|preferred|desired|asked for|absent|welcome)"
_PLACE = re.compile(
    r"\b(?:left of|right of|on top|at the (?:start|beginning|top|bottom|end)\b(?: of)?|outside(?: of)?|"
    r"in front of|instead of|between|behind|beside|besides|before|after|under|above|below|around|inside|within|into|"
    r"next to|at|in|on|for|as|with|without|by|per|to|from|"
    r"when|whenever|if|unless|until|while|like|there|here|alone)(?=\s|$)"
)
_VAGUE = word_set(
    """something anything else another other better different right wrong correct correctly formatted
    format standard standards convention conventions compliant valid proper properly style ok okay good
    bad used read found there here expected required needed issue problem correction rule readable again
    same nothing-else it more"""
)
_ROLES = word_set(
    """form format shape style order level indent separator delimiter name label prefix suffix ending
    extension notation case encoding folder title width length size unit sign header footer"""
)
_ROLE_AS = re.compile(r"^as (?:its|the|their|a|an|your|our) (.+)$")
_ROLE_FOR = re.compile(rf"^for (?:its|their|the) ((?:{'|'.join(sorted(_ROLES))})(?: of .+)?)$")


def read_wish(text: str) -> Wish | None:
    """What a marked clause wants, None where it tells no more than that something was wrong."""
    segments = segments_of(tidied(text))
    for readers in (_EXPECTING, (*_EXPECTING, *_COMPLAINING)):
        for index, segment in enumerate(segments):
            for reader in readers:
                found = reader(segment)
                wish = _resolved(found, context_of(segments[:index])) if found is not None else None
                if wish is not None and _tells(wish):
                    return wish
    return None


def split_place(phrase: str) -> tuple[str, str]:
    """An object and the phrase of place after it."""
    for found in _PLACE.finditer(phrase):
        if found.start() > 0:
            return phrase[: found.start()].strip(), phrase[found.start() :].strip()
    return phrase, ""


def _wanted(
    value: str, place: str = "", subject: str = "", verb: str = "have", negative: bool = False
) -> Wish:
    head = value.split(" ", 1)[0].lower()
    if head.endswith("ing") and head[:-3] in VERBS | _DROPPED_E:
        command = next(verb for verb in VERBS if verb in {head[:-3], f"{head[:-3]}e"})
        return replace(
            _predicate(f"{command}{value[len(head) :]}", "", negative, order=True) or Wish("", ""), order=True
        )
    value, inner = split_place(value)
    return Wish(verb, value, subject, f"{inner} {place}".strip(), negative=negative)


def _predicate(phrase: str, subject: str, negative: bool = False, order: bool = False) -> Wish | None:
    """The wish of a verb phrase in base form."""
    words = phrase.split()
    while words and words[0].lower() in {
        "also",
        "always",
        "only",
        "first",
        "now",
        "instead",
        "not",
        "stay",
        "remain",
    }:
        if words[0].lower() == "not":
            negative = not negative
        if words[0].lower() in {"stay", "remain"}:
            words[0] = "be"
            break
        words = words[1:]
    if not words:
        return None
    verb, rest = words[0].lower(), " ".join(words[1:])
    if rest.split(" ", 1)[0] in {"with", "at", "by", "like"} and verb in _TWO_WORDS:
        particle, _, rest = rest.partition(" ")
        verb = f"{verb} {particle}"
    if verb in {"be", "look like"}:
        if rest.startswith("not "):
            negative, rest = not negative, rest[4:]
        if negative and rest in {"in it", "in there", "in them", "there"}:
            return Wish("leave out", "", subject)
        if _PLACE.match(rest) and not order:
            return Wish("be", "", subject, rest, negative=negative)
        return _with_place("be", rest, subject, negative, order)
    verb = _SAME_VERB.get(verb, verb)
    if rest.startswith("no "):
        return _with_place(verb, rest[3:], subject, not negative, order)
    return _with_place(verb, rest, subject, negative, order)


_TWO_WORDS = word_set("begin start end stop come finish open close look write")
_SAME_VERB: Mapping[str, str] = {
    "begin with": "begin with",
    "start with": "begin with",
    "open with": "begin with",
    "come with": "have",
    "finish with": "end with",
    "close with": "end with",
    "carry": "have",
    "hold": "have",
    "contain": "have",
    "include": "have",
    "need": "have",
    "tell": "say",
}


_CONTRAST = re.compile(r",? (?:instead of|rather than|and not|not) \S.*$")


def _with_place(verb: str, rest: str, subject: str, negative: bool, order: bool) -> Wish:
    rest = rest if negative else _CONTRAST.sub("", rest)
    value, place = split_place(rest) if not _PLACE.match(rest) else ("", rest)
    return Wish(verb, value, subject, place, negative=negative, order=order)


_Reader = Callable[[str], Wish | None]


def _reader(pattern: str, build: Callable[[re.Match[str]], Wish | None]) -> _Reader:
    compiled = re.compile(pattern, re.IGNORECASE)

    def read(segment: str) -> Wish | None:
        found = compiled.fullmatch(segment)
        return build(found) if found else None

    return read


def _attribute(found: re.Match[str]) -> Wish:
    subject = found["s"]
    inner = re.search(r"\b(?:has|have|holds?|with) (?:its |their |the |a |an )?(.+?) (?:at|in|of)$", subject)
    owner = (
        inner[1] if inner else re.sub(r"\s+(?:has|have|holds?|came|comes|is|are|was|were)\b.*$", "", subject)
    )
    return Wish("have", found["v"], owner, role=found["n"])


def _nobody(found: re.Match[str]) -> Wish | None:
    what = found["v"]
    if what.strip() in {"", "it", "that", "this", "them"}:
        return Wish("have", "it", "", negative=True)
    return _wanted(what, negative=True)


def _carried(found: re.Match[str]) -> Wish:
    value, place = split_place(found["v"])
    return Wish("have", value, found["s"], place, negative=True)


_NO_COMMAND = word_set("mind worry know think care understand like bother the a an it this that")
_STATEMENT = re.compile(
    r"^(?:\S+ ){1,4}(?:must|should|shall|needs?|has|have|is|are|was|were|does|do|lacks?)\b"
)


def _command(found: re.Match[str]) -> Wish | None:
    verb = found["vp"].split(" ", 1)[0].lower()
    told = found["lead"] or found["no"]
    if verb in _NO_COMMAND or (verb not in VERBS and not told) or _STATEMENT.match(found["vp"]):
        return None
    negative = bool(found["no"])
    words = found["vp"].split()
    if negative and verb.endswith("ing"):
        words[0] = verb[:-3]
    return _predicate(" ".join(words), "", negative, order=True)


def _instead(found: re.Match[str]) -> Wish:
    return _wanted(found["v"], subject=found["s"])


def _only(found: re.Match[str]) -> Wish:
    value = re.sub(r"^only ", "", found["v"], flags=re.IGNORECASE)
    return Wish("have", f"only {bare(value)}", "", (found["rel"] or "").strip())


def _nothing(found: re.Match[str]) -> Wish:
    return Wish("have", "nothing", "", (found["rel"] or "").strip())


_EXPECTING: tuple[_Reader, ...] = (
    _reader(
        rf"(?P<lead>(?:{_LEADERS},? )*)(?:(?P<no>{_NOT}) )?(?:please )?(?:always )?(?:first )?"
        r"(?P<vp>(?!no\b)[a-z]+ .+)",
        _command,
    ),
    _reader(rf"{READERS} requires? (?P<s>.+?) to (?P<vp>[a-z]+ .+)", lambda m: _predicate(m["vp"], m["s"])),
    _reader(
        r"(?P<s>.+?)(?:,? and)? (?:could|can|cannot|can't|could not|couldn't|can not)\b"
        r".*? unless (?P<p>\w+) (?P<v>\w+) (?P<r>.+)",
        lambda m: _predicate(f"{base_form(m['v'])} {m['r']}", m["s"]),
    ),
    _reader(
        r"(?P<s>.+?) (?:could not|cannot|can not|couldn't|can't) be \w+(?: \w+)? with (?P<v>.+)",
        lambda m: _wanted(m["v"], subject=m["s"]),
    ),
    _reader(
        rf"(?P<s>.+?) {_BE} (?:hard|difficult|impossible|useless|not \w+|of no use)(?: .*?)? without (?P<v>.+)",
        lambda m: _wanted(m["v"], subject=m["s"]),
    ),
    _reader(r"(?P<s>.+?) (?:another|other|a different|the wrong) (?P<n>\w+) than (?P<v>.+)", _attribute),
    _reader(r"(?P<s>.+?) (?:has|have|uses?|used|had|came with|with) .+? (?:instead of|rather than) (?P<v>.+)",
            _instead),
    _reader(r"nobody (?:wants?|wanted|needs?|needed|asked for|reads?)(?P<v>| .+)", _nobody),
    _reader(
        r"(?P<s>.+?) (?:carries|has|have|had|came with|holds?|contains?) (?P<v>.+?) that nobody "
        r"(?:wants?|wanted|asked for|needs?)",
        _carried,
    ),
    _reader(rf"(?P<v>only .+?) {_BE} {_ADJECTIVE}(?P<rel> .+)?", _only),
    _reader(rf"(?P<v>.+?) alone {_BE} {_ADJECTIVE}(?P<rel> .+)?", _only),
    _reader(rf"nothing {_BE} (?:expected|wanted|needed)(?P<rel> .+)?", _nothing),
    _reader(r"(?:want|wanted|expect|expected|need|needs?) none", lambda _: Wish("have", "it", "", negative=True)),
    _reader(rf"no (?P<v>.+?) (?:{_BE} )(?:expected|wanted|needed|allowed|required)(?P<rel> .+)?",
            lambda m: _wanted(m["v"], m["rel"] or "", negative=True)),
    _reader(rf"no (?P<v>.+?) (?:{_BE}|could be) (?:found|seen|there|given|written|printed|made|saved)(?P<rel> .+)?",
            lambda m: _wanted(m["v"], (m["rel"] or "").strip())),
    _reader(rf"{READERS} (?:look|looks|looked) for (?P<v>.+)", lambda m: _wanted(m["v"])),
    _reader(rf"{READERS} (?:use|uses|prefer|want|need|expect|write|like|keep|have) (?P<v>.+)",
            lambda m: _wanted(m["v"])),
    _reader(r"(?P<s>.+?) (?:was|were) looked for (?P<place>(?:under|in|at|as|with) .+)",
            lambda m: _named(m["s"], m["place"])),
    _reader(rf"(?P<s>.+?) {_MODAL} not (?P<vp>.+)", lambda m: _predicate(m["vp"], m["s"], True)),
    _reader(r"(?P<s>.+?) (?:mustn't|shouldn't|may not|cannot|must never|should never) (?P<vp>.+)",
            lambda m: _predicate(m["vp"], m["s"], True)),
    _reader(rf"(?P<s>.+?) {_MODAL} (?P<vp>.+)", lambda m: _predicate(m["vp"], m["s"])),
    _reader(rf"{_MODAL} (?P<vp>.+)", lambda m: _predicate(m["vp"], "")),
    _reader(r"(?P<v>.+?) belongs? (?P<rel>.+)", lambda m: _wanted(m["v"], m["rel"])),
    _reader(rf"(?P<v>.+?) {_BE} {_ADJECTIVE}(?: (?P<rel>(?!an? |the |its |any |[\ue000-\uf8ff]).+))?",
            lambda m: _wanted(m["v"], m["rel"] or "")),
    _reader(rf"(?P<s>(?!the |this |these |that |those |some |no |only |{READERS} )[a-z].*?) "
            r"(?:is|are) (?:always |never )?(?P<v>\w+(?:ed|en) .+)",
            lambda m: _predicate(f"be {m['v']}", m["s"], " never " in m[0])),
    _reader(r"more than (?P<v>.+?) (?:was|were) (?:found|printed|written|there)(?P<rel> .+)?",
            lambda m: _wanted(f"only {m['v']}", (m["rel"] or "").strip())),
)  # fmt: skip
_COMPLAINING: tuple[_Reader, ...] = (
    _reader(r"(?P<s>.+?) (?:does not|do not|doesn't|don't|did not|didn't|fails? to) (?P<vp>.+)",
            lambda m: _predicate(m["vp"], m["s"])),
    _reader(r"(?P<s>.+?) (?:lacks?|lacked|misses|needs?|requires?|is missing|are missing|is without|came without|"
            r"has no|have no|had no|(?:was|were) missing) (?P<v>.+)", lambda m: _wanted(m["v"], subject=m["s"])),
    _reader(r"(?:missing|is missing|are missing|lacks?|no|without) (?P<v>.+)", lambda m: _wanted(m["v"])),
    _reader(r"(?P<s>.+?) (?P<verb>uses?|ends? with|begins? with|starts? with|goes in|go in) (?P<v>.+)",
            lambda m: _habit(m["s"], m["verb"], m["v"])),
    _reader(rf"(?P<s>.+?) {_BE} not (?P<v>.+)", lambda m: _predicate(f"be {m['v']}", m["s"])),
)  # fmt: skip


def _named(subject: str, place: str) -> Wish:
    """`looked for under a name with dashes`: the name has dashes; `under out/`: the file is there."""
    found = re.fullmatch(r"under an? (?P<n>\w+) (?:with|of) (?P<v>.+)", place)
    if found:
        return Wish("have", found["v"], f"{bare(subject)} {found['n']}")
    found = re.fullmatch(r"under an? (?P<n>\w+) that is (?P<v>.+)", place)
    if found:
        return Wish("be", found["v"], f"{bare(subject)} {found['n']}")
    return Wish("be", "", subject, place)


def _habit(subject: str, verb: str, value: str) -> Wish | None:
    if not is_plural(bare(subject)) and not subject.lower().startswith(("every", "each", "our")):
        return None
    head, _, particle = verb.partition(" ")
    return _predicate(f"{base_form(head.lower())} {particle} {value}".replace("  ", " "), subject)


def _resolved(wish: Wish, context: Context) -> Wish | None:
    """The wish with its pronouns replaced by what they stand for in the segments before it."""
    if wish.value in {"it", "that", "this", "them"}:
        if not wish.negative:
            return replace(wish, verb="be", value="", subject=context.subject)
        if context.done:
            return Wish(context.done, "", context.subject, negative=True)
        value, place = split_place(context.object)
        return replace(wish, value=bare(value), place=place or wish.place, subject=context.subject)
    subject = resolved(wish.subject, context)
    value = with_noun(wish.value if wish.order else _whole(wish.value), context)
    if _is_number(value) and context.measured:
        value = f"{value} {context.measured}"
    value, role, place = (value, wish.role, wish.place) if wish.order else _role(value, wish.role, wish.place)
    return Wish(wish.verb, value, subject, place, role, wish.negative, wish.order)


def _whole(value: str) -> str:
    """A value without its determiners, but for `all`, which is part of what is wanted."""
    found = re.fullmatch(r"(?:all|each|every one)(?: of)? (?:(?:its|the|their) )?(?P<rest>.+s)", value)
    return f"all {found['rest']}" if found else bare(value)


def _is_number(value: str) -> bool:
    return value in NUMBER_WORDS or (has_mark(value) and len(value) == 1)


def _role(value: str, role: str, place: str) -> tuple[str, str, str]:
    """Takes what the value is to the subject out of its phrases: `as its separator`, `an indent of 2`."""
    found = _ROLE_AS.match(place) or _ROLE_FOR.match(place)
    if found and not role:
        noun = found[1].split(" of ")[0]
        return value, noun, ""
    named = re.fullmatch(r"(?P<n>[a-z]+) (?:of |)(?P<v>[\ue000-\uf8ff])", value) or re.fullmatch(
        r"(?P<v>[\ue000-\uf8ff]) (?P<n>format|order|style|form|notation|case)", value
    )
    if named and not role and named["n"] in _ROLES:
        return named["v"], named["n"], place
    return value, role, place


def _tells(wish: Wish) -> bool:
    """Whether a wish says more than that something was wrong."""
    words = re.findall(r"[\w'-]+|[\ue000-\uf8ff]", f"{wish.value} {wish.place}".lower())
    telling = [word for word in words if word not in _VAGUE and word not in _SMALL]
    if (wish.verb not in {"have", "be"} and wish.subject) or wish.place == "here":
        return True
    if re.search(r"\b(?:expected|correct|right|proper|wrong|compliant)\b", wish.value):
        return False
    return bool(telling) or has_mark(wish.value + wish.place) or any(map(is_sign_name, words))


_SMALL = word_set(
    """a an the this that of in on at by to for with without as its their and or be is are was were no not
    any some all each every"""
) - {"all"}

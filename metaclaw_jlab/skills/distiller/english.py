"""Forms of English words: plurals, -ing, participles, articles. Rules and the commonest exceptions, no dictionary."""

from __future__ import annotations

import re


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_PLURALS = {
    "child": "children",
    "person": "people",
    "datum": "data",
    "axis": "axes",
    "analysis": "analyses",
    "index": "indices",
    "half": "halves",
    "leaf": "leaves",
}
_SINGULARS = {plural: noun for noun, plural in _PLURALS.items()}
# Nouns without a plural of their own.
MASS = word_set(
    """output input money text data code markdown html xml nothing anything everything naming formatting
    whitespace punctuation information frontmatter metadata boilerplate documentation time zero"""
)
_PARTICIPLES = {
    "write": "written", "put": "put", "keep": "kept", "make": "made", "show": "shown", "give": "given",
    "take": "taken", "do": "done", "go": "gone", "set": "set", "find": "found", "build": "built",
    "draw": "drawn", "send": "sent", "leave": "left", "get": "got", "read": "read", "cut": "cut",
    "say": "said", "tell": "told", "begin": "begun", "hold": "held", "bring": "brought", "split": "split",
    "stand": "stood", "run": "run", "come": "come",
}  # fmt: skip
_THIRD = {"has": "have", "is": "be", "are": "be", "was": "be", "were": "be", "does": "do", "goes": "go"}
_SIBILANT = ("s", "x", "z", "ch", "sh")


def plural(noun: str) -> str:
    """The plural of a noun phrase; its last word changes, or the word before `of`."""
    head, of, rest = noun.partition(" of ")
    if of:
        return f"{plural(head)}{of}{rest}"
    before, blank, last = noun.rpartition(" ")
    return f"{before}{blank}{_plural(last)}"


def _plural(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if word in MASS or is_plural(word) or not word.isalpha() or word.isupper():
        return word
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(_SIBILANT) else f"{word}s"


def is_plural(noun: str) -> bool:
    """Whether a noun phrase looks like a plural."""
    word = noun.partition(" of ")[0].rpartition(" ")[2]
    return word in _SINGULARS or (
        len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is")) and word.islower()
    )


def singular(noun: str) -> str:
    """The singular of a noun phrase."""
    head, of, rest = noun.partition(" of ")
    if of:
        return f"{singular(head)}{of}{rest}"
    before, blank, word = noun.rpartition(" ")
    if word in _SINGULARS:
        word = _SINGULARS[word]
    elif is_plural(word):
        if word.endswith("ies") and len(word) > 4:
            word = f"{word[:-3]}y"
        elif word.endswith(("xes", "zes", "ches", "shes", "sses")):
            word = word[:-2]
        else:
            word = word[:-1]
    return f"{before}{blank}{word}"


def with_article(noun: str) -> str:
    """`a` or `an` before a noun phrase; none where it is a plural or has a determiner."""
    first = noun.split(" ", 1)[0]
    if not noun or is_plural(noun) or noun in MASS or first in _DETERMINERS or first[:1].isdigit():
        return noun
    if first.isupper() or not first[:1].isalpha():
        return f"a {noun}"
    return f"an {noun}" if first[:1].lower() in "aeiou" else f"a {noun}"


_DETERMINERS = word_set(
    """a an the this that these those its their his her our your my each every all any no some only one two
    three four five six seven eight nine ten nothing"""
)
_STRIPPED = word_set("a an the this that these those its their our your my each every all any some")


def bare(noun: str) -> str:
    """A noun phrase without its determiners."""
    words = noun.split()
    while len(words) > 1 and words[0].lower() in _STRIPPED:
        words = words[1:]
    if len(words) > 2 and words[0] == "of" and words[1] in _STRIPPED:
        words = words[2:]
    return " ".join(words)


def _doubles(verb: str) -> bool:
    """Whether the last letter is doubled before an ending: set, stop; not open, edit."""
    return bool(re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", verb)) or verb in {"forget", "begin", "prefer"}


def gerund(verb: str) -> str:
    """`moving` of `move`."""
    head, blank, rest = verb.partition(" ")
    if head.endswith("e") and not head.endswith("ee") and head != "be":
        head = head[:-1]
    elif _doubles(head):
        head += head[-1]
    return f"{head}ing{blank}{rest}"


def participle(verb: str) -> str:
    """`moved` of `move`."""
    if verb in _PARTICIPLES:
        return _PARTICIPLES[verb]
    if verb.startswith(("over", "re", "under")) and verb.endswith(
        ("write", "make", "take", "build", "draw", "run", "set")
    ):
        head = next(
            end for end in ("write", "make", "take", "build", "draw", "run", "set") if verb.endswith(end)
        )
        return verb[: -len(head)] + _PARTICIPLES[head]
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        return f"{verb[:-1]}ied"
    return f"{verb}{verb[-1]}ed" if _doubles(verb) else f"{verb}ed"


def third_person(verb: str) -> str:
    """`begins with` of `begin with`."""
    head, blank, rest = verb.partition(" ")
    inverse = {"have": "has", "be": "is", "do": "does", "go": "goes"}
    if head in inverse:
        head = inverse[head]
    elif head.endswith("y") and head[-2:-1] not in tuple("aeiou"):
        head = f"{head[:-1]}ies"
    else:
        head += "es" if head.endswith(_SIBILANT) else "s"
    return f"{head}{blank}{rest}"


def base_form(verb: str) -> str:
    """`begin` of `begins`; a word that has no such form stays."""
    if verb in _THIRD:
        return _THIRD[verb]
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    if verb.endswith(tuple(f"{ending}es" for ending in _SIBILANT)):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") and len(verb) > 3 else verb


def agree(subject: str, verb: str) -> str:
    """The form of a base verb that goes with a subject."""
    if is_plural(subject) or subject.lower() in {"we", "you", "they"}:
        head, blank, rest = verb.partition(" ")
        return f"{'are' if head == 'be' else head}{blank}{rest}"
    return third_person(verb)


def capitalised(text: str) -> str:
    """The text with a capital first letter, unless it begins with a name or a literal."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and len(first) > 0 and first.islower() else text

"""What pronouns stand for: the nouns that the first parts of a clause speak of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from metaclaw_jlab.skills.distiller.english import bare, is_plural, singular, word_set

PRONOUNS = word_set("it they them this that these those one he she its their there which each")
READERS = (
    r"(?:readers?|people|users?|others|everybody|everyone|nobody|no one|we|they|colleagues|the team|i|you)"
)
_VERB = re.compile(
    r"\s(?:is|are|was|were|has|have|had|came|comes|landed|lost|carries|tells|does|do|will|begins?|says?|holds?|uses?|"
    r"left|counts?|lacks?|moved|gets?|got|made|looks?|found|can|cannot|could|went|goes|misses|shows?|prints?)\b"
)
_FOUND = re.compile(r"(?:was|were) (?:found|left|seen|made|printed|written|there)\b\s*")
_STATE = re.compile(r"\b(?P<noun>\w+) that (?:is|are) (?P<state>\w+)$")
_OF_EXPECTED = re.compile(r"^(?P<head>.+?) of the (?:expected|right|wrong|correct) (?P<part>\w+)$")
_WRONG = re.compile(r"\b(?:the|a) (?:wrong|unexpected) (?P<part>\w+)")


@dataclass(frozen=True, slots=True)
class Context:
    """Nouns without determiners: who or what acted, and on what; `many` is the last plural, `state` an adjective
    with its noun (`empty cells`), `measured` a plural that was wrong (`digits`), `done` a participle (`filled`)."""

    subject: str = ""
    object: str = ""
    many: str = ""
    state: str = ""
    measured: str = ""
    done: str = ""


def context_of(segments: Sequence[str]) -> Context:
    """What the segments before a wish speak of; the last of them counts most."""
    if not segments:
        return Context()
    text = segments[-1]
    verb = _VERB.search(text)
    subject = text[: verb.start()].strip() if verb else text
    rest = text[verb.end() :].strip() if verb else ""
    done = ""
    if verb and (found := _FOUND.match(text[verb.start() :].strip())):
        rest = f"{subject} {text[verb.start() :].strip()[found.end() :]}".strip()
    elif verb and (
        passive := re.match(r"\s*(?:is|are|was|were) (?P<p>\w+ed|put|cut|set)\b", text[verb.start() :])
    ):
        done = passive["p"]
    if re.fullmatch(READERS, subject, re.IGNORECASE):
        subject = ""
        last = re.search(r"\bthe ((?:\w+ ){0,2}\w+)$", rest)
        if last and not rest.startswith(("a ", "an ", "the ")):
            subject = last[1]
    subject, measured = _owner(re.sub(r"^(?:no|another|a second)\s+", "", subject), text)
    state = _STATE.search(text)
    return Context(
        subject=bare(subject),
        object=re.sub(r"\s+behind$", "", rest),
        many=_last_plural(rest) or _last_plural(subject),
        state=f"{state['state']} {state['noun']}" if state else "",
        measured=measured,
        done=done,
    )


def _owner(subject: str, text: str) -> tuple[str, str]:
    """The subject, with the part of it that was wrong: `file name` where a file has the wrong name."""
    expected = _OF_EXPECTED.match(subject)
    if expected:
        return f"{bare(expected['head'])} {expected['part']}", ""
    wrong = _WRONG.search(text)
    if wrong and is_plural(wrong["part"]):
        return subject, wrong["part"]
    return (f"{bare(subject)} {wrong['part']}", "") if wrong else (subject, "")


def _last_plural(text: str) -> str:
    nouns = [word for word in re.findall(r"[a-z]+", text) if is_plural(word) and word not in _NO_NOUNS]
    return nouns[-1] if nouns else ""


_NO_NOUNS = word_set("is was has does its this as his hers less always perhaps besides values")


def resolved(phrase: str, context: Context) -> str:
    """A noun phrase with a pronoun in it replaced by what it stands for."""
    lower = phrase.lower()
    first, _, rest = lower.partition(" ")
    owner = context.subject
    if lower in {"they", "them", "these", "those"}:
        return context.state or (owner if is_plural(owner) else context.many or owner)
    if lower in PRONOUNS or not lower:
        return owner
    if first in {"its", "their"} and rest:
        return f"{phrase.split(' ', 1)[1]} of {owner}" if owner else phrase.split(" ", 1)[1]
    return bare(phrase)


def with_noun(value: str, context: Context) -> str:
    """A value with its `one` replaced by the noun: `a plain one` of a function is a plain function."""
    words = value.split()
    if len(words) < 2 or words[-1] not in {"one", "ones"}:
        return value
    noun = context.subject if context.subject != "task" else ""
    noun = noun or context.object
    noun = singular(bare(noun).split(" of ")[0].rpartition(" ")[2]) or "one"
    if context.subject == "task":
        noun = singular(bare(context.object).split(" of ")[0].rpartition(" ")[2]) or "one"
    return f"{' '.join(words[:-1])} {noun}"

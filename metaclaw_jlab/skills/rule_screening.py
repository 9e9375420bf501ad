"""What can be held against a rule without trying it: it speaks of its one task, restates it, or is turned round."""

from __future__ import annotations

import re
from collections.abc import Sequence

from metaclaw_jlab.core.evolution import Failure
from metaclaw_jlab.skills.masking import own_words
from metaclaw_jlab.skills.words import words

FEWEST_WORDS = 3
# Of the words of a rule that restates its task, so many are the task's and not the complaint's.
RESTATED = 0.6
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CLAUSE = r"(?P<what>[^.,;:]*?)(?=[.,;:]|$|\b(?:and|but|instead|unless)\b)"
_WANTED = re.compile(
    r"\b(?:expected|wanted|wants?|look(?:s|ed)? for|should(?: have| be)?|belongs?)\b" + _CLAUSE,
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"\b(?:do not|don['’]t|never|avoid|without|must not|should not)\b" + _CLAUSE,
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:no|not|none|nobody|nothing|never|without|left out|leave out|n['’]t)\b|n['’]t\b", re.IGNORECASE
)
_SHARED = 0.5


def objection(rule: str, said: str, failures: Sequence[Failure]) -> str | None:
    """Why a rule that answers a sentence about these failures is of no use, None where nothing speaks against it."""
    told = words(rule)
    if len(rule.split()) < FEWEST_WORDS:
        return "says too little"
    if "```" in rule or "\n" in rule:
        return "is no sentence"
    if names := names_in(rule, said, failures):
        return f"speaks of one task alone ({', '.join(names[:3])})"
    if any(_restates(told, said, failure.task) for failure in failures):
        return "restates the task"
    return "is turned round" if turned_round(rule, said) else None


def names_in(text: str, said: str, failures: Sequence[Failure]) -> tuple[str, ...]:
    """Names and numbers of the tasks in a text that are not in the sentence it answers."""
    allowed = set(words(said))
    found = []
    for failure in failures:
        own = {word.lower() for word in own_words(failure.task, failure.code)}
        own -= {word for word in own if set(words(word)) <= allowed}
        own |= set(_NUMBER.findall(failure.task)) - set(_NUMBER.findall(said))
        found += [word for word in re.findall(r"[^\W\d_]+|\d+(?:\.\d+)?", text) if word.lower() in own]
    return tuple(dict.fromkeys(found))


def turned_round(rule: str, said: str) -> bool:
    """Whether a rule forbids what the sentence wants, and asks for nothing of it."""
    forbidden = {word for found in _FORBIDDEN.finditer(rule) for word in words(found["what"])}
    if not forbidden:
        return False
    affirmed = set(words(_FORBIDDEN.sub(" ", rule)))
    return any(
        asked and not asked & affirmed and len(asked & forbidden) >= _SHARED * len(asked)
        for asked in _wanted(said)
    )


def _wanted(said: str) -> list[set[str]]:
    """The words of each thing that a sentence wants; what it wants left out is none."""
    found = (match["what"] for match in _WANTED.finditer(said))
    return [set(words(what)) for what in found if not _NEGATION.search(what)]


def _restates(told: Sequence[str], said: str, task: str) -> bool:
    own = set(told)
    return len((own - set(words(said))) & set(words(task))) >= RESTATED * max(len(own), 1)

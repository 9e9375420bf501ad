"""Reads failures: which of their sentences hold a rule for other tasks, and with which values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from metaclaw_jlab.core.evolution import Failure, FailureKind, Source
from metaclaw_jlab.skills.distiller.edits import edit_sentence
from metaclaw_jlab.skills.distiller.english import word_set
from metaclaw_jlab.skills.distiller.frames import recast
from metaclaw_jlab.skills.distiller.literals import (
    Marked,
    canonical,
    canonical_values,
    has_mark,
    is_mark,
    kind_of,
    mark,
    names_of,
)
from metaclaw_jlab.skills.distiller.sentences import Clause, clauses
from metaclaw_jlab.skills.distiller.wishes import Wish, read_wish
from metaclaw_jlab.skills.words import stem, words

_ABOUT_THIS_TASK = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^expected\b",
        r"\b(?:raised|raises|raise) `?[A-Z]\w*(?:Error|Exception|Interrupt|Warning|Code)\b",
        r"^\w*(?:Error|Exception)\b",
        r"^Traceback\b",
        r"\bis not true\b|\bdoes not hold\b",
        r"\b(?:more|less) (?:was|were) (?:printed|changed|written)\b",
        r"^\d+ \w+ (?:was|were) printed\b",
        r"^there is no (?:file|folder|column)\b|^there is:",
        r"\bended with exit code\b|\bran longer than\b|\btimed out\b",
        r"\bexpected\b.{0,200}\b(?:but )?(?:got|found|was|received|actual)\b[ :]+[-\d\"'`\[{(]",
        r"^\W*(?:assert|def|import|from|return|for|if|print)\b.*[=(\[]",
        r"[=!<>]=",
    )
)
_GENERAL_CLAIM = re.compile(r"\b(?:all|every|each|always|any|never|our|standard)\b", re.IGNORECASE)
_RESULTS = word_set("mean sum total average median maximum minimum result answer count value ratio number")
_REASON_TASK = "The feedback tells what this one task should have given, no rule for others."
_REASON_VAGUE = "The feedback tells that something was wrong, but not what is wanted instead."
_REASON_NONE = "Nothing was said about what was wrong."
_REASON_RAISED = "The code raised an exception, which says nothing about how things are to be done here."
_REASON_EDIT = "The edit changes more than one plain value or call, so no rule can be read from it."
_SENSES: Mapping[str, str] = {
    "smallest": "ascending", "lowest": "ascending", "low to high": "ascending",
    "largest": "descending", "highest": "descending", "biggest": "descending", "high to low": "descending",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """A clause that holds a rule. `values` are canonical literals, `telling` stems of the other words that matter."""

    failure: Failure
    source: Source
    marked: Marked
    wish: Wish
    values: tuple[str, ...]
    telling: frozenset[str]
    like: str = ""

    @property
    def about(self) -> frozenset[str]:
        """Stems of what the rule is about."""
        return stems(f"{self.wish.subject} {self.wish.role}")

    @property
    def richness(self) -> tuple[int, bool, int]:
        """How much the clause tells: literals first, then whether it is said of all things of its kind."""
        wish = self.wish
        marks = [self.marked.literals[ord(c) - 0xE000] for c in wish.value + wish.place if is_mark(c)]
        literals = canonical_values("", [*marks, *([self.like] if self.like else [])])
        parts = bool(wish.subject) + bool(wish.place) + bool(wish.role)
        return len(literals), bool(_GENERAL_CLAIM.search(self.source.said)), parts


def read_failure(failure: Failure) -> tuple[tuple[Reading, ...], str]:
    """The rules that a failure's feedback holds, and why it holds none where it does not."""
    said = [text for text in failure.feedback if text.strip()]
    if failure.kind is FailureKind.EDITED and failure.instead.strip():
        told = edit_sentence(failure.code, failure.instead)
        said += [told] if told else []
        if not said:
            return (), _REASON_EDIT
    if not said:
        return (), _REASON_RAISED if failure.kind is FailureKind.EXCEPTION else _REASON_NONE
    names = names_of(failure.task, failure.code)
    found, reason = [], _REASON_TASK
    for text in said:
        for clause in clauses(text):
            if about_one_task(clause.said):
                continue
            reading = _read(failure, clause, names)
            if isinstance(reading, str):
                reason = reading
            else:
                found.append(reading)
    return tuple(found), "" if found else reason


def about_one_task(said: str) -> bool:
    """Whether a clause tells only what this task should have given, or what its code raised."""
    return any(pattern.search(said) for pattern in _ABOUT_THIS_TASK)


def _read(failure: Failure, clause: Clause, names: frozenset[str]) -> Reading | str:
    marked = mark(clause.said, names)
    if marked.own:
        return _REASON_TASK
    wish = read_wish(marked.text)
    if wish is None:
        return _REASON_VAGUE
    wish = recast(wish)
    if _is_result(wish, marked) or _is_data(wish, marked, failure):
        return _REASON_TASK
    text = " ".join((wish.value, wish.place, wish.role, wish.subject, wish.verb if wish.order else ""))
    used = [marked.literals[ord(c) - 0xE000] for c in text if is_mark(c)]
    like = ""
    if not used:
        like = _example(clause, names)
        used = [like] if like else []
    if not used and _only_vague(wish):
        return _REASON_VAGUE
    if _only_vague(wish) and wish.verb in {"follow", "meet", "match"}:  # a convention known by a name
        like = like or _example(clause, names)
        if not like:
            return _REASON_VAGUE
        marked, value = marked.with_literal(like)
        wish, used, like = replace(wish, verb="be", value=value, place="", role=""), [like], ""
    values = tuple(dict.fromkeys((*canonical_values(text, used), *_senses(text))))
    return Reading(
        failure,
        Source(failure.trajectory, clause.said),
        marked,
        wish,
        values,
        stems(text),
        like,
    )


def _example(clause: Clause, names: frozenset[str]) -> str:
    """The pattern in the remarks of a clause, where they show one."""
    for remark in clause.remarks:
        for literal in mark(remark, names).literals:
            if re.search(r"YYYY|HH|<\w+>|^\.\w+$|\n", literal):
                return literal
    return ""


def _is_result(wish: Wish, marked: Marked) -> bool:
    """Whether the wished value is but the number that this task should have come to."""
    value = marked.spelled(wish.value)
    if wish.verb != "be" or not re.fullmatch(r"[-+]?\d+(?:[.,]\d+)*%?", value):
        return False
    return "." in value or len(value) > 2 or bool(_RESULTS & set(wish.subject.lower().split()))


def _is_data(wish: Wish, marked: Marked, failure: Failure) -> bool:
    """Whether the value is a word of the task itself, which told it already."""
    asked = {word.casefold() for word in re.findall(r"[\w.-]+", failure.task)}
    literals = [marked.literals[ord(c) - 0xE000] for c in wish.value + wish.place if is_mark(c)]
    named = [
        literal for literal in literals if re.fullmatch(r"[\w.-]{3,}", literal) and not literal.isdigit()
    ]
    if re.search(r"\bcolumns? [\ue000-\uf8ff]", f"{wish.subject} {wish.value}"):
        return True
    return bool(named) and all(literal.casefold() in asked for literal in named)


_VAGUE_WORDS = word_set(
    """format convention standard style name naming file compliant complete following block entry step way
    shape form correction attention work change order structure"""
)


def _only_vague(wish: Wish) -> bool:
    """Whether nothing but general words is wanted: `follow the convention`."""
    told = [word for word in words(f"{wish.value} {wish.place}") if word.isalpha()]
    return bool(told) and all(word in _VAGUE_STEMS for word in told)


_VAGUE_STEMS = frozenset(stem(word) for word in _VAGUE_WORDS)


def _senses(text: str) -> tuple[str, ...]:
    return tuple(sense for phrase, sense in _SENSES.items() if re.search(rf"\b{phrase}\b", text))


_ALIKE: Mapping[str, str] = {
    "gap": "empty", "missing": "empty", "blank": "empty", "plot": "figure", "chart": "figure", "heading": "title",
    "decimal": "digit", "top": "first", "start": "first", "begin": "first", "before": "left", "separate": "separator",
    "column": "field", "sort": "order", "sorted": "order",
}  # fmt: skip
_SYNONYMS = {stem(word): stem(other) for word, other in _ALIKE.items()}


def stems(text: str) -> frozenset[str]:
    """Stems of the telling words of a text, words of one meaning alike."""
    found = (stem(word) for word in words(text) if word.isalpha() and len(word) > 1)
    return frozenset(_SYNONYMS.get(own, own) for own in found) - _GENERAL


_GENERAL = frozenset(
    stem(word)
    for word in ["file", "new", "output", "value", "word", "first", "text", "form", "task", "have", "must"]
)


def same_rule(one: Reading, other: Reading) -> bool:
    """Whether two clauses state the same rule: the same values, about things in common."""
    if one.wish.negative != other.wish.negative:
        return False
    if one.values or other.values:
        if set(one.values) != set(other.values):
            shared = set(one.values) & set(other.values)
            telling = one.telling & other.telling
            if any(kind_of(value) == "date" or re.search(r"\w[_.]\w|\n", value) for value in shared):
                return True
            if any(kind_of(value) == "word" for value in shared):
                return bool(telling)
            least = min(len(one.telling), len(other.telling))
            return len(telling) >= 2 and (
                bool(shared) or (not (one.values and other.values) and 3 * len(telling) >= 2 * least)
            )
        strong = any(kind_of(value) in {"word", "date"} for value in one.values)
        return strong or bool(one.telling & other.telling)
    smaller = min(one.telling, other.telling, key=len)
    return len(one.telling & other.telling) >= max(1, (2 * len(smaller) + 2) // 3)


def values_of_text(text: str) -> frozenset[str]:
    """The canonical values of a skill's text."""
    marked = mark(text, frozenset())
    return frozenset((*canonical_values(marked.text, marked.literals), *_senses(text.lower())))


__all__ = [
    "Reading",
    "about_one_task",
    "canonical",
    "has_mark",
    "read_failure",
    "same_rule",
    "stems",
    "values_of_text",
]

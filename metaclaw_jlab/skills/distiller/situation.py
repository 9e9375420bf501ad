"""What failing tasks have in common: what they do, to what, and what came out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.evolution import Failure
from metaclaw_jlab.skills.distiller.english import is_plural, participle, word_set
from metaclaw_jlab.skills.distiller.literals import SUFFIXES
from metaclaw_jlab.skills.masking import mask
from metaclaw_jlab.skills.words import STOP_WORDS, words

_ACTION_WORDS = """add append build change clean combine compute convert copy count create define delete divide draw
edit export fill filter fix give group insert join keep list load log make merge modify move multiply plot print put
read remove rename replace report save send set show sort split store subtract sum take update write"""
_ACTIONS = frozenset(_ACTION_WORDS.split())
_WRITING = word_set("build create draw export keep log make plot put save store write")
_EDITING = word_set("add change edit fix modify multiply rename replace subtract update")
_NO_VERB_AFTER = word_set(
    "a an the this that of in from column columns each every per by with to as its named called"
)
_WRITES = re.compile(
    r"\.to_[a-z]+\(|savefig\(|write_text\(|\.dump\(|open\([^)\n]*,\s*(?:mode\s*=\s*)?[\"'][wax]"
)
_STRINGS = re.compile(r"[\"']([^\"'\n]*\.[A-Za-z0-9]{1,8})[\"']")
_NUMBER = re.compile(r"(?:[A-Za-z_]+[:= ]+)?[-+]?(?:np\.float64\()?\d+(?:\.\d+)?(?:e[-+]?\d+)?\)?%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T][\d:]+)?")
_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Situation:
    """`actions` are verbs of the tasks, the most shared first; `formats` file kinds that all of them name; `printed`
    says what the code showed (`number`, `date`, `list`, `text` or nothing); `texts` are the masked tasks."""

    actions: tuple[str, ...]
    formats: tuple[str, ...]
    printed: str
    writes: bool
    edits: bool
    names_file: bool
    texts: tuple[str, ...]

    @property
    def shows(self) -> str:
        """The verb with which the tasks show something."""
        return next((verb for verb in self.actions if verb in {"print", "show", "list", "report"}), "print")

    @property
    def makes(self) -> str:
        """The verb with which the tasks make a file."""
        return next((verb for verb in self.actions if verb in _WRITING), "write")

    @property
    def file_changes(self) -> tuple[str, ...]:
        """Verbs that say what the tasks do to files that are there."""
        found = [
            v for v in self.actions if v in _EDITING or v in {"move", "delete", "remove", "copy", "sort"}
        ]
        return ("edit", *(v for v in found if v != "edit")) if self.edits and found else tuple(found)


def situation_of(failures: Sequence[Failure]) -> Situation:
    """What these failures share; with one, what it has."""
    texts = tuple(mask(failure.task, failure.code) for failure in failures)
    counts = Counter(verb for text in texts for verb in dict.fromkeys(_verbs(text)))
    known = [
        {word for word in re.findall(r"[a-z]+", text.lower()) if word in SUFFIXES | {"markdown"}}
        for text in texts
    ]
    shared = set.intersection(*known) if known else set()
    prints = Counter(_printed(failure.observation) for failure in failures)
    return Situation(
        actions=tuple(verb for verb, _ in counts.most_common()),
        formats=tuple(sorted(shared)),
        printed=prints.most_common(1)[0][0] if prints else "",
        writes=sum(_makes_file(f) for f in failures) > len(failures) / 2,
        edits=sum(_edits_file(f) for f in failures) > len(failures) / 2,
        names_file=all(re.search(r"\bfile\b|\.[a-z]{2,4}\b", failure.task) for failure in failures),
        texts=texts,
    )


def _verbs(text: str) -> list[str]:
    found, before = [], ""
    for word in re.findall(r"[A-Za-z]+|[,.:;]", text):
        lower = word.lower()
        if lower in _ACTIONS and before not in _NO_VERB_AFTER:
            found.append(lower)
        before = lower
    return found


def _printed(observation: str) -> str:
    lines = [line.strip() for line in observation.strip().splitlines() if line.strip()]
    if not lines:
        return ""
    last = lines[-1]
    if _DATE.search(last) and len(last) < 400:
        return "date"
    if _NUMBER.fullmatch(last):
        return "number"
    return "list" if last[:1] in "[{(" else "text"


def _touched(code: str) -> tuple[set[str], set[str]]:
    """Files that code reads, and files that it writes."""
    reads: set[str] = set()
    writes: set[str] = set()
    for line in code.splitlines():
        (writes if _WRITES.search(line) else reads).update(_STRINGS.findall(line))
    return reads, writes


def _makes_file(failure: Failure) -> bool:
    reads, writes = _touched(failure.code)
    named = {name for name in writes if name.rpartition("/")[2] in failure.task}
    return bool(writes - reads) and not (writes & reads) and not (named and _edits_file(failure))


def _edits_file(failure: Failure) -> bool:
    reads, writes = _touched(failure.code)
    return bool(reads & writes)


def use_when(situation: Situation, limit: int = 24) -> str:
    """A description in words that the tasks share; those of the only task where there is one."""
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for text in situation.texts:
        seen: set[str] = set()
        for word in re.findall(r"[A-Za-z]+", text):
            lower = word.lower()
            stems = words(lower)
            if lower not in STOP_WORDS and stems and stems[0] not in seen and len(lower) > 1:
                seen.add(stems[0])
                spelled.setdefault(stems[0], lower)
                counts[stems[0]] += 1
    total = len(situation.texts)
    needed = max(1, min(total, 2 if total < 4 else round(total * _SHARE / 2)))
    order = {stem: position for position, stem in enumerate(counts)}
    kept = sorted((stem for stem, n in counts.items() if n >= needed), key=lambda s: (-counts[s], order[s]))
    kept = kept or list(order)
    listed = ", ".join(spelled[stem] for stem in sorted(kept[:limit], key=order.__getitem__))
    return f"Use when a task speaks of: {listed}." if listed else "Use for every task."


def participles(situation: Situation) -> tuple[str, ...]:
    """What the tasks' files are after them: `moved`, `edited`."""
    return tuple(participle(verb) for verb in situation.file_changes)


__all__ = ["Situation", "is_plural", "participles", "situation_of", "use_when"]

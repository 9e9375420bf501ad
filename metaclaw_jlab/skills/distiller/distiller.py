"""Makes skills out of failures without a model: reads the rule in what was said, and says it in many wordings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from metaclaw_jlab.core.evolution import Draft, Failure, Proposal, Source
from metaclaw_jlab.core.skill import NAME_LIMIT, Skill
from metaclaw_jlab.skills.distiller.frames import Frame, framed
from metaclaw_jlab.skills.distiller.literals import SIGN_NAMES, SUFFIXES, kind_of
from metaclaw_jlab.skills.distiller.phrasing import MOST, wordings
from metaclaw_jlab.skills.distiller.readings import Reading, read_failure, same_rule, stems, values_of_text
from metaclaw_jlab.skills.distiller.situation import Situation, situation_of, use_when

MOST_DRAFTS = 3
_UNITLESS = stems(" ".join((*SUFFIXES, "number")))
_READINGS = 3  # clauses of one rule that are phrased
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class _Rule:
    """Clauses that state one rule, the one that tells most first."""

    readings: tuple[Reading, ...]

    @property
    def best(self) -> Reading:
        return self.readings[0]

    @property
    def evidence(self) -> int:
        return len({reading.failure.trajectory for reading in self.readings})

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(dict.fromkeys(reading.source for reading in self.readings))

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple({reading.failure.trajectory: reading.failure for reading in self.readings}.values())


class Distiller:
    """Implements core.evolution.Evolver by grammar alone; equal failures give equal drafts."""

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        """At most 3 drafts, those with most evidence first; failures of further rules are neither drafted nor kept."""
        kept: dict[str, str] = {}
        readings: list[Reading] = []
        for failure in failures:
            found, reason = read_failure(failure)
            readings += found
            if not found:
                kept[failure.trajectory] = reason
        explained: list[tuple[Source, str]] = []
        open_rules: list[tuple[_Rule, str | None]] = []
        for rule in _grouped(readings):
            known = _stated_by(rule, library)
            if known is not None:
                explained += [(source, known.name) for source in rule.sources]
            else:
                contrary = _contradicted(rule, library)
                open_rules.append((rule, contrary.name if contrary else None))
        open_rules.sort(key=lambda pair: -pair[0].evidence)
        names = {skill.name for skill in library}
        drafts = []
        for rule, amends in open_rules[:MOST_DRAFTS]:
            draft = _draft(rule, amends, names)
            names.add(draft.name)
            drafts.append(draft)
        return Proposal(tuple(drafts), tuple(explained), kept)


def _grouped(readings: Sequence[Reading]) -> list[_Rule]:
    groups: list[list[Reading]] = []
    for reading in readings:
        home = next((group for group in groups if any(same_rule(one, reading) for one in group)), None)
        if home is None:
            groups.append([reading])
        else:
            home.append(reading)
            home.sort(key=lambda own: own.richness, reverse=True)
    return [_Rule(tuple(group)) for group in groups]


def _stated_by(rule: _Rule, library: Sequence[Skill]) -> Skill | None:
    """The skill that states the rule already; one that was in the prompt first."""
    injected = {skill.name for failure in rule.failures for skill in failure.skills}
    for skill in sorted(library, key=lambda skill: skill.name not in injected):
        if any(_states(skill, reading) for reading in rule.readings):
            return skill
    return None


def _states(skill: Skill, reading: Reading) -> bool:
    body = stems(f"{skill.body} {skill.name.replace('-', ' ')}")
    if reading.wish.negative != _is_negative(skill.body):
        return False
    shared = reading.telling & body
    values = values_of_text(skill.body)
    if reading.values:
        distinct = any(kind_of(value) in {"word", "date"} for value in reading.values)
        if all(kind_of(value) in {"number", "suffix"} for value in reading.values):
            shared -= _UNITLESS  # a number means little without what it counts
        # Beside another value a number only counts, and a blank only parts: "## and one blank".
        needed = [value for value in reading.values if value.strip() and kind_of(value) != "number"]
        needed = needed or list(reading.values)
        return all(value in values or _says(skill.body, value) for value in needed) and bool(
            shared or distinct
        )
    if _wants_the_word(reading, body):
        return True
    if {kind_of(value) for value in values} - {"suffix"}:
        return False
    return len(shared) >= max(2, _ALIKE * len(reading.telling)) or reading.telling == body != frozenset()


def _wants_the_word(reading: Reading, body: frozenset[str]) -> bool:
    """Whether what is wanted is one plain word, which the skill has and the tasks have not."""
    wanted = stems(reading.wish.value)
    return len(wanted) == 1 and wanted <= body and not wanted & stems(reading.failure.task)


def _says(body: str, value: str) -> bool:
    """Whether a word stands in a text as it is."""
    return (
        kind_of(value) == "word"
        and value[:1].isalnum()
        and bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", body, re.IGNORECASE))
    )


def _contradicted(rule: _Rule, library: Sequence[Skill]) -> Skill | None:
    """The skill that says another value, of the same kind, of the same things."""
    reading = rule.best
    for skill in library:
        values = values_of_text(skill.body)
        ours = {value for value in reading.values if value not in values}
        theirs = {value for value in values if value not in reading.values}
        clash = {kind_of(value) for value in ours} & {kind_of(value) for value in theirs}
        shared = reading.telling & stems(f"{skill.body} {skill.name.replace('-', ' ')}")
        words = reading.telling - stems(" ".join(reading.values))
        if clash and shared and len(shared) >= _ALIKE * len(words):
            return skill
    return None


def _is_negative(text: str) -> bool:
    return bool(re.search(r"\b(?:do not|don't|never|no|without|nothing|avoid)\b", text, re.IGNORECASE))


def _draft(rule: _Rule, amends: str | None, taken: set[str]) -> Draft:
    situation = situation_of(rule.failures)
    frames: list[tuple[Frame, Reading]] = []
    for reading in rule.readings:
        frame = framed(reading.wish, situation)
        if len(frames) < _READINGS and all(frame != other for other, _ in frames):
            frames.append((frame, reading))
    said = [_said(frame, reading, situation) for frame, reading in frames]
    woven = [line for lines in zip_longest(*said, fillvalue="") for line in lines if line]
    name = amends or _name(frames[0][0], frames[0][1], taken)
    return Draft(name, use_when(situation), tuple(dict.fromkeys(woven))[:MOST], rule.sources, amends)


def _said(frame: Frame, reading: Reading, situation: Situation) -> tuple[str, ...]:
    spell = reading.marked.spelled
    lines = wordings(frame, situation, spell, reading.marked.text)
    if not reading.like:
        return lines
    shape = f"like {reading.like}" if "\n" not in reading.like else f"like this:\n{reading.like}"
    return tuple(f"{line}, {shape}" for line in lines)


def _name(frame: Frame, reading: Reading, taken: set[str]) -> str:
    """A name of the telling words: what it is about, then what is wanted."""
    spell = reading.marked.spelled
    wanted = frame.role or frame.value or frame.place or frame.verb
    parts = f"{spell(frame.things[0] if frame.things else '')} {spell(wanted)}"
    text = " ".join(SIGN_NAMES.get(word, word) for word in parts.split())
    found = re.findall(r"[a-z0-9]+", text.lower())
    telling = [word for word in dict.fromkeys(found) if word not in {"the", "a", "an", "of", "its", "to"}]
    name = "-".join(telling[:6])[:NAME_LIMIT].strip("-") or "rule"
    number, unique = 2, name
    while unique in taken:
        unique = f"{name[: NAME_LIMIT - 3].strip('-')}-{number}"
        number += 1
    return unique

"""Skills of strangers in place of one's own: as many, about the same rules where these are known, and as long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.practice import draw_house, house_skills

TOLERANCE = 0.1  # of the length
HOUSES = 8
_BETWEEN = ". "  # a phrasing has no full stop
_PHRASINGS = 4  # of each rule of each house, so that there are short ones and long ones

Sentence = tuple[str, str]  # the rule that it is about, and what it says


def draw_sentences(seed: int, split: str, wanted: Mapping[str, str]) -> tuple[Sentence, ...]:
    """What other houses of a split want, without what is `wanted` at home (option by rule) too."""
    rng = Random(f"placebo/{seed}/{split}")
    found: dict[Sentence, None] = {}
    for _ in range(HOUSES):
        house = draw_house(rng, split)
        for _ in range(_PHRASINGS):
            for skill in house_skills(house, rng):
                if house.options[skill.name] != wanted.get(skill.name):
                    found.setdefault((skill.name, skill.body))
    return tuple(found)


def swapped(
    matches: Sequence[Match],
    rule_of: Callable[[Skill], str | None],
    sentences: Sequence[Sentence],
    rng: Random,
) -> tuple[Match, ...]:
    """As many skills made of `sentences`, each with a body as long as that in its place, give or take a tenth.

    Each begins with what is said of the same rule, or of one that no other speaks of.
    """
    rules = [rule_of(match.skill) for match in matches]
    by_rule: dict[str, list[str]] = {}
    for about, text in sentences:
        by_rule.setdefault(about, []).append(text)
    free = sorted(by_rule.keys() - set(rules))
    rng.shuffle(free)
    found: list[Match] = []
    for place, (match, rule) in enumerate(zip(matches, rules, strict=True), 1):
        length = len(match.skill.body)
        if rule is None or rule not in by_rule:
            fit = (other for other in free if any(_fits(text, length) for text in by_rule[other]))
            rule = next(fit, free[0] if free else next(iter(by_rule)))
            free = [other for other in free if other != rule]
        further = [text for other, text in sentences if other not in (*rules, rule)]
        body = as_long(length, by_rule[rule], further or by_rule[rule], rng)
        stranger = Skill(f"placebo-{place}", "A rule of another house.", body)
        found.append(replace(match, skill=stranger))
    return tuple(found)


def as_long(length: int, first: Sequence[str], further: Sequence[str], rng: Random) -> str:
    """A text of `length` characters, give or take a tenth: one of `first`, and as many of `further` as it takes.

    Where no sentences fill it, the last one is cut between words.
    """
    fitting = [text for text in first if _fits(text, length)]
    if fitting:
        return rng.choice(fitting)
    text = rng.choice([text for text in first if len(text) < length] or list(first))
    drawn, reach = _drawn(further, rng), max(map(len, further)) + len(_BETWEEN)
    while length - len(text) > reach:
        text = _joined(text, next(drawn))
    ends = [text, *(_joined(text, one) for one in further)]
    best = min(ends, key=lambda end: abs(len(end) - length))
    while not _fits(best, length):
        if len(text) > length:
            return _cut(text, length)
        text = _joined(text, next(drawn))
    return best


def _fits(text: str, length: int) -> bool:
    return abs(len(text) - length) <= TOLERANCE * length


def _drawn(texts: Sequence[str], rng: Random) -> Iterator[str]:
    """The texts by lot, each once before any comes again."""
    while True:
        yield from rng.sample(list(texts), len(texts))


def _joined(text: str, further: str) -> str:
    return f"{text}{_BETWEEN}{further}"


def _cut(text: str, length: int) -> str:
    """At the end of a word where one is near, else anywhere."""
    ends = [end for end in range(len(text)) if text[end] == " " and _fits(text[:end], length)]
    return text[: min(ends, key=lambda end: abs(end - length), default=length)]

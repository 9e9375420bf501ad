"""Draws tasks of the practice world."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from random import Random

from metaclaw_jlab.core.errors import PracticeError
from metaclaw_jlab.practice.families import FAMILIES
from metaclaw_jlab.practice.families.base import Variant
from metaclaw_jlab.practice.house import House, draw_house
from metaclaw_jlab.practice.names import Names, Style
from metaclaw_jlab.practice.rules import RULE_NAMES, in_order
from metaclaw_jlab.practice.splits import held_out_pairs, require
from metaclaw_jlab.practice.task import Part, PracticeTask, to_dict
from metaclaw_jlab.practice.wordings import compound_text, lower, part_text

Choice = tuple[str, Variant]
_SINGLE_RULES = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)
_COMPOUND_RULES = (2,) * 11 + (3,) * 8 + (4,)
_SMALL_LETTER_SHARE = 0.15
_FULL_STOP_SHARE = 0.15
_TRIES = 2000


@cache
def choices(split: str) -> tuple[Choice, ...]:
    """Every family and variant of a split; held-out pairs of family and rule are in test alone."""
    require(split)
    return tuple(
        (family.name, variant)
        for family in FAMILIES.values()
        for variant in family.variants
        if split == "test" or not any((family.name, rule) in held_out_pairs() for rule in variant.rules)
    )


def _union(picked: Sequence[Choice]) -> tuple[str, ...]:
    return in_order(rule for _, variant in picked for rule in variant.rules)


def _choose(rng: Random, split: str, family: str | None, rule: str | None, count: int | None) -> Choice:
    """A family and variant, the rule drawn first so that rare rules are as frequent as others."""
    every = [c for c in choices(split) if family in (None, c[0]) and (rule is None or rule in c[1].rules)]
    if count is not None:
        every = [c for c in every if len(c[1].rules) == count]
    if not every:
        raise PracticeError(
            f"No task of split {split} has family {family}, rule {rule} and {count} rules.",
            "Ask for another combination; metaclaw_jlab.practice.choices lists those that exist.",
        )
    first = rule or rng.choice(in_order(r for c in every for r in c[1].rules))
    rest = [c for c in every if first in c[1].rules]
    name = rng.choice(sorted({c[0] for c in rest}))
    return rng.choice([c for c in rest if c[0] == name])


def _choose_single(
    rng: Random, split: str, family: str | None, rule: str | None, count: int | None
) -> list[Choice]:
    if count is not None:
        return [_choose(rng, split, family, rule, count)]
    picked = _choose(rng, split, family, rule, None)
    sizes = {
        len(v.rules) for name, v in choices(split) if name == picked[0] and (rule is None or rule in v.rules)
    }
    wanted = rng.choice(_SINGLE_RULES)
    return [_choose(rng, split, picked[0], rule, wanted)] if wanted in sizes else [picked]


def _choose_compound(
    rng: Random, split: str, family: str | None, rule: str | None, count: int | None
) -> list[Choice]:
    families = [*(family or "").split("+"), ""]
    wanted = count or rng.choice(_COMPOUND_RULES)
    for _ in range(_TRIES):
        first = _choose(rng, split, families[0] or None, None if len(families) > 2 else rule, None)
        second = _choose(rng, split, families[1] or None, None, None)
        picked = [first, second]
        rules = _union(picked)
        enough = len(rules) == wanted or (wanted == 4 and len(rules) > 4)
        if first[0] != second[0] and enough and (rule is None or rule in rules):
            if len(families) < 3:
                rng.shuffle(picked)
            return picked
    raise PracticeError(
        f"No compound of split {split} has family {family}, rule {rule} and {wanted} rules.", "Ask for fewer."
    )


def _drawn(
    rng: Random, split: str, picked: Sequence[Choice], names: Names, joined: str
) -> tuple[str, dict[str, str], tuple[Part, ...]]:
    """Text, start files and parts of the chosen sub-tasks."""
    files, parts, texts = {}, [], []
    for name, variant in picked:
        draft = FAMILIES[name].draw(rng, names, variant)
        text, wording = part_text(name, draft, rng, split)
        files.update(draft.files)
        parts.append(Part(name, variant.name, draft.params, wording))
        texts.append(text)
    text = texts[0] if len(texts) == 1 else compound_text(texts[0], texts[1], rng, joined)
    text = lower(text) if rng.random() < _SMALL_LETTER_SHARE else text
    text = f"{text}." if rng.random() < _FULL_STOP_SHARE else text
    return text, files, tuple(parts)


def sample_task(
    rng: Random,
    split: str,
    house: House,
    *,
    compound: bool | None = None,
    rules: int | None = None,
    names: Style = "random",
    family: str | None = None,
    rule: str | None = None,
    joined: str | None = None,
) -> PracticeTask:
    """A task for the house. `rules` is how many apply (4: four or more). PracticeError where none can be.

    `joined` is the split whose wordings join the parts of a compound: the task's own where it is not given.
    """
    if rule is not None and rule not in RULE_NAMES:
        raise PracticeError(f"{rule!r} is no house rule.", f"Use one of {', '.join(RULE_NAMES)}.")
    if compound is None:
        compound = "+" in family if family else rng.random() < 0.5
    choose = _choose_compound if compound else _choose_single
    picked = choose(rng, split, family, rule, rules)
    text, files, parts = _drawn(rng, split, picked, Names(rng, split, names), joined or split)
    applying = _union(picked)
    task = PracticeTask(
        id="",
        family="+".join(name for name, _ in picked),
        text=text,
        files=files,
        rules=applying,
        options={name: house.options[name] for name in applying},
        parts=parts,
        split=split,
    )
    digest = hashlib.sha256(json.dumps(to_dict(task), sort_keys=True).encode()).hexdigest()
    return replace(task, id=f"{split}-{digest[:12]}")


def task_set(
    split: str,
    seed: int,
    n: int,
    *,
    house: House | None = None,
    compound_share: float = 0.5,
    names: Style = "random",
    joined: str | None = None,
) -> tuple[PracticeTask, ...]:
    """n tasks, equal for equal arguments; each for a house of its own unless one is given (`joined`: `sample_task`)."""
    tasks = []
    for index in range(n):
        rng = Random(f"{split}/{seed}/{index}")
        own = house or draw_house(rng, split)
        compound = int((index + 1) * compound_share) > int(index * compound_share)
        task = sample_task(rng, split, own, compound=compound, names=names, joined=joined)
        tasks.append(replace(task, id=f"{split}-{seed}-{index:05d}"))
    return tuple(tasks)

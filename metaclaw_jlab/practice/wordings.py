"""How the parts of a task are put into words, by split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from metaclaw_jlab.practice.families import FAMILIES
from metaclaw_jlab.practice.families.base import Draft
from metaclaw_jlab.practice.families.destinations import WORDINGS as DESTINATIONS
from metaclaw_jlab.practice.families.destinations import wording_group
from metaclaw_jlab.practice.splits import held_out_wordings, trained_wordings

HELD_OUT_SHARE = 0.25
COMPOUNDS: tuple[str, ...] = (
    "First {a}, then {b}",
    "First {a}. Then {b}",
    "First {a}, and then {b}",
    "First {a} and after that {b}",
    "{A}, then {b}",
    "{A}. Then {b}",
    "{A} and then {b}",
    "{A}. After that {b}",
)


def groups() -> Iterator[tuple[str, int]]:
    """Every group of wordings and its size."""
    yield from ((family.name, len(family.wordings)) for family in FAMILIES.values())
    yield from ((name, len(texts)) for name, texts in DESTINATIONS.items())
    yield "compound", len(COMPOUNDS)


def pick(group: str, rng: Random, split: str) -> int:
    """The id of a wording: in validation and test a fixed share is held out from training."""
    held_out = held_out_wordings(group, split)
    if held_out and rng.random() < HELD_OUT_SHARE:
        return rng.choice(held_out)
    return rng.choice(trained_wordings(group, split))


def part_text(family: str, draft: Draft, rng: Random, split: str) -> tuple[str, str]:
    """The text of a drawn sub-task and the ids of its wordings, as `filter.3/to-name.2`."""
    index = pick(family, rng, split)
    fields: Mapping[str, str] = draft.fields
    used = f"{family}.{index}"
    if "to" in draft.params:
        group = wording_group(draft.params["to"])
        chosen = pick(group, rng, split)
        used += f"/{group}.{chosen}"
        fields = {**fields, "to": DESTINATIONS[group][chosen].format(**fields)}
    return FAMILIES[family].wordings[index].format(**fields), used


def compound_text(first: str, second: str, rng: Random, split: str) -> str:
    """Two sub-tasks in one text."""
    template = COMPOUNDS[pick("compound", rng, split)]
    return template.format(a=lower(first), A=first, b=lower(second))


def lower(text: str) -> str:
    """The text with a small first letter."""
    return text[:1].lower() + text[1:]

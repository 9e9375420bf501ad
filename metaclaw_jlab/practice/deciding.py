"""Decides the splits once: `python -m metaclaw_jlab.practice.deciding` writes splits.json."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from metaclaw_jlab.practice import feedback, phrasings
from metaclaw_jlab.practice.families import FAMILIES, destinations
from metaclaw_jlab.practice.families.numbers import AGGREGATES
from metaclaw_jlab.practice.rules import RULES
from metaclaw_jlab.practice.splits import FILE, SPLITS
from metaclaw_jlab.practice.wordings import COMPOUNDS, groups
from metaclaw_jlab.practice.words import (
    COPIED_VALUES,
    NATURAL_COLUMNS,
    NATURAL_FILES,
    NATURAL_WORDS,
    RESERVED,
    listed,
)

SEED = 20261121
_NAME_SHARES = {"test": 0.16, "validation": 0.07, "regression": 0.07, "replay": 0.07}
_NATURAL_SHARES = {"test": 0.4, "validation": 0.14, "regression": 0.14, "replay": 0.14}
_MOST_NAMES = 2000
HELD_OUT_PAIRS = (
    ("write_json", "output-folder"),
    ("plot", "file-naming"),
    ("join", "file-naming"),
    ("report", "output-folder"),
)
_EXTRA = set(
    listed("""
    column columns file files csv json txt png svg pdf markdown none value less more gaps cells empty
    values missing line bar plot histogram multiply multiplies add adds subtract subtracts tells says
    zero page
""")
)


def _spoken() -> set[str]:
    """Every word that wordings, phrasings and feedback use: none of them may be a name."""
    texts = [text for family in FAMILIES.values() for text in (*family.wordings, *RULES)]
    texts += [
        text
        for table in (phrasings.TEMPLATES, feedback.TEMPLATES)
        for group in table.values()
        for text in group
    ]
    texts += [text for group in destinations.WORDINGS.values() for text in group]
    texts += [*COMPOUNDS, *(rule.use_when for rule in RULES.values())]
    options = [(rule.name, option) for rule in RULES.values() for option in rule.options if not rule.copied]
    texts += [text for pair in options for text in phrasings.describe(*pair).values()]
    texts += [text for names, _ in AGGREGATES.values() for text in names]
    known = [*COPIED_VALUES.values(), NATURAL_FILES, NATURAL_COLUMNS, NATURAL_WORDS]
    natural = {word.lower() for group in known for word in group}
    return set(re.findall(r"[a-z]+", " ".join(texts).lower())) | natural | _EXTRA | RESERVED


def _vocabulary() -> list[str]:
    """Plain English words out of the standard library's own documentation."""
    from pydoc_data.topics import topics

    words = set(re.findall(r"\b[a-z]{3,9}\b", " ".join(topics.values())))
    return sorted(words - _spoken())


def _divide(
    items: Sequence[str], rng: Random, shares: Mapping[str, float] = _NAME_SHARES
) -> dict[str, list[str]]:
    """The items, each in one split; training gets what the shares leave."""
    left = list(dict.fromkeys(items))
    rng.shuffle(left)
    divided = {}
    for split, share in shares.items():
        count = max(2, round(len(items) * share))
        divided[split], left = sorted(left[:count]), left[count:]
    return {"train": sorted(left), **divided}


def _divide_listed(rule: str) -> dict[str, list[str]]:
    """The listed options of a rule that copies none: replay and regression share no value."""
    others = [option for option in RULES[rule].options if option != RULES[rule].habit]
    half = {"replay": others[::2], "regression": others[1::2]}
    return {split: half.get(split, others) for split in SPLITS}


def _divide_copied(rule: str, rng: Random) -> dict[str, list[str]]:
    left = list(COPIED_VALUES[rule])
    rng.shuffle(left)
    counts = {"test": 4, "validation": 2, "regression": 2, "replay": 2}
    divided = {}
    for split, count in counts.items():
        divided[split], left = left[:count], left[count:]
    return {"train": left, **divided}


def _divide_ids(count: int, rng: Random, *, test: int) -> dict[str, list[int]]:
    """Ids of texts: `test` and one for validation are held out; replay and regression halve the trained ones."""
    ids = list(range(count))
    rng.shuffle(ids)
    held, trained = ids[: test + 1], sorted(ids[test + 1 :])
    return {
        "train": trained,
        "replay": trained[::2],
        "regression": trained[1::2],
        "validation": held[:1],
        "test": sorted(held[1:]),
    }


def decide(seed: int = SEED) -> dict[str, Any]:
    """The content of splits.json."""
    rng = Random(seed)
    names = _vocabulary()
    # The documentation grows with Python: what is decided about texts must not depend on it.
    by_name = Random(f"{seed}/names")
    by_name.shuffle(names)
    return {
        "seed": seed,
        "held_out_pairs": [list(pair) for pair in HELD_OUT_PAIRS],
        "wordings": {group: _divide_ids(count, rng, test=1) for group, count in groups()},
        "phrasings": {
            group: _divide_ids(len(texts), rng, test=2 if len(texts) > 9 else 1)
            for group, texts in phrasings.TEMPLATES.items()
        },
        "values": {
            rule.name: _divide_copied(rule.name, rng) if rule.copied else _divide_listed(rule.name)
            for rule in RULES.values()
        },
        "files": _divide(NATURAL_FILES, rng, _NATURAL_SHARES),
        "columns": _divide(NATURAL_COLUMNS, rng, _NATURAL_SHARES),
        "words": _divide(NATURAL_WORDS, rng, _NATURAL_SHARES),
        "names": _divide(names[:_MOST_NAMES], by_name),
    }


def main() -> None:
    """Writes splits.json."""
    FILE.write_text(json.dumps(decide(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

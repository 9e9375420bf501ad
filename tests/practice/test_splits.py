"""The splits share no name, value, wording or phrasing where they must not."""

from __future__ import annotations

import hashlib
from itertools import combinations
from random import Random

import pytest

from metaclaw_jlab.core.errors import PracticeError
from metaclaw_jlab.practice import RULES, SPLITS, demonstrate, draw_house, splits_sha256
from metaclaw_jlab.practice.deciding import decide
from metaclaw_jlab.practice.phrasings import TEMPLATES
from metaclaw_jlab.practice.sampling import choices
from metaclaw_jlab.practice.splits import FILE, load, phrasings, pool, values
from metaclaw_jlab.practice.wordings import groups


@pytest.mark.parametrize("kind", ["names", "files", "columns", "words"])
def test_names_are_in_one_split(kind: str) -> None:
    for one, two in combinations(SPLITS, 2):
        assert not set(pool(kind, one)) & set(pool(kind, two))


@pytest.mark.parametrize("rule", [rule for rule in RULES if RULES[rule].copied])
def test_copied_values_are_in_one_split(rule: str) -> None:
    for one, two in combinations(SPLITS, 2):
        assert not {v.lower() for v in values(rule, one)} & {v.lower() for v in values(rule, two)}


@pytest.mark.parametrize("rule", RULES)
def test_replay_and_regression_share_no_value(rule: str) -> None:
    assert not set(values(rule, "replay")) & set(values(rule, "regression"))


def test_regression_houses_never_have_a_habit_that_replay_has() -> None:
    houses = [draw_house(Random(seed), "regression") for seed in range(40)]
    assert all(house.options[rule] != RULES[rule].habit for house in houses for rule in RULES)


@pytest.mark.parametrize("group", TEMPLATES)
def test_phrasings_held_out_are_not_trained(group: str) -> None:
    trained = set(phrasings(group, "train", held_out=False))
    for split in ("validation", "test"):
        assert not trained & set(phrasings(group, split, held_out=True))
    assert not set(phrasings(group, "validation", held_out=True)) & set(
        phrasings(group, "test", held_out=True)
    )
    replay, regression = (set(phrasings(group, s, held_out=False)) for s in ("replay", "regression"))
    assert not replay & regression


def test_wordings_held_out_are_not_trained() -> None:
    for group, count in groups():
        ids = load()["wordings"][group]
        assert sorted(ids["train"] + ids["validation"] + ids["test"]) == list(range(count))
        assert not set(ids["replay"]) & set(ids["regression"])


def test_test_names_never_occur_in_demonstrations() -> None:
    held_out = set(pool("names", "test"))
    rng = Random(4)
    for _ in range(300):
        demonstration = demonstrate(rng)
        words = set(" ".join((demonstration.task.text, *demonstration.skills)).replace(".", " ").split())
        assert not words & held_out


def test_held_out_pairs_are_in_test_alone() -> None:
    pairs = {tuple(pair) for pair in load()["held_out_pairs"]}
    for split in SPLITS:
        shown = {(family, rule) for family, variant in choices(split) for rule in variant.rules}
        assert (shown & pairs == pairs) if split == "test" else not shown & pairs


def test_committed_file_names_what_the_deciding_function_knows() -> None:
    decided = decide()
    assert decided["wordings"].keys() == load()["wordings"].keys()
    assert decided["phrasings"] == load()["phrasings"]


def test_hash_is_that_of_the_file() -> None:
    assert splits_sha256() == hashlib.sha256(FILE.read_bytes()).hexdigest()


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(PracticeError, match="no split"):
        pool("names", "exam")

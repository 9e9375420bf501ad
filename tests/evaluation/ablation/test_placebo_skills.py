"""Skills of strangers."""

from __future__ import annotations

from random import Random

import pytest

from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.ablation.placebo_skills import Sentence, as_long, draw_sentences, swapped
from metaclaw_jlab.practice import House, draw_house, rule_skill

HOME = draw_house(Random(1), "test")


@pytest.fixture(scope="module")
def sentences() -> tuple[Sentence, ...]:
    return draw_sentences(1, "test", HOME.options)


def matches(*lengths: int) -> tuple[Match, ...]:
    return tuple(Match(Skill(f"own-{n}", "Own.", "x" * length), 0.5) for n, length in enumerate(lengths))


@pytest.mark.parametrize("length", [1, 5, 12, 20, 31, 40, 55, 64, 90, 150, 400, 1999])
@pytest.mark.parametrize("seed", range(5))
def test_a_placebo_is_as_long_as_what_it_replaces(
    length: int, seed: int, sentences: tuple[Sentence, ...]
) -> None:
    first = [text for rule, text in sentences if rule == "date-format"]
    further = [text for rule, text in sentences if rule != "date-format"]
    found = as_long(length, first, further, Random(seed))
    assert 0.9 * length <= len(found) <= 1.1 * length


def test_sentences_are_left_whole_where_they_can_be(sentences: tuple[Sentence, ...]) -> None:
    texts = [text for _, text in sentences]
    for length in range(40, 400, 9):
        found = as_long(length, texts, texts, Random(length))
        assert set(found.split(". ")) <= set(texts)


def test_strangers_want_nothing_that_is_wanted_at_home(sentences: tuple[Sentence, ...]) -> None:
    own = {
        rule_skill(rule, option, Random(n), split="test").body
        for rule, option in HOME.options.items()
        for n in range(200)
    }
    assert not own & {text for _, text in sentences}


def test_strangers_speak_of_every_rule(sentences: tuple[Sentence, ...]) -> None:
    assert {rule for rule, _ in sentences} == set(HOME.options)


def test_equal_seeds_draw_equal_strangers() -> None:
    one, again, other = (draw_sentences(seed, "test", HOME.options) for seed in (1, 1, 2))
    assert one == again != other


def test_each_skill_gives_way_to_one_about_the_same_rule(sentences: tuple[Sentence, ...]) -> None:
    rules = {"own-0": "rounding", "own-1": "date-format"}
    found = swapped(matches(30, 35), lambda skill: rules[skill.name], sentences, Random(1))
    for match, rule in zip(found, rules.values(), strict=True):
        assert any(match.skill.body.startswith(text) for other, text in sentences if other == rule)


def test_skills_of_no_known_rule_get_strangers_of_different_rules(sentences: tuple[Sentence, ...]) -> None:
    about = {text: rule for rule, text in sentences}
    for seed in range(20):
        found = swapped(matches(33, 33, 33), lambda _: None, sentences, Random(seed))
        assert len({about[match.skill.body] for match in found}) == 3


def test_numbers_names_and_relevance_stay_apart(sentences: tuple[Sentence, ...]) -> None:
    found = swapped(matches(30, 300, 60), lambda _: None, sentences, Random(1))
    assert len({match.skill.name for match in found}) == 3
    assert [match.relevance for match in found] == [0.5] * 3
    assert [len(match.skill.body) for match in found] == pytest.approx([30, 300, 60], rel=0.1)


def test_without_a_home_every_sentence_will_do() -> None:
    house = House("none", {}, "test")
    assert len(draw_sentences(1, "test", house.options)) > len(draw_sentences(1, "test", HOME.options))

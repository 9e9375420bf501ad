"""What the shipped embedder learns from."""

from __future__ import annotations

from random import Random

from metaclaw_jlab.engines.embedding.documentation import Documentation
from metaclaw_jlab.engines.embedding.pairs import practice_pair
from metaclaw_jlab.engines.embedding.synonyms import Synonyms
from metaclaw_jlab.practice import RULE_NAMES


def test_the_two_texts_of_an_item_of_documentation_differ() -> None:
    documentation = Documentation()
    rng = Random(1)
    drawn = [documentation.draw(rng) for _ in range(200)]
    assert all(one.strip() and other.strip() for _, (one, other) in drawn)
    assert sum(one == other for _, (one, other) in drawn) <= 2
    assert len(documentation) > 1000


def test_documentation_is_drawn_the_same_again() -> None:
    documentation = Documentation()
    assert documentation.draw(Random(5)) == documentation.draw(Random(5))


def test_groups_of_like_words_have_two_words_or_more() -> None:
    assert all(len(set(group)) >= 2 for group in Synonyms().groups)


def test_like_words_are_of_the_groups_that_are_told() -> None:
    synonyms = Synonyms()
    numbers, (one, other) = synonyms.draw(Random(2))
    for number in numbers:
        assert any(word in one for word in synonyms.groups[number])
        assert any(word in other for word in synonyms.groups[number])


def test_a_practice_pair_tells_the_rules_that_it_is_about() -> None:
    rng = Random(3)
    for _ in range(30):
        pair = practice_pair(rng)
        assert pair.topics
        assert pair.topics <= {f"rule {name}" for name in RULE_NAMES}

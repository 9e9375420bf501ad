"""The fusion of words and vectors."""

from __future__ import annotations

import pytest

from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.fusion import HybridRetriever, fuse

A, B, C = (Skill(name, "A skill.", "Do.") for name in "abc")


class Fixed:
    """Finds always the same, and counts how often it was asked."""

    def __init__(self, *skills: Skill) -> None:
        self.found = tuple(Match(skill, 1.0 - number / 10) for number, skill in enumerate(skills))
        self.asked = 0

    def search(self, query: str, limit: int) -> tuple[Match, ...]:
        self.asked += 1
        return self.found[:limit]


def names(matches: tuple[Match, ...]) -> list[str]:
    return [match.skill.name for match in matches]


def test_what_both_find_comes_first() -> None:
    hybrid = HybridRetriever(Fixed(A, B), Fixed(C, B), 0.5, 0.0)
    assert names(hybrid.search("q", 3)) == ["b", "a", "c"]


@pytest.mark.parametrize(("weight", "expected"), [(0.2, ["a", "b"]), (0.8, ["b", "a"])])
def test_the_weight_decides_between_them(weight: float, expected: list[str]) -> None:
    assert names(HybridRetriever(Fixed(A), Fixed(B), weight, 0.0).search("q", 3)) == expected


def test_without_weight_the_vectors_are_not_asked() -> None:
    dense = Fixed(B)
    assert names(HybridRetriever(Fixed(A), dense, 0.0, 0.0).search("q", 3)) == ["a"]
    assert dense.asked == 0


def test_with_all_weight_the_words_are_not_asked() -> None:
    lexical = Fixed(A)
    assert names(HybridRetriever(lexical, Fixed(B), 1.0, 0.0).search("q", 3)) == ["b"]
    assert lexical.asked == 0


def test_where_both_abstain_nothing_is_found() -> None:
    assert HybridRetriever(Fixed(), Fixed(), 0.5, 0.0).search("q", 3) == ()


def test_what_is_first_in_both_has_relevance_one() -> None:
    assert fuse(Fixed(A, B).found, Fixed(A).found, 0.3)[0] == Match(A, pytest.approx(1.0))


def test_a_skill_beyond_the_limit_of_one_ranking_may_be_lifted_by_the_other() -> None:
    found = HybridRetriever(Fixed(A, B, C), Fixed(C), 0.5, 0.0).search("q", 1)
    assert names(found) == ["c"]


def test_what_only_vectors_find_must_be_like_enough() -> None:
    hybrid = HybridRetriever(Fixed(A), Fixed(B, C), 0.5, 0.95)
    assert names(hybrid.search("q", 3)) == ["a", "b"]


def test_what_words_find_keeps_the_rank_that_vectors_give_it() -> None:
    hybrid = HybridRetriever(Fixed(A, B), Fixed(C, B, A), 0.9, 2.0)
    assert names(hybrid.search("q", 3)) == ["b", "a"]

"""Feedback names the wanted value, and neither a rule nor a phrasing."""

from __future__ import annotations

import re

import pytest

from metaclaw_jlab.practice import RULES, Outcome, check, task_set
from metaclaw_jlab.practice.feedback import TEMPLATES, feedback
from metaclaw_jlab.practice.phrasings import TEMPLATES as PHRASINGS
from metaclaw_jlab.practice.phrasings import group, phrase
from metaclaw_jlab.practice.splits import values


def sentences() -> list[tuple[str, str, str]]:
    found = []
    for rule in RULES:
        for option in (RULES[rule].habit, *values(rule, "train")):
            found += [(rule, option, feedback(rule, option, str(key))) for key in range(12)]
    return found


def test_no_sentence_has_the_name_of_a_rule() -> None:
    for _, _, sentence in sentences():
        assert not any(rule in sentence or rule.replace("-", " ") in sentence for rule in RULES), sentence


def test_no_sentence_holds_a_phrasing() -> None:
    for rule, option, sentence in sentences():
        for index in range(len(PHRASINGS[group(rule, option)])):
            assert phrase(rule, option, index).lower() not in sentence.lower()


def test_no_sentence_shares_five_words_in_a_row_with_a_phrasing() -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"[\w{}#.]+", text.lower())
        return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}

    phrased = set().union(*(runs(text) for texts in PHRASINGS.values() for text in texts))
    for texts in TEMPLATES.values():
        for text in texts:
            assert not runs(text) & phrased, text


@pytest.mark.parametrize("rule", [rule for rule in RULES if RULES[rule].copied])
def test_a_copied_value_is_in_the_sentence(rule: str) -> None:
    assert all("zanzibar" in feedback(rule, "zanzibar", str(key)) for key in range(12))


def test_each_rule_has_several_sentences() -> None:
    assert all(len(texts) >= 3 for texts in TEMPLATES.values())


def test_an_exception_is_named() -> None:
    task = task_set("test", 1, 1)[0]
    verdict = check(task, Outcome("KeyError: 'price'", "", {}, {}))
    assert not verdict.ran
    assert "KeyError: 'price'" in verdict.feedback

"""The lexical index of a library that changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.live_index import LiveIndex
from metaclaw_jlab.skills.retrieval import BM25Retriever, FreshScan
from metaclaw_jlab.skills.words import words

DATES = Skill("iso-dates", "Use when asked to print dates.", "Write every date as YYYY-MM-DD.")
PLOTS = Skill("svg-plots", "Use when asked for a plot.", "Save plots and charts as svg.")
MONEY = Skill("cents", "Use when asked for prices.", "Give prices in cents.")
SERVED = {"iso-dates": ["show the birthdays", "when was it born"]}
QUERIES = ("Print the dates of the orders", "draw a chart and save the plot", "show the birthdays", "prices")


class Later:
    """Work that is done when a test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.waiting.append(work)

    def run(self) -> None:
        self.waiting.pop()()


def found(index: LiveIndex, query: str) -> list[str]:
    return [match.skill.name for match in index.search(query, 3)]


@pytest.mark.parametrize("query", QUERIES)
def test_a_scan_gives_the_relevance_of_the_index(query: str) -> None:
    skills = [DATES, PLOTS, MONEY]
    index = BM25Retriever(skills, 0.0, SERVED)
    scan = FreshScan(skills, 0.0, SERVED, index.statistics())
    clause = [*words(query), "unheard"]
    assert scan.relevances(clause) == pytest.approx(index.relevances(clause), abs=1e-5)
    assert scan.relevances(clause).max() > 0


def test_a_small_library_is_indexed_at_once() -> None:
    later = Later()
    index = LiveIndex(beside=later)
    index.update([DATES], {}, 0.3)
    index.update([DATES, PLOTS], {}, 0.3)
    assert found(index, "draw a plot") == ["svg-plots"]
    assert later.waiting == []


def test_a_new_skill_is_found_before_the_index_is_rebuilt() -> None:
    later = Later()
    index = LiveIndex(small=1, beside=later)
    index.update([DATES, MONEY], {}, 0.3)
    index.update([DATES, MONEY, PLOTS], {}, 0.3)
    assert len(later.waiting) == 1
    assert found(index, "draw a plot") == ["svg-plots"]
    assert found(index, "print the dates") == ["iso-dates"]


def test_a_skill_that_is_gone_is_not_found_before_the_index_is_rebuilt() -> None:
    index = LiveIndex(small=1, beside=Later())
    index.update([DATES, PLOTS, MONEY], {}, 0.3)
    index.update([DATES, MONEY], {}, 0.3)
    assert found(index, "draw a plot") == []


def test_a_changed_skill_is_found_by_what_it_says_now() -> None:
    index = LiveIndex(small=1, beside=Later())
    index.update([DATES, PLOTS], {}, 0.3)
    changed = Skill("iso-dates", "Use when asked to print invoices.", "Number invoices.")
    index.update([changed, PLOTS], {}, 0.3)
    assert found(index, "print the invoices") == ["iso-dates"]
    assert index.search("print the invoices", 1)[0].skill is changed
    assert found(index, "in YYYY form") == []


def test_a_new_text_counts_before_the_index_is_rebuilt() -> None:
    index = LiveIndex(small=1, beside=Later())
    index.update([DATES, PLOTS], {}, 0.3)
    assert found(index, "show the birthdays") == []
    index.update([DATES, PLOTS], SERVED, 0.3)
    assert found(index, "show the birthdays") == ["iso-dates"]


def test_the_rebuilt_index_is_that_of_the_whole_library() -> None:
    later = Later()
    index = LiveIndex(small=1, beside=later)
    index.update([DATES], {}, 0.0)
    index.update([DATES, PLOTS, MONEY], SERVED, 0.0)
    later.run()
    assert index.settle(0)
    whole = BM25Retriever([DATES, PLOTS, MONEY], 0.0, SERVED)
    assert [index.search(query, 3) for query in QUERIES] == [whole.search(query, 3) for query in QUERIES]


def test_what_changes_during_a_rebuild_is_taken_up_by_it() -> None:
    later = Later()
    index = LiveIndex(small=1, beside=later)
    index.update([DATES], {}, 0.0)
    index.update([DATES, PLOTS], {}, 0.0)
    index.update([DATES, PLOTS, MONEY], {}, 0.0)
    assert len(later.waiting) == 1
    later.run()
    whole = BM25Retriever([DATES, PLOTS, MONEY], 0.0)
    assert [index.search(query, 3) for query in QUERIES] == [whole.search(query, 3) for query in QUERIES]


def test_it_rebuilds_on_a_thread_of_its_own() -> None:
    index = LiveIndex(small=1)
    index.update([DATES], {}, 0.3)
    index.update([DATES, PLOTS], {}, 0.3)
    assert index.settle(60)
    assert found(index, "draw a plot") == ["svg-plots"]


def test_another_threshold_holds_at_once() -> None:
    index = LiveIndex(small=1, beside=Later())
    index.update([DATES, PLOTS], {}, 0.0)
    index.update([DATES, PLOTS], {}, 100.0)
    assert found(index, "print the dates") == []

"""Retrieval by vectors."""

from __future__ import annotations

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.dense import DenseRetriever
from metaclaw_jlab.skills.exact_scan import ExactScan
from tests.skills.vectors import WordVectors

DATES = Skill("iso", "Use for a date.", "Write every date as YYYY-MM-DD.")
PLOTS = Skill("svg", "Use for a plot.", "Save a plot or chart as svg.")
MONEY = Skill("cents", "Use for a price.", "Give a price in cents.")


def retriever(threshold: float = 0.0) -> tuple[DenseRetriever, WordVectors]:
    embedder = WordVectors()
    return DenseRetriever(ExactScan(embedder), threshold), embedder


def names(found: DenseRetriever, query: str, limit: int = 3) -> list[str]:
    return [match.skill.name for match in found.search(query, limit)]


def test_the_body_is_indexed() -> None:
    dense, _ = retriever(0.3)
    dense.synchronise([DATES, PLOTS, MONEY])
    assert names(dense, "a chart, please") == ["svg"]


def test_it_finds_nothing_under_the_threshold() -> None:
    dense, _ = retriever(0.9)
    dense.synchronise([DATES, PLOTS])
    assert names(dense, "money") == []


def test_a_skill_is_found_by_a_text_that_it_served() -> None:
    dense, _ = retriever(0.9)
    dense.synchronise([DATES, PLOTS], {"svg": ["the money of each day"]})
    assert names(dense, "money of a day") == ["svg"]


def test_each_step_of_a_query_finds_its_skill() -> None:
    dense, _ = retriever(0.95)
    dense.synchronise([DATES, PLOTS, MONEY])
    assert set(names(dense, "Print a date. Then show the price")) == {"iso", "cents"}


def test_one_changed_skill_embeds_one_text() -> None:
    dense, embedder = retriever()
    texts = {"iso": ["when"]}
    assert dense.synchronise([DATES, PLOTS, MONEY], texts) == 4
    embedder.asked.clear()
    changed = Skill("svg", "Use for a plot.", "Save a plot as pdf.")
    assert dense.synchronise([DATES, changed, MONEY], texts) == 1
    assert embedder.asked == ["svg\nUse for a plot.\nSave a plot as pdf."]
    assert [match.skill for match in dense.search("plot", 1)] == [changed]


def test_a_removed_skill_is_not_found() -> None:
    dense, _ = retriever()
    dense.synchronise([DATES, PLOTS])
    dense.synchronise([DATES])
    assert names(dense, "plot") == ["iso"]


def test_two_skills_with_one_text_are_both_found() -> None:
    dense, _ = retriever(0.5)
    dense.synchronise([DATES, PLOTS], {"iso": ["money"], "svg": ["money"]})
    assert names(dense, "money") == ["iso", "svg"]


def test_an_empty_library_or_query_finds_nothing() -> None:
    dense, _ = retriever()
    assert names(dense, "date") == []
    dense.synchronise([DATES])
    assert names(dense, "  ") == []
    assert names(dense, "date", 0) == []

import subprocess
import sys

import pytest

from metaclaw_jlab.core.retriever import Match, Retriever
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD, BM25Retriever, choose, estimate_tokens, select

DATES = Skill("iso-dates", "Use when dates are shown or printed.", "Write dates as YYYY-MM-DD.")
BACKUP = Skill("backup-copy", "Use when a file is edited or changed.", "Copy it to a .bak file first.")
FIGURES = Skill("figure-format", "Use when a plot or histogram is saved.", "Figures are png files.")
LIBRARY = (DATES, BACKUP, FIGURES)


def names(found: tuple[Match, ...]) -> list[str]:
    return [match.skill.name for match in found]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_skill_is_found_in_a_small_library(size: int) -> None:
    assert names(BM25Retriever(LIBRARY[:size]).search("Print every date in sales.csv", 3)) == ["iso-dates"]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize(
    "query",
    ["Train a random forest on @df", "Show the mean of the column price", "", "?!", "the of and", "語"],
)
def test_nothing_is_found_where_nothing_bears_on_the_task(size: int, query: str) -> None:
    assert BM25Retriever(LIBRARY[:size]).search(query, 3) == ()


def test_an_empty_library_finds_nothing() -> None:
    assert BM25Retriever([]).search("Print every date", 3) == ()


def test_a_body_is_indexed() -> None:
    skill = Skill("rule-7", "A house rule.", "Round amounts in francs to five centimes.")
    assert names(BM25Retriever([skill]).search("sum the francs and centimes", 3)) == ["rule-7"]


def test_a_name_is_indexed() -> None:
    skill = Skill("invoice-totals", "A house rule.", "Add a tax line.")
    assert names(BM25Retriever([skill]).search("write the invoice_totals", 3)) == ["invoice-totals"]


def test_matches_come_best_first_and_no_more_than_asked_for() -> None:
    retriever = BM25Retriever(LIBRARY)
    query = "Print the dates, save a histogram plot and edit the file"
    found = retriever.search(query, 3)
    assert [match.relevance for match in found] == sorted((m.relevance for m in found), reverse=True)
    assert retriever.search(query, 1) == found[:1]
    assert retriever.search(query, 0) == ()


def test_none_is_under_the_threshold() -> None:
    found = BM25Retriever(LIBRARY, threshold=0.0).search("Print the date of the file", 3)
    limit = found[0].relevance
    assert BM25Retriever(LIBRARY, threshold=limit).search("Print the date of the file", 3) == found[:1]


def test_relevance_means_the_same_in_a_large_library() -> None:
    others = [
        Skill(f"skill-{n}", f"Use when topic{n} is discussed.", f"Say word{n} twice.") for n in range(500)
    ]
    query = "Print every date in sales.csv"
    alone = BM25Retriever([DATES]).search(query, 1)[0].relevance
    among = BM25Retriever([DATES, *others]).search(query, 1)[0].relevance
    assert among == pytest.approx(alone, rel=0.35)
    assert min(alone, among) >= DEFAULT_THRESHOLD


def test_equal_matches_come_in_the_order_of_their_names() -> None:
    twins = [Skill(name, "Use when dates are shown.", "Write dates.") for name in ("b-twin", "a-twin")]
    assert names(BM25Retriever(twins, threshold=0.0).search("show the date", 2)) == ["a-twin", "b-twin"]


def test_a_retriever_keeps_the_protocol() -> None:
    retriever: Retriever = BM25Retriever(LIBRARY)
    assert retriever.search("dates", 1)


def test_select_keeps_to_the_number_of_skills() -> None:
    matches = tuple(Match(skill, 1.0) for skill in LIBRARY)
    assert select(matches, 2, 1200) == matches[:2]


def test_a_skill_over_the_budget_gives_way_to_the_next_that_fits() -> None:
    long = Match(Skill("long", "Long.", "x" * 3500), 3.0)
    short = Match(DATES, 1.0)
    assert select((long, short), 3, 999) == (short,)
    assert select((long, short), 3, 1000) == (long,)
    assert select((long, short), 3, 1100) == (long, short)


@pytest.mark.parametrize(("skills", "tokens"), [(0, 1200), (3, 0)])
def test_a_budget_of_nothing_selects_nothing(skills: int, tokens: int) -> None:
    assert select((Match(DATES, 1.0),), skills, tokens) == ()


def test_tokens_are_estimated_by_length() -> None:
    assert [estimate_tokens(text) for text in ("", "x", "x" * 7)] == [0, 1, 2]


def test_importing_retrieval_loads_neither_bm25s_nor_numpy() -> None:
    code = (
        "import sys, metaclaw_jlab.skills.retrieval; assert not {'bm25s', 'numpy', 'yaml'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_skill_over_the_token_budget_makes_room_for_the_next_best() -> None:
    long = Skill("dates-at-length", "Use when dates are written to orders.", "Dates of orders. " * 100)
    short = Skill("iso-dates", "Use when dates are written.", "Write dates as ISO.")
    chosen = choose(BM25Retriever([long, short]), "Write the dates of the orders", 1, 50)
    assert [match.skill.name for match in chosen] == ["iso-dates"]

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.core.retriever import Match, Retriever
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.retrieval import (
    DEFAULT_THRESHOLD,
    BM25Retriever,
    choose,
    closest_text,
    estimate_tokens,
    keep_varied,
    select,
)

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


PLOT_TEXTS = (
    "make a histogram of in csv and save it to a png file",
    "save a bar plot of column of csv in a figure",
    "load csv, draw a line plot of and save the figure",
)


def test_a_skill_is_found_by_the_texts_of_tasks_that_it_served() -> None:
    bare = Skill("rule", "A house rule.", "Prefer vector graphics.")
    query = "Draw a histogram of the column price of sales.csv"
    assert BM25Retriever([bare]).search(query, 3) == ()
    assert names(BM25Retriever([bare], texts={"rule": PLOT_TEXTS}).search(query, 3)) == ["rule"]


def test_texts_of_no_skill_and_texts_without_words_change_nothing() -> None:
    texts = {"another": PLOT_TEXTS, "iso-dates": ("", "?")}
    query = "Print every date and save a plot"
    assert BM25Retriever(LIBRARY, texts=texts).search(query, 3) == BM25Retriever(LIBRARY).search(query, 3)


@pytest.mark.parametrize("others", [0, 40])
def test_skills_with_and_without_texts_are_compared_by_one_threshold(others: int) -> None:
    bare = Skill("rule", "A house rule.", "Prefer vector graphics.")
    library = [
        bare,
        DATES,
        *(Skill(f"skill-{n}", f"Use when topic{n} is discussed.", "Say so.") for n in range(others)),
    ]
    retriever = BM25Retriever(library, texts={"rule": PLOT_TEXTS * 8})
    assert names(retriever.search("Print every date in sales.csv", 3)) == ["iso-dates"]
    assert names(retriever.search("Save a histogram of price", 3)) == ["rule"]


def test_one_text_that_speaks_of_two_things_does_not_win_over_many_that_speak_of_one() -> None:
    edits = [f"change {word} in the txt file" for word in ("lines", "names", "words", "titles")]
    mixed = ["delete rows of csv. Then change lines in the txt file", "delete rows of csv", "delete the csv"]
    skills = [
        Skill("a-deletes", "A house rule.", "Say gone."),
        Skill("b-edits", "A house rule.", "Copy first."),
    ]
    found = BM25Retriever(skills, texts={"a-deletes": mixed, "b-edits": edits}).search(
        "change lines in txt", 2
    )
    assert names(found)[0] == "b-edits"


def test_each_step_of_a_query_has_its_best_skill_first() -> None:
    charts = [
        Skill(f"{name}-charts", "Use when a histogram of prices is saved as a figure.", "Be brief.")
        for name in "ab"
    ]
    query = "Save a histogram of prices as a figure. Then print every date."
    assert set(names(BM25Retriever([*charts, DATES]).search(query, 3))[:2]) >= {"iso-dates"}


def test_what_is_far_behind_the_best_is_left_out_unless_the_threshold_is_nought() -> None:
    near = Skill("near", "Use when an invoice total in francs is rounded.", "Five centimes.")
    far = Skill("far", "Use when a meeting of francs collectors is announced.", "Be brief.")
    query = "Round the invoice total in francs to centimes"
    assert names(BM25Retriever([near, far], threshold=0.1).search(query, 2)) == ["near"]
    assert names(BM25Retriever([near, far], threshold=0.0).search(query, 2)) == ["near", "far"]


def test_the_closest_text_is_named() -> None:
    query = "Save sales.csv. Then draw a line plot of price"
    assert closest_text(query, PLOT_TEXTS) == PLOT_TEXTS[2]
    assert closest_text("Translate everything", PLOT_TEXTS) is None
    assert closest_text("", ()) is None


def test_near_duplicates_of_earlier_texts_are_dropped() -> None:
    texts = (PLOT_TEXTS[0], PLOT_TEXTS[0].upper(), "the of", PLOT_TEXTS[1])
    assert keep_varied(texts) == (PLOT_TEXTS[0], PLOT_TEXTS[1])


def test_the_most_varied_texts_are_kept_in_their_order() -> None:
    texts = (
        "plot a line",
        "plot a line of prices",
        "plot lines of prices by day",
        "delete rows",
        "move a file",
    )
    assert keep_varied(texts, 3) == ("plot a line", "delete rows", "move a file")


@given(st.lists(st.text("abc ", max_size=12), max_size=12), st.integers(0, 5))
def test_what_is_kept_comes_from_the_texts_and_stays_when_kept_again(texts: list[str], limit: int) -> None:
    kept = keep_varied(texts, limit)
    assert len(kept) <= limit
    assert set(kept) <= set(texts)
    assert keep_varied(kept, limit) == kept


def test_many_texts_of_many_skills_are_indexed() -> None:
    texts = {f"skill-{n}": [f"topic{n} word{n + k} csv. Then show it" for k in range(24)] for n in range(50)}
    library = [Skill(f"skill-{n}", "A house rule.", "Say so.") for n in range(50)]
    assert names(BM25Retriever(library, texts=texts).search("Show topic7 with word20", 1)) == ["skill-7"]


def test_a_skill_under_the_policys_threshold_leaves_those_behind_it_in() -> None:
    """The best of one clause may stand before what is more relevant to another."""
    weak, strong = Match(DATES, 0.9), Match(Skill("long", "Long.", "x"), 1.4)
    assert select((weak, strong), 1, 1200, threshold=1.0) == (strong,)

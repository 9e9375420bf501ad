import json
import os
import re
from pathlib import Path

import pytest

from metaclaw_jlab.core.evolution import Draft, Failure, FailureKind, Source
from metaclaw_jlab.core.skill import NAME_PATTERN, Skill
from metaclaw_jlab.skills.distiller import Distiller
from tests.skills.distiller.unknown_rules import UNKNOWN_RULES

_BENCH = Path(os.environ.get("METACLAW_BENCH") or Path(__file__).parents[4] / "shared" / "metaclaw-bench")
_TASK = "Save the rows of prices.csv where fee is above 3 as out.csv"
_CODE = "df = pd.read_csv('prices.csv')\ndf[df.fee > 3].to_csv('out.csv')"
# Literal values of each day's rule, and names that belong to single tasks of it.
_DAYS = {
    "01": (("YYYY-MM-DDTHH", "+08:00"), ("standup.json", "2026", "T-405")),
    "06": (("YYYYMMDD_", "snake_case"), ("ci_build_report", "20260323", "v230")),
    "11": (("created_at", "author", "status"), ("project_readme", "2026-03-30", "20260330")),
    "16": ((".bak",), ("api_docs", "q2_timeline", "test_config", "day16")),
    "21": (("done.log", "[DONE]"), ("roadmap_draft", "2026-04-13", "20260413")),
}


def failure(said: str, trajectory: str = "t1", task: str = _TASK, code: str = _CODE) -> Failure:
    return Failure(trajectory, FailureKind.CHECK, task, code, "", (said,) if said else ())


def draft_of(said: str, **more: str) -> Draft:
    (draft,) = Distiller().propose([failure(said, **more)], ()).drafts
    return draft


def skill(draft: Draft, wording: int = 0) -> Skill:
    return Skill(draft.name, draft.description, draft.wordings[wording])


@pytest.mark.parametrize(
    ("rule", "said"),
    [pytest.param(rule, said, id=f"{rule.name}: {said}") for rule in UNKNOWN_RULES for said in rule.said],
)
def test_a_rule_the_package_never_heard_of_is_distilled_with_its_values(rule, said):
    proposal = Distiller().propose(rule.failures(said), ())
    (draft,) = proposal.drafts
    assert len(draft.sources) == len(rule.tasks)
    for value in rule.values:
        assert all(value.strip("`") in wording for wording in draft.wordings)


@pytest.mark.skipif(not _BENCH.is_dir(), reason=f"metaclaw-bench is not at {_BENCH}; set METACLAW_BENCH")
@pytest.mark.parametrize("day", _DAYS)
def test_feedback_of_a_benchmark_day_gives_its_rule_without_the_days_own_names(day):
    rounds = json.loads((_BENCH / f"eval/day{day}/questions.json").read_text())["rounds"]
    failures = [
        Failure(
            f"{day}-{number}", FailureKind.CHECK, one["question"], "", "", (one["feedback"]["incorrect"],)
        )
        for number, one in enumerate(one for one in rounds if one.get("type") == "file_check")
    ]
    drafts = Distiller().propose(failures, ()).drafts
    values, own = _DAYS[day]
    assert any(all(value in "\n".join(draft.wordings) for value in values) for draft in drafts)
    told = "\n".join(f"{d.name} {d.description} {' '.join(d.wordings)}" for d in drafts)
    assert not [name for name in own if name in told]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("the csv should use semicolons", "semicolons"),
        ("please always round to 2 digits", "2"),
        ("we use snake_case for columns", "snake_case"),
        ("the csv of this task was expected to have ; as its separator", ";"),
        ("Use ; as separator", ";"),
        ("the file must be saved in the folder reports/", "reports"),
        ("dates should look like 2024-03-05", "YYYY-MM-DD"),
        ("no file with .orig at its end was found beside it", ".orig"),
        ("please use commas instead of semicolons", "commas"),
        ("this output does not begin with Total", "Total"),
    ],
)
def test_the_first_wording_holds_the_literal_value(said, value):
    assert value in draft_of(said).wordings[0]


@pytest.mark.parametrize(
    "said",
    [
        "the csv should use semicolons",
        "please always round to 2 digits",
        "don't print the whole table",
        "Never overwrite the input file",
        "I want type hints",
        "always sort descending",
    ],
)
def test_a_draft_has_8_to_24_different_short_wordings_a_name_and_a_use_when(said):
    draft = draft_of(said)
    assert 8 <= len(draft.wordings) <= 24
    assert len(set(draft.wordings)) == len(draft.wordings)
    assert all(len(wording) < 120 for wording in draft.wordings)
    assert NAME_PATTERN.match(draft.name)
    assert draft.description.startswith("Use when")


def test_a_prohibition_stays_one_in_every_wording():
    negative = re.compile(r"\b(?:not|never|no|avoid|without)\b", re.IGNORECASE)
    assert all(negative.search(wording) for wording in draft_of("don't print the whole table").wordings)


def test_a_sign_is_told_by_its_name_too():
    wordings = " ".join(draft_of("the csv was expected to have ; between its values").wordings)
    assert ";" in wordings
    assert "semicolon" in wordings


def test_names_of_the_task_are_in_no_part_of_a_draft():
    draft = draft_of("prices.csv should be written with semicolons and kept as prices.csv.bak")
    told = f"{draft.name} {draft.description} {' '.join(draft.wordings)}"
    assert "prices" not in told
    assert "fee" not in told


@pytest.mark.parametrize(
    "said",
    [
        "expected the mean of column x",
        "the code raised KeyError: 'a'",
        "`df.shape[1] == 3` is not true: `df.shape[1]` is 4.",
        "There is no file out/report.csv. There is: a.csv.",
        "more was printed or changed than was asked, expected only one line with the mean of a",
        "the mean should be 4.5",
        "missing column `total`",
        "assert len(df) == 3",
        "`pytest -q` ended with exit code 1.",
        "expected 3 rows but got 4",
        "wrong",
        "That's not what I wanted",
        "why did you print so much?",
        "The file naming does not meet our standards.",
        "",
    ],
)
def test_feedback_without_a_rule_is_kept_with_a_reason(said):
    proposal = Distiller().propose([failure(said)], ())
    assert not proposal.drafts
    assert proposal.kept["t1"].endswith(".")


def test_clauses_become_drafts_of_their_own():
    drafts = (
        Distiller().propose([failure("the csv should use semicolons; print DONE when finished")], ()).drafts
    )
    assert {source.said for draft in drafts for source in draft.sources} == {
        "the csv should use semicolons",
        "print DONE when finished",
    }


def test_failures_of_one_rule_are_merged_whatever_the_words():
    said = ("the csv should use semicolons", "csv values must have ; between them")
    (draft,) = Distiller().propose([failure(text, f"t{n}") for n, text in enumerate(said)], ()).drafts
    assert set(draft.sources) == {Source("t0", said[0]), Source("t1", said[1])}


def test_the_description_has_the_words_that_several_tasks_share():
    tasks = (
        "Save the rows of a.csv as b.csv",
        "Save the columns of c.csv as d.csv",
        "Save e.csv as f.csv sorted",
    )
    failures = [failure("use semicolons", f"t{n}", task, "") for n, task in enumerate(tasks)]
    (draft,) = Distiller().propose(failures, ()).drafts
    assert {"save", "csv"} <= set(re.findall(r"\w+", draft.description))
    assert "sorted" not in draft.description


def test_at_most_three_drafts_and_the_rest_stays_pending():
    rules = [
        "csv files must use semicolons",
        "functions need a docstring",
        "print DONE when finished",
        "dates must be YYYY-MM-DD",
    ]
    failures = [failure(text, f"{text}-{n}") for text in rules for n in range(2 if "DONE" in text else 1)]
    proposal = Distiller().propose(failures, ())
    assert len(proposal.drafts) == 3
    assert "DONE" in proposal.drafts[0].wordings[0]
    assert not proposal.kept


@pytest.mark.parametrize(
    "said", ["csv values must have ; between them", "this csv could not be read with ; as its separator"]
)
def test_what_a_skill_states_already_is_explained(said):
    known = skill(draft_of("the csv should use semicolons"))
    proposal = Distiller().propose([failure(said)], [known])
    assert proposal.explained == ((Source("t1", said), known.name),)
    assert not proposal.drafts


def test_another_value_for_the_same_things_amends_the_skill():
    known = skill(draft_of("the csv should use semicolons"))
    (draft,) = Distiller().propose([failure("the csv should use tabs")], [known]).drafts
    assert draft.amends == draft.name == known.name


def test_a_value_of_other_things_amends_nothing():
    known = skill(draft_of("json files must have an indent of 2"))
    (draft,) = Distiller().propose([failure("round numbers to 2 digits")], [known]).drafts
    assert draft.amends is None
    assert draft.name != known.name


def edited(instead: str) -> Failure:
    return Failure("t1", FailureKind.EDITED, _TASK, _CODE, "", (), instead)


def test_an_edit_that_sets_one_plain_value_is_distilled():
    (draft,) = Distiller().propose([edited(_CODE.replace("'out.csv')", "'out.csv', sep=';')"))], ()).drafts
    assert "sep=';'" in draft.wordings[0]


def test_an_edit_that_rewrites_the_code_is_kept():
    proposal = Distiller().propose(
        [edited("import csv\nrows = list(csv.reader(open('prices.csv')))\nprint(rows)")], ()
    )
    assert not proposal.drafts
    assert "t1" in proposal.kept


def test_equal_failures_give_equal_proposals():
    failures = [failure("use ; in csv files", "a"), failure("round to 2 digits", "b")]
    assert Distiller().propose(failures, ()) == Distiller().propose(failures, ())


@pytest.mark.parametrize(
    "said",
    ["(" * 3000, "must " * 800, "a, " * 1300, "; ".join(["use ;"] * 600), "`" * 999, "the " * 999 + "than x"],
)
def test_odd_feedback_is_survived(said):
    Distiller().propose([failure(said)], ())


def test_all_of_something_stays_all_of_it():
    assert all("all" in wording.split() for wording in draft_of("readers look for all the digits").wordings)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Always print ready", "the output was expected to be ready for this file"),
        (
            "Put a .old beside the text",
            "no file with .old at its end was found beside the one that was changed",
        ),
        ("Titles begin with ##", "readers expect a title with ## and one blank"),
    ],
)
def test_a_rule_is_known_again_by_the_word_or_sign_that_it_wants(body, said):
    known = Skill("known", "Use it.", body)
    proposal = Distiller().propose([failure(said)], (known,))
    assert [name for _, name in proposal.explained] == ["known"]


def test_a_word_that_the_task_has_itself_makes_no_rule_known():
    known = Skill("known", "Use it.", "Save the rows in a folder")
    assert not Distiller().propose([failure("the output must say rows")], (known,)).explained

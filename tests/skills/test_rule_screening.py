import pytest

from metaclaw_jlab.core.evolution import Failure, FailureKind
from metaclaw_jlab.skills.rule_screening import names_in, objection, turned_round

TASK = "Keep the rows of prices.csv with a cost over 90 and save them as dear.csv"
CODE = (
    "import pandas as pd\ndf = pd.read_csv('prices.csv')\ndf[df['cost'] > 90].to_csv('dear.csv', index=False)"
)
SAID = "the csv of this task was expected to have semicolons between its values"
FAILURE = Failure("t1", FailureKind.CHECK, TASK, CODE, "", (SAID,))


@pytest.mark.parametrize(
    "rule",
    [
        "Put semicolons between the values of every csv file.",
        "Write csv files with sep=';'.",
        "Do not put commas between the values of a csv file, use semicolons.",
        "Use ';' as separator.",
    ],
)
def test_a_rule_for_all_tasks_passes(rule: str) -> None:
    assert objection(rule, SAID, [FAILURE]) is None


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("Save dear.csv with semicolons between its values.", "one task alone (dear)"),
        ("Put semicolons between the values of prices.csv.", "one task alone (prices)"),
        ("Separate the cost column with semicolons.", "one task alone (cost)"),
        ("Write rows over 90 with semicolons.", "one task alone (90)"),
        ("Do not put semicolons between the values of a csv.", "turned round"),
        ("Never use semicolons as separators between values.", "turned round"),
        ("Semicolons.", "too little"),
        ("```python import pandas as pd```", "no sentence"),
    ],
)
def test_a_rule_of_no_use_is_told(rule: str, why: str) -> None:
    assert why in (objection(rule, SAID, [FAILURE]) or "")


def test_a_restated_task_is_told() -> None:
    failure = Failure("t", FailureKind.CHECK, "Print how many rows the table has", "", "", (SAID,))
    assert objection("Print the number of rows that the table has.", SAID, [failure]) == "restates the task"


def test_a_name_that_the_complaint_has_too_may_be_said() -> None:
    failure = Failure("t", FailureKind.CHECK, "Save it as 'dear.csv'", CODE, "", ())
    assert names_in("Put files under dear.", "it was expected under dear/", [failure]) == ()


def test_what_is_not_wanted_may_be_forbidden() -> None:
    assert not turned_round("Do not copy the file.", "a copy was found beside the file, nobody wants it")
    assert not turned_round("Leave gaps out, do not fill them.", "they were expected to be left out")


def test_what_is_wanted_may_not() -> None:
    assert turned_round("Don't put the unit after the number.", "readers look for the unit after the number")

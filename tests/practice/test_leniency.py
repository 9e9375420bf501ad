"""Other programs than the demonstrated ones are right too, where what they leave is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from metaclaw_jlab.practice import Outcome, PracticeTask, Verdict, check, draw_house, sample_task
from metaclaw_jlab.practice.rules import habits

Runner = Callable[[PracticeTask, Sequence[str]], Outcome]
READ = "import pandas as pd\ndf = pd.read_csv('{file}')\n"


def habitual(family: str, rules: int, rule: str | None = None) -> PracticeTask:
    task = sample_task(
        Random(5),
        "train",
        draw_house(Random(1), "train"),
        compound=False,
        family=family,
        rules=rules,
        rule=rule,
    )
    return replace(task, options=habits(task.rules))


@pytest.fixture
def judge(run_steps: Runner) -> Callable[[PracticeTask, str], Verdict]:
    def judged(task: PracticeTask, code: str) -> Verdict:
        return check(task, run_steps(task, [code.format(**task.parts[0].params)]))

    return judged


Judge = Callable[[PracticeTask, str], Verdict]
GROUPED = READ + "g = df.groupby('{by}')['{column}'].{aggregate}()\n"


@pytest.mark.parametrize(
    "show",
    [
        "print(g)",
        "print(g.to_string())",
        "print(g.reset_index())",
        "print(g.reset_index().to_string(index=False))",
        "for k, v in g.items():\n    print(k, v)",
        "for k, v in g.items():\n    print(k + ': ' + str(float(v)))",
        "print(g.astype(float).to_dict())",
        "for k, v in g.items():\n    print(f'The value of {{k}} is {{v}}.')",
        "for k, v in g.items():\n    print(f'{{k}} (all of them) has {{v}}')",
    ],
)
def test_groups_may_be_shown_in_any_common_shape(show: str, judge: Judge) -> None:
    assert judge(habitual("group", 1), GROUPED + show).strict


@pytest.mark.parametrize(
    "show", ["print('Total:', v)", "print(f'Total = {{v}}')", "print('Total', float(v))"]
)
def test_a_label_may_have_a_colon_and_a_number_a_point(show: str, judge: Judge) -> None:
    task = replace(habitual("statistic", 1), options={"value-label": "Total"})
    assert judge(task, READ + "v = df['{column}'].{aggregate}()\n" + show).strict


def test_a_sentence_around_the_number_is_another_label(judge: Judge) -> None:
    verdict = judge(habitual("statistic", 1), READ + "print('It is', df['{column}'].{aggregate}())")
    assert (verdict.task_right, verdict.broken) == (True, ("value-label",))


def test_a_sentence_that_holds_another_number_is_no_pair(judge: Judge) -> None:
    show = "for k, v in g.items():\n    print(f'{{k}} has 3 rows and {{v}}')"
    assert not judge(habitual("group", 1), GROUPED + show).task_right


def test_a_name_of_two_words_may_be_taken_as_it_was_said(judge: Judge) -> None:
    task = habitual("note", 1, "file-naming")
    assert len(task.parts[0].params["words"]) == 2
    code = "import pathlib\npathlib.Path('{folder}', '{words[0]} {words[1]}.txt').write_text('{text}')"
    verdict = judge(task, code)
    assert (verdict.task_right, verdict.broken) == (True, ("file-naming",))


def test_text_with_a_trailing_newline_is_the_same_text(judge: Judge) -> None:
    task = habitual("note", 1, "output-folder")
    code = "with open('{words[0]}.txt', 'w') as f:\n    f.write('{text}' + chr(10))"
    assert judge(task, code).strict


def test_rows_written_by_the_csv_module_are_the_same_rows(judge: Judge) -> None:
    task = habitual("select", 1)
    code = (
        "import csv\nrows = list(csv.DictReader(open('{file}')))\n"
        "with open('{folder}/{words[0]}.csv', 'w', newline='') as f:\n"
        "    w = csv.DictWriter(f, ['{first}', '{second}'], extrasaction='ignore')\n"
        "    w.writeheader()\n    w.writerows(rows)"
    )
    assert judge(task, code).strict


def test_an_index_column_is_too_much(judge: Judge) -> None:
    code = READ + "df[['{first}', '{second}']].to_csv('{folder}/{words[0]}.csv')"
    assert not judge(habitual("select", 1), code).task_right


def test_an_empty_figure_is_no_plot(judge: Judge) -> None:
    code = "import matplotlib.pyplot as plt\nplt.figure().savefig('{folder}/{words[0]}.png')"
    assert not judge(habitual("plot", 1, "figure-format"), code).task_right


def test_a_figure_of_another_format_than_its_name_is_wrong(judge: Judge) -> None:
    code = READ + "df['{column}'].plot().figure.savefig('{folder}/{words[0]}.svg', format='png')"
    assert not judge(habitual("plot", 1, "figure-format"), code).task_right


def test_a_wrong_number_says_what_was_expected(judge: Judge) -> None:
    task = habitual("statistic", 1)
    verdict = judge(task, "print(-1)")
    assert not verdict.task_right
    assert task.parts[0].params["column"] in verdict.feedback

"""What code leans on that was there before it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from metaclaw_jlab.jupyter.kernel.code_names import Surroundings, constants_in, leans_on, names_loaded

NAMES = frozenset(("sales", "pd", "x"))
START = 2_000_000_000.0


def around(folder: Path, kept: frozenset[str] = frozenset()) -> Surroundings:
    return Surroundings(NAMES, folder, START, kept)


@pytest.mark.parametrize(
    "code",
    [
        "total = sales.sum()",
        "sales = sales.dropna()",
        "x += 1",
        "sales['new'] = 1",
        "def f():\n    return sales",
        "import numpy as np\nprint(pd.DataFrame())",
        "print([row for row in sales])",
    ],
)
def test_a_name_of_the_session_is_leant_on(tmp_path: Path, code: str) -> None:
    assert "which the task does not refer to (@" in leans_on([code], around(tmp_path))


@pytest.mark.parametrize(
    "code",
    [
        "y = 1\nprint(y)",
        "import pandas as pd\nsales = pd.DataFrame()\nprint(sales)",
        "for x in range(3):\n    print(x)",
        "def f(x):\n    return x",
        "print([x for x in range(3)])",
        "try:\n    1 / 0\nexcept ZeroDivisionError as x:\n    print(x)",
        "(x := 3)",
    ],
)
def test_what_code_makes_itself_is_not(tmp_path: Path, code: str) -> None:
    assert leans_on([code], around(tmp_path)) == ""


def test_what_an_earlier_step_made_is_not(tmp_path: Path) -> None:
    assert leans_on(["sales = 1", "print(sales)"], around(tmp_path)) == ""


def test_a_line_of_the_notebook_is_leant_on(tmp_path: Path) -> None:
    assert "only a notebook understands" in leans_on(["!ls"], around(tmp_path))


def test_a_file_that_lay_there_is_leant_on(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("a")
    assert "used old.csv" in leans_on(["open('old.csv')"], around(tmp_path))
    assert leans_on(["open('./old.csv')"], around(tmp_path, frozenset(("old.csv",)))) == ""


def test_a_file_that_the_code_wrote_is_not(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a")
    os.utime(tmp_path / "new.csv", (START + 1, START + 1))
    assert leans_on(["open('new.csv', 'w').write('a')"], around(tmp_path)) == ""


def test_names_and_constants_of_a_check_are_found() -> None:
    source = "total = sum(df['units'])\nassert total == limit, 'out.csv'"
    assert names_loaded(source) == ("sum", "df", "limit")
    assert sorted(constants_in(source)) == ["out.csv", "units"]


def test_what_cannot_be_read_has_neither() -> None:
    assert (names_loaded("%time x"), constants_in("%time x")) == ((), ())

from typing import Any

import pytest

from metaclaw_jlab.executors.cell import CellOutcome, run_cell


def run(*cells: str) -> CellOutcome:
    namespace: dict[str, Any] = {}
    outcomes = [run_cell(cell, namespace, f"<cell {number}>") for number, cell in enumerate(cells)]
    return outcomes[-1]


@pytest.mark.parametrize(
    ("cells", "result"),
    [
        (["1 + 1"], "2"),
        (["x = 3", "x"], "3"),
        (["x = 3"], None),
        (["None"], None),
        (["1 + 1;"], None),
        (["for i in range(3):\n    i"], None),
        (["2 * 21", "_ + 1"], "43"),
        (["async def f():\n    return 5\nawait f()"], "5"),
        (["def f():\n    return 1\nimport inspect\ninspect.getsource(f)[:5]"], "'def f'"),
        ([""], None),
    ],
)
def test_the_last_expression_is_the_result(cells: list[str], result: str | None) -> None:
    assert run(*cells) == CellOutcome(result=result)


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("1/0", "ZeroDivisionError", "division by zero"),
        ("def f(:", "SyntaxError", "invalid syntax (<cell 0>, line 1)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("import sys; sys.exit(2)", "SystemExit", "2"),
        ("class A:\n    def __repr__(self):\n        raise TypeError('no')\nA()", "TypeError", "no"),
        (
            "class E(Exception):\n    def __str__(self):\n        return 1\nraise E",
            "E",
            "(its message could not be made: TypeError)",
        ),
        ("def f(): f()\nf()", "RecursionError", "maximum recursion depth exceeded"),
    ],
)
def test_what_is_raised_is_told(source: str, name: str, message: str) -> None:
    outcome = run(source)
    assert outcome.error is not None
    assert outcome.error[:2] == (name, message)


@pytest.mark.parametrize("source", ["import sys; sys.exit()", "raise SystemExit(0)"])
def test_a_clean_exit_is_no_error(source: str) -> None:
    assert run(source) == CellOutcome()


def test_the_traceback_begins_in_the_cell() -> None:
    outcome = run("def f():\n    return 1 / 0\nf()")
    assert outcome.error is not None
    assert outcome.error[2].splitlines()[1] == '  File "<cell 0>", line 3, in <module>'
    assert "return 1 / 0" in outcome.error[2]
    assert "cell.py" not in outcome.error[2]

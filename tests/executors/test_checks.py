from pathlib import Path

import pytest

from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.executors.checks import run_check


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("a\n")
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (CheckKind.EXPRESSION, "total == 3"),
        (CheckKind.EXPRESSION, "\n  total > 1 and\\\n  total < 4 "),
        (CheckKind.SCRIPT, "assert total == 3\nx = 1"),
        (CheckKind.SCRIPT, "def f():\n    return total\nassert f() == 3"),
        (CheckKind.COMMAND, "test -f there.csv"),
        (CheckKind.FILE, "there.csv"),
    ],
)
def test_a_check_that_holds_passes(kind: CheckKind, source: str) -> None:
    assert run_check(Check(kind, source), {"total": 3}).passed


@pytest.mark.parametrize(
    ("kind", "source", "feedback"),
    [
        (CheckKind.EXPRESSION, "total == 4", "`total == 4` is not true: `total` is 3."),
        (CheckKind.EXPRESSION, "not total", "`not total` is not true."),
        (CheckKind.EXPRESSION, "gone > 1", "`gone > 1` raised NameError: name 'gone' is not defined"),
        (CheckKind.SCRIPT, "assert total == 4, 'four of them'", "four of them"),
        (CheckKind.SCRIPT, "x = 1\nassert total == 4", "`assert total == 4` does not hold."),
        (
            CheckKind.SCRIPT,
            "int('a')",
            "`int('a')` raised ValueError: invalid literal for int() with base 10: 'a'",
        ),
        (CheckKind.SCRIPT, "raise SystemExit(1)", "`raise SystemExit(1)` raised SystemExit: 1"),
        (CheckKind.COMMAND, "echo too bad; exit 3", "too bad"),
        (CheckKind.COMMAND, "exit 3", "`exit 3` ended with exit code 3."),
        (CheckKind.FILE, "gone.csv", "There is no file gone.csv. There is: there.csv."),
        (CheckKind.FILE, "out/gone.csv", "There is no file out/gone.csv."),
    ],
)
def test_feedback_says_what_was_wrong(kind: CheckKind, source: str, feedback: str) -> None:
    result = run_check(Check(kind, source), {"total": 3})
    assert (result.passed, result.feedback) == (False, feedback)


def test_a_check_that_is_no_python_fails_with_the_reason() -> None:
    assert "SyntaxError" in run_check(Check(CheckKind.EXPRESSION, "total ="), {}).feedback


def test_the_feedback_of_the_check_goes_first() -> None:
    assert run_check(Check(CheckKind.EXPRESSION, "False", "It is wrong."), {}).feedback == "It is wrong."


def test_a_check_binds_no_name_in_the_session() -> None:
    namespace = {"total": 3}
    run_check(Check(CheckKind.SCRIPT, "total = 4; other = 1"), namespace)
    assert namespace == {"total": 3}


def test_a_command_that_hangs_is_ended_with_its_children() -> None:
    result = run_check(Check(CheckKind.COMMAND, "sleep 60 & sleep 60"), {}, seconds=0.2)
    assert result.feedback == "`sleep 60 & sleep 60` ran longer than 0.2 s."


def test_an_interrupt_is_the_users() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_check(Check(CheckKind.SCRIPT, "raise KeyboardInterrupt"), {})

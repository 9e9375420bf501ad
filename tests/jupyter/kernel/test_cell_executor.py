"""Agents' code in the user's own shell."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.jupyter.kernel.cell_executor import SHOWN_CHARS, CellExecutor

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def executor(shell: InteractiveShell) -> CellExecutor:
    return CellExecutor(shell, output_chars=2000)


def test_names_stay_for_the_user(executor: CellExecutor, shell: InteractiveShell) -> None:
    executor.execute("kept = 5")
    assert shell.user_ns["kept"] == 5


def test_output_is_told_apart_by_stream(executor: CellExecutor) -> None:
    observation = executor.execute("import sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert (observation.stdout, observation.stderr) == ("out\n", "err\n")


def test_the_last_value_is_the_result(executor: CellExecutor) -> None:
    assert executor.execute("1 + 1").result == "2"


def test_what_is_displayed_reaches_the_policy_as_text(executor: CellExecutor) -> None:
    observation = executor.execute("from IPython.display import display\ndisplay({'a': 1})")
    assert "{'a': 1}" in observation.stdout


def test_an_exception_is_an_observation(executor: CellExecutor) -> None:
    error = executor.execute("{}['missing']").error
    assert error is not None
    assert (error.name, error.message) == ("KeyError", "'missing'")
    assert "Traceback" in error.traceback


def test_a_syntax_error_is_an_observation(executor: CellExecutor) -> None:
    error = executor.execute("def broken(:").error
    assert error is not None
    assert error.name == "SyntaxError"


def test_an_error_is_shown_in_one_line_and_told_once(
    executor: CellExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    observation = executor.execute("1 / 0")
    assert capsys.readouterr().err == "ZeroDivisionError: division by zero\n"
    assert "ZeroDivisionError" not in observation.stderr


def test_ten_megabytes_are_cut_for_policy_and_page(
    executor: CellExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    observation = executor.execute("print('x' * 10_000_000)")
    assert len(observation.stdout) < 2200
    assert observation.truncated > 9_000_000
    assert SHOWN_CHARS <= len(capsys.readouterr().out) < SHOWN_CHARS + 200


def test_binary_output_is_made_text(executor: CellExecutor) -> None:
    observation = executor.execute(r"print('\x00\x07\ud800 end')")
    assert observation.stdout.endswith("end\n")
    observation.stdout.encode()


def test_ctrl_c_passes_through(executor: CellExecutor) -> None:
    with pytest.raises(KeyboardInterrupt):
        executor.execute("raise KeyboardInterrupt")


def test_streams_are_restored_after_an_error(executor: CellExecutor) -> None:
    import sys

    before = sys.stdout, sys.stderr
    executor.execute("1 / 0")
    assert (sys.stdout, sys.stderr) == before


def test_history_is_the_users_alone(executor: CellExecutor, shell: InteractiveShell) -> None:
    before = list(shell.user_ns["In"])
    executor.execute("1 + 1")
    assert shell.user_ns["In"] == before


def test_off_the_main_thread_nothing_runs(executor: CellExecutor) -> None:
    caught: list[BaseException] = []

    def attempt() -> None:
        try:
            executor.execute("x = 1")
        except ExecutorError as error:
            caught.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def test_a_check_sees_the_users_namespace(executor: CellExecutor, shell: InteractiveShell) -> None:
    shell.user_ns["rows"] = 3
    assert executor.evaluate(Check(CheckKind.EXPRESSION, "rows == 3")).passed

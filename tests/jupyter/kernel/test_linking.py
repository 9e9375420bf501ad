"""Ask mode: what becomes of a proposed cell when its user runs it, edits it, or loses its mark."""

from __future__ import annotations

import sys

import pytest

from metaclaw_jlab.core.feedback import FeedbackKind
from metaclaw_jlab.core.score import Score, Unscored
from metaclaw_jlab.core.trajectory import StopReason
from tests.jupyter.kernel.notebook import Notebook, reply

SUM = "numbers = [1, 2, 3]\ntotal = sum(numbers)\nprint('total', total)"


def without_mark(cell: str) -> str:
    return cell.partition("\n")[2]


def test_run_as_it_is_the_step_closes_with_its_outcome(notebook: Notebook) -> None:
    cell = notebook.ask(SUM, '%%metaclaw --check "total == 6"')
    notebook.run(cell)
    trajectory = notebook.get(cell)
    observation = trajectory.steps[0].observation
    assert observation is not None
    assert (trajectory.stop, observation.stdout, trajectory.steps[0].ran) == (
        StopReason.DONE,
        "total 6\n",
        None,
    )
    assert [result.passed for result in trajectory.checks] == [True]
    assert notebook.feedback(cell) == []
    assert "MetaClaw: done · 1 step" in notebook.told()


def test_the_cell_shows_what_it_always_shows(notebook: Notebook) -> None:
    cell = notebook.ask("print('seen')\n6 * 7")
    assert notebook.run(cell).result == 42
    shown = notebook.told()
    assert shown.count("seen") == 1
    assert shown.index("seen") < shown.index("MetaClaw: done")
    observation = notebook.get(cell).steps[0].observation
    assert observation is not None
    assert (observation.stdout, observation.result) == ("seen\n", "42")


def test_what_is_displayed_is_observed(notebook: Notebook) -> None:
    cell = notebook.ask("from IPython.display import display\ndisplay({'rows': 3})")
    notebook.run(cell)
    observation = notebook.get(cell).steps[0].observation
    assert observation is not None
    assert observation.stdout == "{'rows': 3}\n"


def test_comments_and_blanks_are_no_edit(notebook: Notebook) -> None:
    cell = notebook.ask(SUM)
    notebook.run(cell.replace("total = sum", "\n# add them up\ntotal  =  sum"))
    assert notebook.get(cell).steps[0].ran is None
    assert notebook.feedback(cell) == []


def test_an_edit_is_kept_as_what_ran_and_as_feedback(notebook: Notebook) -> None:
    cell = notebook.ask(SUM)
    edited = without_mark(cell).replace("[1, 2, 3]", "[4, 5]")
    notebook.run(f"{cell.splitlines()[0]}\n{edited}")
    trajectory = notebook.get(cell)
    assert trajectory.steps[0].action == SUM
    assert trajectory.steps[0].ran == edited
    assert notebook.feedback(cell) == [(FeedbackKind.EDITED, edited)]
    assert "as you edited it" in notebook.told()


def test_an_edit_that_passes_is_no_praise_for_the_policy(notebook: Notebook) -> None:
    cell = notebook.ask("total = 5", '%%metaclaw --check "total == 6"')
    notebook.run(cell.replace("total = 5", "total = 6"))
    trajectory = notebook.get(cell)
    assert trajectory.stop is StopReason.DONE
    assert isinstance(trajectory.score, Unscored)


def test_a_rerun_says_so_once_and_changes_nothing(notebook: Notebook) -> None:
    cell = notebook.ask("import itertools\nvalue = 'first'")
    notebook.run(cell)
    before = notebook.get(cell)
    notebook.told()
    notebook.run(cell)
    assert "this run changes nothing" in notebook.told()
    notebook.run(cell)
    assert "MetaClaw" not in notebook.told()
    assert notebook.get(cell) == before


def test_without_its_mark_it_is_known_by_its_likeness(notebook: Notebook) -> None:
    cell = notebook.ask(SUM)
    notebook.run(without_mark(cell).replace("[1, 2, 3]", "[1, 2, 3, 4]"))
    assert notebook.get(cell).stop is StopReason.DONE
    assert "known by its likeness" in notebook.told()


def test_two_that_are_much_alike_cannot_be_told_apart(notebook: Notebook) -> None:
    cells = [notebook.ask(SUM), notebook.ask(SUM.replace("3", "30"))]
    notebook.run(without_mark(cells[0]).replace("3", "300"))
    assert [notebook.get(cell).stop for cell in cells] == [None, None]
    assert notebook.told().count("could not tell which proposal this cell is") == 1


def test_a_doubt_is_told_once(notebook: Notebook) -> None:
    cells = [notebook.ask(SUM), notebook.ask(SUM)]
    notebook.run(without_mark(cells[0]))
    notebook.told()
    notebook.run(without_mark(cells[0]))
    assert "could not tell" not in notebook.told()


def test_the_very_code_of_one_is_told_from_one_much_alike(notebook: Notebook) -> None:
    cells = [notebook.ask(SUM), notebook.ask(SUM.replace("3", "30"))]
    notebook.run(without_mark(cells[1]))
    assert [notebook.get(cell).stop for cell in cells] == [None, StopReason.DONE]


def test_a_rerun_without_mark_is_not_taken_for_one_that_waits(notebook: Notebook) -> None:
    cells = [notebook.ask(SUM), notebook.ask(SUM.replace("3", "30"))]
    notebook.run(cells[0])
    notebook.run(without_mark(cells[0]))
    assert notebook.get(cells[1]).stop is None


def test_a_cell_of_the_users_own_is_left_alone(notebook: Notebook) -> None:
    cell = notebook.ask(SUM)
    notebook.run("import math\nfor angle in range(3):\n    print(math.sin(angle))")
    assert "MetaClaw" not in notebook.told()
    assert notebook.get(cell).stop is None


def test_a_short_cell_is_not_known_by_likeness(notebook: Notebook) -> None:
    cell = notebook.ask("x = 10")
    notebook.run("x = 11")
    assert notebook.get(cell).stop is None


def test_a_restarted_kernel_finds_the_trajectory_of_a_mark(notebook: Notebook) -> None:
    cell = notebook.ask(SUM, '%%metaclaw --check "total == 6"')
    notebook.restart()
    notebook.run(cell)
    assert notebook.get(cell).stop is StopReason.DONE
    assert "1 of 1 checks passed" in notebook.told()


def test_a_restarted_kernel_knows_the_notebooks_proposals_again(notebook: Notebook) -> None:
    cell = notebook.ask(SUM)
    notebook.restart()
    notebook.ask("other = 'something else entirely'")
    notebook.run(without_mark(cell))
    assert notebook.get(cell).stop is StopReason.DONE


def test_two_proposals_at_once_get_their_own_outcomes(notebook: Notebook) -> None:
    first, second = notebook.ask("x = 'first'"), notebook.ask("y = 1 / 0")
    notebook.run(second)
    notebook.run(first)
    assert notebook.get(first).stop is StopReason.DONE
    observation = notebook.get(second).steps[0].observation
    assert observation is not None
    assert observation.failed


def test_a_cell_with_two_marks_is_nobodys(notebook: Notebook) -> None:
    first, second = notebook.ask("x = 'first'"), notebook.ask("y = 'second'")
    notebook.run(f"{first}\n{second}")
    assert notebook.shell.user_ns["y"] == "second"
    assert [notebook.get(cell).stop for cell in (first, second)] == [None, None]
    assert "the marks of several proposals" in notebook.told()


def test_a_mark_of_nobody_is_a_quiet_line(notebook: Notebook) -> None:
    assert notebook.run("# metaclaw:0123456789ab\nx = 5").success
    assert "no task 0123456789ab is known here" in notebook.told()
    assert notebook.shell.user_ns["x"] == 5


def test_a_forgotten_task_is_a_quiet_line(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    trajectory = notebook.get(cell)
    notebook.session.workspace().trajectories().forget(trajectory.id)
    assert notebook.run(cell).success
    assert f"no task {trajectory.id} is known here" in notebook.told()


def test_an_exception_is_shown_as_usual_and_is_the_observation(notebook: Notebook) -> None:
    cell = notebook.ask("print('before')\n1 / 0")
    assert isinstance(notebook.run(cell).error_in_exec, ZeroDivisionError)
    shown = notebook.told()
    assert "Traceback (most recent call last)" in shown
    assert "MetaClaw: the step raised ZeroDivisionError" in shown
    observation = notebook.get(cell).steps[0].observation
    assert observation is not None
    assert observation.error is not None
    assert (observation.stdout, observation.error.name) == ("before\n", "ZeroDivisionError")


def test_a_syntax_error_of_an_edit_leaves_the_step_open(notebook: Notebook) -> None:
    cell = notebook.ask(SUM)
    notebook.run(cell.replace("sum(numbers)", "sum(numbers"))
    assert "no code was run, so its step is still open" in notebook.told()
    assert notebook.feedback(cell) == []
    notebook.run(cell)
    assert notebook.get(cell).stop is StopReason.DONE


def test_a_syntax_error_of_the_policy_is_its_outcome(notebook: Notebook) -> None:
    cell = notebook.ask("def broken(:")
    notebook.run(cell)
    observation = notebook.get(cell).steps[0].observation
    assert observation is not None
    assert observation.error is not None
    assert observation.error.name == "SyntaxError"


def test_a_mark_without_code_leaves_the_step_open(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    notebook.run(f"{cell.splitlines()[0]}\n# nothing left")
    assert notebook.get(cell).steps[0].observation is None


def test_an_interrupted_cell_leaves_the_step_open(notebook: Notebook) -> None:
    cell = notebook.ask("raise KeyboardInterrupt")
    notebook.run(cell)
    assert notebook.get(cell).steps[0].observation is None
    assert "it was interrupted" in notebook.told()


@pytest.mark.parametrize("magic", ["%%time", "%%capture", "%%capture kept"])
def test_a_magic_around_the_cell_is_no_edit(notebook: Notebook, magic: str) -> None:
    cell = notebook.ask(SUM, '%%metaclaw --check "total == 6"')
    notebook.run(f"{magic}\n{cell}")
    assert (notebook.get(cell).stop, notebook.get(cell).steps[0].ran) == (StopReason.DONE, None)


@pytest.mark.parametrize("magic", ["%%time", "%%capture"])
def test_an_exception_under_a_magic_is_the_observation(notebook: Notebook, magic: str) -> None:
    cell = notebook.ask("1 / 0")
    notebook.run(f"{magic}\n{cell}")
    observation = notebook.get(cell).steps[0].observation
    assert observation is not None
    assert observation.error is not None
    assert observation.error.name == "ZeroDivisionError"


def test_a_line_magic_in_an_edit_runs_and_is_kept(notebook: Notebook) -> None:
    cell = notebook.ask(SUM)
    notebook.run(cell.replace("total = sum", "%time total = sum"))
    ran = notebook.get(cell).steps[0].ran
    assert ran is not None
    assert "%time total" in ran


def test_cells_that_the_cell_runs_do_not_end_it(notebook: Notebook) -> None:
    cell = notebook.ask("get_ipython().run_cell('inner = 1')\nget_ipython().run_cell('')\nprint('after')")
    notebook.run(cell)
    observation = notebook.get(cell).steps[0].observation
    assert observation is not None
    assert observation.stdout == "after\n"


def test_a_cell_that_reports_an_old_step_does_not_close_the_new_one(notebook: Notebook) -> None:
    first = notebook.ask("x = 1", done=False)
    notebook.run(first)
    notebook.server.say(reply("x = 2"))
    notebook.run("%metaclaw next")
    second = str(notebook.shell.rl_next_input)
    assert second.splitlines()[0] == first.splitlines()[0] + "/2"
    notebook.run(first)
    assert notebook.get(first).steps[1].observation is None
    notebook.run(second)
    assert notebook.get(first).stop is StopReason.DONE


def test_a_failed_check_is_told_and_kept(notebook: Notebook) -> None:
    cell = notebook.ask("day = '1.3.2026'", "%%metaclaw --check \"day == '2026-03-01'  # write ISO dates\"")
    notebook.run(cell)
    trajectory = notebook.get(cell)
    assert (trajectory.stop, trajectory.stop_detail) == (StopReason.CHECK_FAILED, "write ISO dates")
    assert isinstance(trajectory.score, Score)
    assert "a check failed" in notebook.told()


def test_a_broken_store_never_breaks_the_cell(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = notebook.ask("x = 'kept'")

    def broken() -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(notebook.session.workspace(), "trajectories", broken)
    assert notebook.run(cell).success
    shown = notebook.told()
    assert "this run could not be recorded. RuntimeError: the disk is on fire" in shown
    assert "Traceback" not in shown
    assert notebook.shell.user_ns["x"] == "kept"


def test_the_streams_are_as_they_were(notebook: Notebook) -> None:
    cell = notebook.ask("import sys\nhold = sys.stdout.write\n1 / 0")
    notebook.run(cell)
    notebook.told()
    notebook.shell.user_ns["hold"]("still shown\n")
    assert notebook.told() == "still shown\n"
    assert getattr(sys.stdout.write, "__self__", None) is sys.stdout


def test_the_next_prompt_shows_what_really_ran(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1", done=False)
    notebook.run(cell.replace("x = 1", "x = 2\nprint('two')"))
    notebook.server.say(reply("y = x"))
    notebook.run("%metaclaw next")
    contents = [message["content"] for message in notebook.server.chats[-1].messages[2:]]
    assert contents == ["```python\nx = 2\nprint('two')\n```", "<output>\ntwo\n</output>"]

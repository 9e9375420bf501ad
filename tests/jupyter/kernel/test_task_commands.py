"""`%metaclaw next`, `good`, `bad`, `undo`, `learn`, and the expiry of proposals."""

from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from metaclaw_jlab.core.feedback import FeedbackKind
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.jupyter.kernel import session as session_module
from tests.jupyter.kernel.notebook import Notebook, reply

PRAISE, BLAME = Score(1.0, ScoreSource.USER), Score(-1.0, ScoreSource.USER, "write ISO dates")


def mistake(notebook: Notebook, line: str) -> str:
    """The one sentence of a command that was a mistake."""
    outcome = notebook.run(line)
    assert isinstance(outcome.error_in_exec, UsageError)
    return str(outcome.error_in_exec)


def test_next_proposes_what_follows(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1\nprint('seen')", done=False)
    notebook.run(cell)
    assert "the step has run" in notebook.told()
    notebook.server.say(reply("y = x"))
    notebook.run("%metaclaw next")
    assert str(notebook.shell.rl_next_input).endswith("/2\ny = x")
    notebook.run(str(notebook.shell.rl_next_input))
    assert notebook.get(cell).stop is StopReason.DONE


def test_next_mends_what_raised(notebook: Notebook) -> None:
    cell = notebook.ask("1 / 0")
    notebook.run(cell)
    notebook.server.say(reply("x = 0"))
    notebook.run("%metaclaw next")
    assert "ZeroDivisionError" in notebook.server.chats[-1].messages[-1]["content"]


def test_next_before_the_run_is_told(notebook: Notebook) -> None:
    notebook.ask("x = 1")
    assert "has not been run yet" in mistake(notebook, "%metaclaw next")


def test_next_of_nothing_is_told(notebook: Notebook) -> None:
    assert "No task is open" in mistake(notebook, "%metaclaw next")


def test_next_of_an_ended_task_is_told(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    notebook.run(cell)
    assert "has ended (done)" in mistake(notebook, "%metaclaw next")
    assert "has ended (done)" in mistake(notebook, f"%metaclaw next {notebook.get(cell).id}")


def test_next_takes_the_last_open_task_or_the_named_one(notebook: Notebook) -> None:
    first, second = notebook.ask("x = 1", done=False), notebook.ask("y = 1", done=False)
    notebook.run(second)
    notebook.run(first)
    notebook.server.say(reply("x = 2", done=False))
    notebook.run("%metaclaw next")
    notebook.server.say(reply("y = 2", done=False))
    notebook.run(f"%metaclaw next {notebook.get(second).id}")
    actions = [[step.action for step in notebook.get(cell).steps] for cell in (first, second)]
    assert actions == [["x = 1", "x = 2"], ["y = 1", "y = 2"]]


def test_next_goes_on_after_a_restart(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1", done=False)
    notebook.run(cell)
    notebook.restart()
    notebook.server.say(reply("y = 1"))
    notebook.run("%metaclaw next")
    assert [step.action for step in notebook.get(cell).steps] == ["x = 1", "y = 1"]


def test_a_task_keeps_to_the_policy_that_began_it(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1", done=False)
    notebook.run(cell)
    notebook.session.workspace().overrides["policy.model"] = "another"
    assert "was begun with scripted, and another answers now" in mistake(notebook, "%metaclaw next")


def test_the_steps_of_a_task_are_bounded_by_its_own_option(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1", "%%metaclaw --steps 1", done=False)
    notebook.run(cell)
    assert notebook.get(cell).stop is StopReason.OUT_OF_STEPS


def test_good_is_kept_and_scores(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    notebook.run(cell)
    notebook.run("%metaclaw good")
    assert notebook.feedback(cell) == [(FeedbackKind.GOOD, "")]
    assert notebook.get(cell).score == PRAISE


def test_good_ends_an_open_task(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1", '%%metaclaw --check "x == 1"', done=False)
    notebook.run(cell)
    notebook.run("%metaclaw good")
    trajectory = notebook.get(cell)
    assert (trajectory.stop, trajectory.score) == (StopReason.DONE, PRAISE)
    assert [result.passed for result in trajectory.checks] == [True]


def test_good_of_what_has_not_run_is_told(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    assert "has not been run yet" in mistake(notebook, "%metaclaw good")
    assert notebook.feedback(cell) == []


def test_bad_is_kept_with_its_reason(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    notebook.run(cell)
    notebook.run('%metaclaw bad "write ISO dates"')
    assert notebook.feedback(cell) == [(FeedbackKind.BAD, "write ISO dates")]
    assert (notebook.get(cell).stop, notebook.get(cell).score) == (StopReason.DONE, BLAME)


def test_bad_turns_a_proposal_down(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1", '%%metaclaw --check "x == 1"')
    notebook.run("%metaclaw bad write ISO dates")
    trajectory = notebook.get(cell)
    assert notebook.feedback(cell) == [(FeedbackKind.REJECTED, "write ISO dates")]
    assert (trajectory.stop, trajectory.stop_detail) == (StopReason.REJECTED, "write ISO dates")
    assert (trajectory.score, trajectory.checks) == (BLAME, ())


def test_running_what_was_turned_down_changes_nothing(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    notebook.run("%metaclaw bad")
    notebook.told()
    notebook.run(cell)
    assert notebook.get(cell).steps[0].observation is None
    assert "turned the proposal down" in notebook.told()


def test_bad_ends_an_open_task(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1", done=False)
    notebook.run(cell)
    notebook.run('%metaclaw bad "write ISO dates"')
    trajectory = notebook.get(cell)
    assert (trajectory.stop, trajectory.score) == (StopReason.CANCELLED, BLAME)


def test_bad_without_a_reason_says_what_teaches_more(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    notebook.run(cell)
    notebook.told()
    notebook.run("%metaclaw bad")
    assert "A reason teaches more" in notebook.told()
    assert notebook.feedback(cell) == [(FeedbackKind.BAD, "")]


def test_a_word_is_taken_back(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    notebook.run(cell)
    score = notebook.get(cell).score
    notebook.run('%metaclaw bad "write ISO dates"')
    notebook.told()
    notebook.run("%metaclaw undo")
    assert "no longer noted as bad" in notebook.told()
    assert (notebook.feedback(cell), notebook.get(cell).score) == ([], score)
    assert "Nothing was said of task" in mistake(notebook, "%metaclaw undo")


def test_a_late_word_reaches_the_named_task(notebook: Notebook) -> None:
    cells = [notebook.ask("x = 1"), notebook.ask("y = 1")]
    for cell in cells:
        notebook.run(cell)
    notebook.run(f'%metaclaw bad "write ISO dates" --task {notebook.get(cells[0]).id}')
    notebook.run(f"%metaclaw good {notebook.get(cells[1]).id}")
    kinds = [[kind for kind, _ in notebook.feedback(cell)] for cell in cells]
    assert kinds == [[FeedbackKind.BAD], [FeedbackKind.GOOD]]


def test_a_last_word_after_a_restart_is_about_this_notebook(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    notebook.run(cell)
    notebook.restart()
    notebook.run("%metaclaw good")
    assert notebook.get(cell).score == PRAISE


def test_a_word_about_nothing_is_told(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = notebook.ask("x = 1")
    notebook.restart()
    monkeypatch.setenv("JPY_SESSION_NAME", "another.ipynb")
    assert "No task was done in this session yet" in mistake(notebook, "%metaclaw bad")
    assert notebook.feedback(cell) == []


def test_an_id_is_no_reason(notebook: Notebook) -> None:
    cell = notebook.ask("x = 1")
    assert "--task" in mistake(notebook, f"%metaclaw bad {notebook.get(cell).id}")
    assert notebook.get(cell).stop is None


def test_learning_is_on_unless_said_otherwise(notebook: Notebook) -> None:
    assert notebook.get(notebook.ask("x = 1")).learn is True


def test_learn_off_holds_from_the_first_prompt_on(notebook: Notebook) -> None:
    notebook.run("%metaclaw learn off")
    notebook.server.say(reply("x = 1"))
    notebook.run("%%metaclaw\nWork it out")
    assert "learning is off" in notebook.told()
    cell = str(notebook.shell.rl_next_input)
    assert notebook.get(cell).learn is False
    notebook.run("%metaclaw learn on")
    assert notebook.get(notebook.ask("y = 1")).learn is True


def test_learn_is_kept_for_the_notebook_alone(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook.run("%metaclaw learn off")
    notebook.restart()
    notebook.run("%metaclaw learn")
    assert "Learning is off in analysis.ipynb." in notebook.told()
    monkeypatch.setenv("JPY_SESSION_NAME", "another.ipynb")
    notebook.run("%metaclaw learn")
    assert "Learning is on in another.ipynb." in notebook.told()


def test_learn_in_an_unknown_notebook_is_for_the_session(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME")
    notebook.run("%metaclaw learn off")
    assert notebook.get(notebook.ask("x = 1")).learn is False
    notebook.restart()
    assert notebook.get(notebook.ask("x = 1")).learn is True


def test_the_configuration_decides_where_a_notebook_does_not(notebook: Notebook) -> None:
    notebook.run("%metaclaw config set agent.learn false")
    assert notebook.get(notebook.ask("x = 1")).learn is False
    notebook.run("%metaclaw learn on")
    assert notebook.get(notebook.ask("x = 1")).learn is True


def test_praise_of_a_task_that_may_not_teach_says_so(notebook: Notebook) -> None:
    notebook.run("%metaclaw learn off")
    notebook.run(notebook.ask("x = 1"))
    notebook.told()
    notebook.run("%metaclaw good")
    assert "it teaches nothing" in notebook.told()


def test_a_proposal_expires_when_the_next_task_begins(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    cell = notebook.ask("x = 1")
    now = time.time()
    monkeypatch.setattr(session_module.time, "time", lambda: now + 23 * 3600)
    notebook.ask("y = 1")
    assert notebook.get(cell).stop is None
    monkeypatch.setattr(session_module.time, "time", lambda: now + 25 * 3600)
    notebook.ask("z = 1")
    assert notebook.get(cell).stop is StopReason.EXPIRED
    notebook.told()
    notebook.run(cell)
    assert "this run changes nothing" in notebook.told()
    assert isinstance(notebook.get(cell).score, Unscored | None)


@pytest.mark.parametrize("name", ["next", "good", "bad", "learn"])
def test_each_says_what_it_takes(notebook: Notebook, name: str) -> None:
    notebook.run(f"%metaclaw {name} --help")
    assert f"usage: %metaclaw {name}" in notebook.told()

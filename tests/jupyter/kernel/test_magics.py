"""`%%metaclaw` and `%metaclaw` in a real shell, against a scripted endpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.error import UsageError

from metaclaw_jlab.core.errors import TaskFailed
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics, register
from metaclaw_jlab.policies.scripted import ScriptedPolicy

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from tests.loopback.server import ScriptedServer

Run = Callable[[str], Any]


def last(shell: InteractiveShell) -> Trajectory:
    magics = shell.magics_manager.registry[MetaclawMagics.__name__]
    found = magics.session.workspace().trajectories().last()
    assert isinstance(found, Trajectory)
    return found


def reply(code: str) -> str:
    return f"```python\n{code}\n```\nDone."


def test_auto_mode_acts_in_the_users_namespace(
    connected: InteractiveShell, run_cell: Run, scripted_server: ScriptedServer
) -> None:
    scripted_server.say(reply("answer = 6 * 7"))
    run_cell("%%metaclaw --mode auto\nWork out the answer")
    assert connected.user_ns["answer"] == 42


def test_output_is_shown_as_it_comes(
    run_cell: Run, scripted_server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted_server.say(reply("print('from the agent')"))
    run_cell("%%metaclaw --mode auto\nSay something")
    shown = capsys.readouterr().out
    assert shown.index("```python") < shown.rindex("from the agent\n") < shown.index("MetaClaw: done")


def test_what_was_done_is_recorded(
    connected: InteractiveShell, run_cell: Run, scripted_server: ScriptedServer
) -> None:
    scripted_server.say(reply("print(1 + 1)"))
    run_cell("%%metaclaw --mode auto -n sum\nAdd one and one")
    trajectory = last(connected)
    assert (trajectory.task.name, trajectory.stop) == ("sum", StopReason.DONE)
    assert trajectory.steps[0].observation is not None
    assert trajectory.steps[0].observation.stdout == "2\n"


def test_braces_and_dollars_in_a_task_are_text(run_cell: Run, scripted_server: ScriptedServer) -> None:
    scripted_server.say(reply("x = 1"))
    run_cell("value = 3\n")
    run_cell("%%metaclaw --mode auto\nMake the dict {value: 1} of $value and {not defined}")
    sent = scripted_server.chats[-1].messages[-1]["content"]
    assert sent == "Make the dict {value: 1} of $value and {not defined}"


def test_only_what_a_task_names_is_sent(run_cell: Run, scripted_server: ScriptedServer) -> None:
    scripted_server.say(reply("x = 1"))
    run_cell("private = 'do not send'\nshown = 'please look'")
    run_cell("%%metaclaw --mode auto\nLook at @shown")
    sent = str(scripted_server.chats[-1].body)
    assert "please look" in sent
    assert "do not send" not in sent


def test_an_unknown_name_stays_text_with_a_note(
    run_cell: Run, scripted_server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted_server.say(reply("x = 1"))
    run_cell("%%metaclaw --mode auto\nAsk @nobody")
    assert "There is no nobody in this session" in capsys.readouterr().out
    assert scripted_server.chats[-1].messages[-1]["content"] == "Ask @nobody"


def test_ask_mode_proposes_a_marked_cell_and_runs_nothing(
    connected: InteractiveShell, run_cell: Run, scripted_server: ScriptedServer
) -> None:
    scripted_server.say(reply("touched = True"))
    run_cell("%%metaclaw\nTouch it")
    trajectory = last(connected)
    assert connected.rl_next_input == f"# metaclaw:{trajectory.id}\ntouched = True"
    assert trajectory.stop is None
    assert "touched" not in connected.user_ns


def test_off_mode_answers_and_records_nothing(
    connected: InteractiveShell,
    run_cell: Run,
    scripted_server: ScriptedServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scripted_server.say("A frame is a table.")
    run_cell("%%metaclaw --mode off\nWhat is a frame?")
    assert "A frame is a table." in capsys.readouterr().out
    magics = connected.magics_manager.registry[MetaclawMagics.__name__]
    assert magics.session.workspace().trajectories().last() is None


def test_an_error_is_shown_to_the_policy_which_goes_on(
    connected: InteractiveShell, run_cell: Run, scripted_server: ScriptedServer
) -> None:
    scripted_server.say(reply("1 / 0"), reply("mended = True"))
    run_cell("%%metaclaw --mode auto\nDivide")
    assert "ZeroDivisionError: division by zero" in scripted_server.chats[-1].messages[-1]["content"]
    assert connected.user_ns["mended"] is True


def test_a_failed_check_is_a_real_exception(run_cell: Run, scripted_server: ScriptedServer) -> None:
    scripted_server.say(reply("total = 3"))
    with pytest.raises(TaskFailed, match="`total == 4` is not true: `total` is 3"):
        run_cell('%%metaclaw --mode auto --check "total == 4"\nAdd them')


def test_a_check_file_runs_after_the_task(
    run_cell: Run, scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    script = tmp_path / "check.py"
    script.write_text("assert total == 4, 'the total is off'")
    scripted_server.say(reply("total = 3"))
    with pytest.raises(TaskFailed, match="the total is off"):
        run_cell(f"%%metaclaw --mode auto --check-file {script}\nAdd them")


def test_a_failure_shows_no_frames_of_the_package(
    connected: InteractiveShell, scripted_server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted_server.say(reply("total = 3"))
    connected.run_cell('%%metaclaw --mode auto --check "total == 4"\nAdd them')
    shown = capsys.readouterr()
    assert "TaskFailed: " in shown.out + shown.err
    assert "metaclaw_jlab" not in shown.out + shown.err


def test_ctrl_c_in_the_code_cancels_and_is_recorded(
    connected: InteractiveShell, run_cell: Run, scripted_server: ScriptedServer
) -> None:
    scripted_server.say(reply("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        run_cell("%%metaclaw --mode auto\nWait")
    assert last(connected).stop is StopReason.CANCELLED


def test_ctrl_c_while_the_policy_answers_leaves_the_endpoint(
    connected: InteractiveShell, run_cell: Run, scripted_server: ScriptedServer
) -> None:
    import signal

    def interrupt(_: str) -> None:
        signal.raise_signal(signal.SIGINT)

    scripted_server.say("```python\n" + "x = 1\n" * 50, piece=6, delay=0.02, on_piece=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_cell("%%metaclaw --mode auto\nWait")
    assert last(connected).stop is StopReason.CANCELLED


def test_the_agent_cannot_end_the_session(run_cell: Run, scripted_server: ScriptedServer) -> None:
    scripted_server.say(reply("exit()"), reply("still = 'here'"))
    run_cell("%%metaclaw --mode auto\nLeave")
    assert run_cell("still") == "here"


def test_an_endpoint_that_is_down_is_one_sentence(
    connected: InteractiveShell,
    run_cell: Run,
    scripted_server: ScriptedServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scripted_server.close()
    with pytest.raises(TaskFailed):
        run_cell("%%metaclaw --mode auto\nDo it")
    assert last(connected).stop is StopReason.POLICY_FAILED


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("%%metaclaw --mode auto\n   \n", "The cell has no task"),
        ("%%metaclaw --colour red\nDo it", "Unrecognized arguments: --colour red"),
        ("%%metaclaw --mode later\nDo it", "invalid choice: 'later'"),
        ("%%metaclaw --steps 0\nDo it", "no number of steps"),
        ("%%metaclaw --check 'a ='\nDo it", "is no Python expression"),
        ("%%metaclaw --check 'a\nDo it", "quote is not closed"),
        ("%%metaclaw --check-file nowhere.py\nDo it", "cannot be read"),
        ("%metaclaw statsu", "Did you mean status?"),
        ("%metaclaw config set agent.mood x", "agent.mode"),
        ("%metaclaw why nothing", "nothing"),
    ],
)
def test_a_mistake_is_one_sentence(run_cell: Run, source: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        run_cell(source)
    assert "\n" not in str(caught.value)


def test_a_skill_in_the_library_reaches_the_prompt(
    connected: InteractiveShell, run_cell: Run, scripted_server: ScriptedServer, home: Path
) -> None:
    folder = home / "skills" / "iso-dates"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(
        "---\nname: iso-dates\ndescription: Use when dates are written.\n---\nWrite dates as ISO 8601.\n"
    )
    scripted_server.say(reply("x = 1"), reply("x = 1"))
    run_cell("%%metaclaw --mode auto\nWrite the dates of the orders")
    run_cell("%%metaclaw --mode auto --no-skills\nWrite the dates of the orders")
    systems = [chat.messages[0]["content"] for chat in scripted_server.chats]
    assert ["Write dates as ISO 8601." in text for text in systems] == [True, False]
    assert last(connected).stamp.skill_generation == 1


def test_a_broken_skill_is_told_once_and_stops_nothing(
    run_cell: Run, scripted_server: ScriptedServer, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "skills" / "broken"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: [\n---\n")
    scripted_server.say(reply("x = 1"), reply("x = 2"))
    run_cell("%%metaclaw --mode auto\nSet x")
    run_cell("%%metaclaw --mode auto\nSet x again")
    assert capsys.readouterr().out.count("broken") == 1


def test_why_tells_skills_steps_and_tokens(
    run_cell: Run, scripted_server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted_server.say(reply("print('hello')"))
    run_cell("%%metaclaw --mode auto\nGreet")
    capsys.readouterr()
    run_cell("%metaclaw why")
    shown = capsys.readouterr().out
    assert "print('hello')" in shown
    assert "tokens" in shown


def test_the_prompt_is_shown_on_demand(
    run_cell: Run, scripted_server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted_server.say(reply("print('hello')"))
    run_cell("%%metaclaw --mode auto\nGreet")
    capsys.readouterr()
    run_cell("%metaclaw why --prompt")
    assert "You are an agent in a Jupyter notebook." in capsys.readouterr().out


def test_connect_without_save_leaves_the_file_alone(connected: InteractiveShell, home: Path) -> None:
    config = home / "config.toml"
    assert not config.exists() or "base_url" not in config.read_text()


def test_connect_with_save_writes_the_file(
    shell: InteractiveShell, scripted_server: ScriptedServer, home: Path
) -> None:
    shell.run_cell(f"%metaclaw connect {scripted_server.base_url} --save")
    assert scripted_server.base_url in (home / "config.toml").read_text()


def test_connect_to_nothing_changes_nothing(connected: InteractiveShell, run_cell: Run) -> None:
    magics = connected.magics_manager.registry[MetaclawMagics.__name__]
    before = dict(magics.session.workspace().overrides)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9"):
        run_cell("%metaclaw connect http://127.0.0.1:9/v1")
    assert magics.session.workspace().overrides == before


def test_help_names_every_command(run_cell: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run_cell("%metaclaw help")
    shown = capsys.readouterr().out
    for name in ("status", "why", "connect", "local", "config", "doctor", "--check"):
        assert name in shown


def test_help_of_a_cell_shows_its_options(run_cell: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run_cell("%%metaclaw --help\nanything")
    assert "--no-skills" in capsys.readouterr().out


def test_loading_twice_keeps_the_session(shell: InteractiveShell) -> None:
    before = shell.magics_manager.registry[MetaclawMagics.__name__]
    register(shell)
    assert shell.magics_manager.registry[MetaclawMagics.__name__] is before


def test_the_embedded_policy_says_what_it_is_once_and_when_it_fails(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = shell.magics_manager.registry[MetaclawMagics.__name__].session.workspace()
    policy = ScriptedPolicy([reply("x = 1"), reply("y = 1"), reply("1 / 0"), reply("1 / 0")])
    workspace.policy = lambda _=None, **_named: policy
    told = []
    for task in ("Set x", "Set y", "Divide"):
        shell.run_cell(f"%%metaclaw --mode auto\n{task}")
        told.append(capsys.readouterr().out.count("knows only the practice tasks"))
    assert told == [1, 0, 1]

import errno
import json
import os
import signal
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.cli import main as entry
from metaclaw_jlab.core.errors import NotFound, UsageMistake

Metaclaw = Callable[..., Any]
MODULE = "metaclaw_jlab.cli.scripted_command"


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., object]], None]:
    """Puts a command `scripted` in the table that does what it is given."""

    def put(run: Callable[..., object]) -> None:
        module = types.ModuleType(MODULE)
        vars(module).update(
            add_arguments=lambda parser: parser.add_argument("--times", type=int, default=1),
            run=run,
            render=lambda result: f"told: {result.get('value')}",
        )
        monkeypatch.setitem(sys.modules, MODULE, module)
        monkeypatch.setattr(entry, "COMMANDS", (entry.Command("scripted", MODULE, "does as told"),))

    return put


def raising(error: BaseException) -> Callable[..., object]:
    def run(_: object) -> Mapping[str, object]:
        raise error

    return run


def test_a_result_is_rendered_for_people(metaclaw: Metaclaw, command: Any) -> None:
    command(lambda arguments: {"value": arguments.times})
    ran = metaclaw("scripted", "--times", 3)
    assert (ran.code, ran.out, ran.err) == (0, "told: 3\n", "")


def test_with_json_standard_output_has_one_object_whatever_is_printed(
    metaclaw: Metaclaw, command: Any
) -> None:
    def noisy(_: object) -> dict[str, object]:
        sys.stdout.write("from Python\n")
        os.write(1, b"from C\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        return {"value": (1, Path("a"), float("nan"))}

    command(noisy)
    ran = metaclaw("scripted", "--json")
    assert ran.json == {"value": [1, "a", None]}
    for line in ("from Python", "from C", "from a child"):
        assert line in ran.err


@pytest.mark.parametrize("words", [("--json", "scripted"), ("scripted", "--json")])
def test_common_options_stand_before_or_after_the_command(
    words: tuple[str, ...], metaclaw: Metaclaw, command: Any, tmp_path: Path
) -> None:
    command(lambda arguments: {"home": arguments.home, "json": arguments.json})
    assert metaclaw(*words, "--home", tmp_path).json == {"home": str(tmp_path), "json": True}
    assert metaclaw("--home", tmp_path, *words).json == {"home": str(tmp_path), "json": True}


def test_what_is_told_cannot_steer_the_terminal(metaclaw: Metaclaw, command: Any) -> None:
    command(lambda _: {"value": "\x1b[2Ja\tb\nc\x9b"})
    assert metaclaw("scripted").out == "told: \ufffd[2Ja\tb\nc\ufffd\n"


def test_an_error_is_one_sentence(metaclaw: Metaclaw, command: Any) -> None:
    command(raising(NotFound("It is gone.", "Look elsewhere.")))
    ran = metaclaw("scripted")
    assert (ran.code, ran.out, ran.err) == (1, "", "metaclaw: It is gone. Look elsewhere.\n")


def test_an_error_is_an_object_with_json(metaclaw: Metaclaw, command: Any) -> None:
    command(raising(NotFound("It is gone.", "Look elsewhere.")))
    ran = metaclaw("scripted", "--json")
    assert ran.code == 1
    assert ran.json == {"error": {"cause": "It is gone.", "next_step": "Look elsewhere."}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("scriptd",), "Did you mean scripted?"),
        (("scripted", "--tims", "3"), "--tims"),
        (("scripted", "--times", "x"), "invalid int"),
        (("--home",), "expected one argument"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_a_usage_error_is_told_and_ends_with_2(
    words: tuple[str, ...], said: str, metaclaw: Metaclaw, command: Any
) -> None:
    command(lambda _: {})
    plain, in_json = metaclaw(*words), metaclaw(*words, "--json")
    assert (plain.code, in_json.code) == (2, 2)
    assert said in plain.err
    assert said in " ".join(in_json.json["error"].values())


def test_a_mistake_that_a_command_finds_is_a_usage_error(metaclaw: Metaclaw, command: Any) -> None:
    command(raising(UsageMistake("Not so.")))
    assert metaclaw("scripted").code == 2


def test_ctrl_c_ends_with_one_line_and_130(metaclaw: Metaclaw, command: Any) -> None:
    command(raising(KeyboardInterrupt()))
    ran = metaclaw("scripted")
    assert (ran.code, ran.out, ran.err) == (130, "", "metaclaw: Stopped.\n")


def test_an_error_of_the_system_is_told(metaclaw: Metaclaw, command: Any) -> None:
    command(raising(OSError(errno.ENOSPC, "No space left on device", "/a/file")))
    ran = metaclaw("scripted")
    assert (ran.code, "No space left on device (/a/file)" in ran.err) == (1, True)


def test_a_mistake_of_the_program_is_an_object_too(metaclaw: Metaclaw, command: Any) -> None:
    command(raising(RuntimeError("oops")))
    ran = metaclaw("scripted", "--json")
    assert (ran.code, ran.json["error"]["cause"]) == (1, "RuntimeError: oops.")


def test_standard_output_is_given_back_after_a_failure(metaclaw: Metaclaw, command: Any) -> None:
    command(raising(NotFound("It is gone.")))
    metaclaw("scripted", "--json")
    command(lambda _: {"value": "again"})
    assert metaclaw("scripted").out == "told: again\n"


def test_without_a_command_there_is_help(metaclaw: Metaclaw) -> None:
    ran = metaclaw()
    assert ran.code == 0
    for command in entry.COMMANDS:
        assert f"  {command.name}" in ran.out


def test_without_a_command_json_is_a_usage_error(metaclaw: Metaclaw) -> None:
    assert metaclaw("--json").code == 2


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_end_well(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.main([word])
    assert not ended.value.code
    assert "metaclaw" in capsys.readouterr().out


@pytest.mark.parametrize("name", [command.name for command in entry.COMMANDS])
def test_every_command_is_there_and_has_help_with_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.main([name, "--help"])
    assert not ended.value.code
    told = capsys.readouterr().out
    assert f"usage: metaclaw {name}" in told
    assert f"metaclaw {name}" in told.split("examples:")[1]


def test_the_entry_point_loads_nothing_but_what_it_needs() -> None:
    code = (
        "import sys, metaclaw_jlab.cli.main; print(*sorted(name for name in sys.modules if '.' not in name))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "sqlalchemy", "openai", "numpy", "torch"} & set(loaded.stdout.split())


# ---------------------------------------------------------------- a process of its own


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "metaclaw_jlab.cli.main", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_contract_holds_in_a_process_of_its_own(home: Path) -> None:
    process = start("config", "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["path"] == str(home / "config.toml")
    assert err == ""


def test_a_pipe_that_closes_is_no_noise(home: Path) -> None:
    process = start("config")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == ""


WAITING = """
import signal, sys, types
from metaclaw_jlab.cli import main as entry

def run(arguments):
    print("waiting", file=sys.stderr, flush=True)
    signal.pause()

sys.modules["waiting"] = types.SimpleNamespace(add_arguments=lambda parser: None, run=run)
entry.COMMANDS = (entry.Command("wait", "waiting", "waits"),)
sys.exit(entry.main(["wait", "--json"]))
"""


def test_a_signal_stops_a_command() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "metaclaw: Stopped.\n")
    assert json.loads(out)["error"]["cause"] == "Stopped."

"""What a sandbox does for code that means well."""

import threading
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ExecutorError, WorkingFolderTooLarge
from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.executors.sandbox import Sandbox, SandboxPool


def test_names_live_from_step_to_step(sandbox: Sandbox) -> None:
    sandbox.execute("x = 20")
    assert sandbox.execute("x + 1").result == "21"


def test_output_and_errors_are_told_apart(sandbox: Sandbox) -> None:
    seen = sandbox.execute(
        "import sys, os\nprint('out')\nprint('err', file=sys.stderr)\nos.system('echo shell')"
    )
    assert sorted(seen.stdout.split()) == ["out", "shell"]
    assert (seen.stderr, seen.result, seen.error) == ("err\n", "0", None)


def test_output_comes_before_the_code_has_ended(sandbox: Sandbox) -> None:
    pieces: list[str] = []
    arrived = threading.Event()

    def on_output(text: str) -> None:
        pieces.append(text)
        if "first" in text:
            arrived.set()

    code = "import time\nprint('first', flush=True)\ntime.sleep(0.3)\nprint('second')"
    thread = threading.Thread(target=lambda: sandbox.execute(code, on_output=on_output))
    thread.start()
    assert arrived.wait(10)
    assert "second" not in "".join(pieces)
    thread.join()
    assert "".join(pieces) == "first\nsecond\n"


def test_an_error_names_itself_and_its_line(sandbox: Sandbox) -> None:
    error = sandbox.execute("x = 1\nx / 0").error
    assert error is not None
    assert (error.name, error.message) == ("ZeroDivisionError", "division by zero")
    assert "line 2" in error.traceback


def test_given_files_and_made_files_are_read_back(pool: SandboxPool) -> None:
    with pool.open(files={"in/a.csv": "x\n1\n", "b.bin": b"\0\1"}) as sandbox:
        sandbox.execute("open('in/c.txt', 'w').write(open('in/a.csv').read())")
        assert sandbox.files() == {"b.bin": b"\0\1", "in/a.csv": b"x\n1\n", "in/c.txt": b"x\n1\n"}


def test_the_working_folder_is_a_copy(pool: SandboxPool, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    with pool.open(tmp_path) as sandbox:
        sandbox.execute("open('a.txt', 'w').write('theirs')")
        assert sandbox.files() == {"a.txt": b"theirs"}
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_a_working_folder_over_the_cap_is_refused(pool: SandboxPool, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"1" * 4_000_001)
    with pytest.raises(WorkingFolderTooLarge):
        pool.open(tmp_path)


def test_files_over_the_cap_are_refused_both_ways(pool: SandboxPool, sandbox: Sandbox) -> None:
    with pytest.raises(WorkingFolderTooLarge):
        pool.open(files={"a": b"1" * 4_000_001})
    sandbox.execute("open('a', 'wb').write(bytes(4_000_001))")
    with pytest.raises(WorkingFolderTooLarge):
        sandbox.files()


def test_a_sandbox_starts_from_nothing(pool: SandboxPool) -> None:
    with pool.open() as first:
        first.execute("import pandas, builtins, os\nbuiltins.leak = pandas.leak = 1\nopen('../leak', 'w')")
    with pool.open() as second:
        code = (
            "import pandas, builtins, os\n"
            "hasattr(builtins, 'leak'), hasattr(pandas, 'leak'), sorted(os.listdir('..'))"
        )
        assert second.execute(code).result == "(False, False, ['home', 'work'])"
        assert second.files() == {}


def test_run_again_it_gives_the_same_again(pool: SandboxPool) -> None:
    code = "import random, numpy\n(random.random(), numpy.random.rand(), {'a', 'b', 'c'}, hash('x'))"
    with pool.open() as first, pool.open() as second:
        assert first.execute(code).result == second.execute(code).result


def test_a_module_in_the_folder_can_be_imported(pool: SandboxPool) -> None:
    with pool.open(files={"mine.py": "value = 7"}) as sandbox:
        assert sandbox.execute("import mine\nmine.value").result == "7"
        assert list(sandbox.files()) == ["mine.py"]


def test_a_plot_is_saved(sandbox: Sandbox) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('a.png')\nplt.savefig('a.svg')"
    assert sandbox.execute(code).error is None
    assert {name: data[:5] for name, data in sandbox.files().items()} == {
        "a.png": b"\x89PNG\r",
        "a.svg": b"<?xml",
    }


def test_input_meets_the_end_of_the_file(sandbox: Sandbox) -> None:
    error = sandbox.execute("input()").error
    assert error is not None
    assert error.name == "EOFError"


@pytest.mark.parametrize(
    ("check", "passed", "feedback"),
    [
        (Check(CheckKind.EXPRESSION, "x == 3"), True, ""),
        (Check(CheckKind.EXPRESSION, "x == 4"), False, "`x == 4` is not true: `x` is 3."),
        (Check(CheckKind.SCRIPT, "print('noise'); assert x > 5, 'too small'"), False, "too small"),
        (Check(CheckKind.COMMAND, "cat out.txt"), True, ""),
        (Check(CheckKind.FILE, "gone.txt"), False, "There is no file gone.txt. There is: out.txt."),
    ],
)
def test_a_check_sees_what_the_code_left(sandbox: Sandbox, check: Check, passed: bool, feedback: str) -> None:
    sandbox.execute("x = 3\nopen('out.txt', 'w').write('done')")
    result = sandbox.evaluate(check)
    assert (result.check, result.passed, result.feedback) == (check, passed, feedback)


def test_a_closed_sandbox_says_so(pool: SandboxPool) -> None:
    sandbox = pool.open()
    sandbox.close()
    sandbox.close()
    with pytest.raises(ExecutorError, match="Open a new one"):
        sandbox.execute("1")


def test_an_interrupt_while_code_runs_ends_the_sandbox(pool: SandboxPool) -> None:
    sandbox = pool.open()

    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sandbox.execute("print('x', flush=True)\nwhile True: pass", on_output=interrupt)
    with pytest.raises(ExecutorError):
        sandbox.execute("1")

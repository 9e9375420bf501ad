"""Each test attacks one protection that needs no bubblewrap."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.executors.sandbox import Sandbox, SandboxPool


def error_of(seen: Observation) -> str | None:
    return seen.error.name if seen.error else None


def lives(sandbox: Sandbox) -> bool:
    return sandbox.execute("1 + 1").result == "2"


@pytest.fixture(params=["auto", "none"])
def any_sandbox(
    request: pytest.FixtureRequest, pool: SandboxPool, plain_pool: SandboxPool
) -> Iterator[Sandbox]:
    """A sandbox with bubblewrap, and one without."""
    with (pool if request.param == "auto" else plain_pool).open(files={"kept.txt": "kept"}) as opened:
        yield opened


@pytest.fixture(scope="session")
def plain_pool() -> Iterator[SandboxPool]:
    with SandboxPool(
        1, isolation="none", seconds=20, memory_mb=512, working_folder_mb=4, preload=()
    ) as opened:
        yield opened


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_secrets_of_the_environment_are_gone(isolation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-s3cret")
    pool = SandboxPool(1, isolation=isolation, preload=())  # type: ignore[arg-type]
    with pool, pool.open() as sandbox:
        seen = sandbox.execute("import os\ndict(os.environ), open('/proc/self/environ').read()")
    assert seen.error is None
    assert "s3cret" not in str(seen.result)


def test_memory_is_limited(any_sandbox: Sandbox) -> None:
    assert error_of(any_sandbox.execute("x = bytearray(1 << 30)")) == "MemoryError"
    assert lives(any_sandbox)


def test_a_huge_file_is_limited(any_sandbox: Sandbox) -> None:
    code = "with open('big', 'wb') as f:\n    while True: f.write(bytes(1 << 22))"
    assert error_of(any_sandbox.execute(code)) == "OSError"
    assert lives(any_sandbox)


def test_an_endless_loop_is_stopped_and_the_files_stay(hasty_pool: SandboxPool) -> None:
    with hasty_pool.open() as sandbox:
        seen = sandbox.execute("open('a', 'w').write('1')\nprint('on')\nwhile True: pass")
        assert (seen.stdout, error_of(seen)) == ("", "TimeoutError")
        assert sandbox.files() == {"a": b"1"}
        assert error_of(sandbox.execute("seen")) == "NameError"
        assert sandbox.files() == {"a": b"1"}


def test_catching_everything_does_not_help(hasty_pool: SandboxPool) -> None:
    code = """
import signal
for number in range(1, 64):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True:
    try:
        while True: pass
    except BaseException: pass
"""
    with hasty_pool.open() as sandbox:
        assert error_of(sandbox.execute(code)) == "TimeoutError"


def test_killing_its_parent_costs_only_itself() -> None:
    with SandboxPool(1, isolation="none", preload=()) as pool, pool.open() as sandbox:
        seen = sandbox.execute("import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(30)")
        assert error_of(seen) == "ProcessEnded"
        assert lives(sandbox)


def test_nothing_stays_behind(any_sandbox: Sandbox) -> None:
    mark = f"/bin/sleep 3{secrets.randbelow(10**6):06d}"
    code = f"""
import os, subprocess
subprocess.Popen({mark.split()!r}, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv("/bin/sleep", {mark.split()!r})
    os._exit(0)
"""
    assert any_sandbox.execute(code).error is None
    assert becomes(lambda: len(running(mark)) == 2)
    any_sandbox.close()
    assert becomes(lambda: not running(mark))


def becomes(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        pass
    return condition()


def running(mark: str) -> list[str]:
    wanted = mark.replace(" ", "\0").encode() + b"\0"
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path("/proc", name, "cmdline").read_bytes() == wanted:
                found.append(name)
        except OSError:
            continue
    return found


def test_ten_megabytes_of_output_are_cut(any_sandbox: Sandbox) -> None:
    seen = any_sandbox.execute("print('begin' + 'x' * 10_000_000 + 'end')")
    assert seen.stdout.startswith("begin")
    assert seen.stdout.endswith("end\n")
    assert len(seen.stdout) + seen.truncated < 10_000_100
    assert seen.truncated == 10_000_009 - 8000


def test_a_result_of_ten_megabytes_is_cut(sandbox: Sandbox) -> None:
    seen = sandbox.execute("'x' * 10_000_000")
    assert seen.result is not None
    assert len(seen.result) < 8100
    assert seen.truncated == 10_000_002 - 8000


def test_an_error_of_ten_megabytes_is_cut(sandbox: Sandbox) -> None:
    seen = sandbox.execute("raise ValueError('x' * 10_000_000)")
    assert seen.error is not None
    assert len(seen.error.message) + len(seen.error.traceback) < 17_000


def test_binary_output_becomes_text(any_sandbox: Sandbox) -> None:
    seen = any_sandbox.execute(
        "import os\nos.write(1, bytes(range(256)) * 10)\nraise ValueError('\\udc80\\0')"
    )
    assert "\0" not in seen.stdout
    assert seen.stdout.encode()
    assert seen.error is not None
    assert seen.error.message == "?\ufffd"


def test_output_without_a_newline_arrives(any_sandbox: Sandbox) -> None:
    assert any_sandbox.execute("print('x', end='')").stdout == "x"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import sys\nsys.exit(3)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f(): f()\nf()", "RecursionError"),
        ("import sys\nsys.stdout.close()\nprint(1)", "ValueError"),
        ("import os\nos.close(0); os.close(1); os.close(2)", None),
        ("import sys, io\nsys.stdout = io.StringIO()\nsys.stderr = None", None),
        ("import os, shutil\nshutil.rmtree(os.getcwd())", None),
        ("import os\nos.chdir('/')\nos.rmdir", None),
        ("import signal\nsignal.raise_signal(signal.SIGINT)", "KeyboardInterrupt"),
    ],
)
def test_the_session_survives(any_sandbox: Sandbox, code: str, error: str | None) -> None:
    any_sandbox.execute("x = 7")
    assert error_of(any_sandbox.execute(code)) == error
    assert any_sandbox.execute("print(x)\nx").result == "7"
    assert any_sandbox.execute("print(x)").stdout == "7\n"


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos._exit(3)",
        "import os\nos.abort()",
        "import ctypes\nctypes.string_at(0)",
        "import os\nos.closerange(3, 300)",
        "import os, socket\nfor n in range(200, 256):\n    try: os.write(n, b'forged' * 100)\n    except OSError: pass",
    ],
)
def test_code_that_ends_its_process_loses_its_names_only(any_sandbox: Sandbox, code: str) -> None:
    any_sandbox.execute("x = 7\nprint(x)")
    assert error_of(any_sandbox.execute(code)) == "ProcessEnded"
    assert error_of(any_sandbox.execute("x")) == "NameError"
    assert any_sandbox.files() == {"kept.txt": b"kept"}


def test_links_and_pipes_in_its_folder_give_nothing_away(any_sandbox: Sandbox) -> None:
    code = "import os\nos.symlink('/etc/passwd', 'link')\nos.symlink('/', 'root')\nos.mkfifo('pipe')"
    assert any_sandbox.execute(code).error is None
    assert any_sandbox.files() == {"kept.txt": b"kept"}


def test_nothing_but_its_own_channel_is_open_to_it(any_sandbox: Sandbox) -> None:
    code = """
import os, stat
[fd for fd in range(1, 256) if os.path.exists(f"/proc/self/fd/{fd}") and stat.S_ISSOCK(os.fstat(fd).st_mode)]
"""
    assert any_sandbox.execute(code).result == "[200]"


def test_a_check_that_never_ends_has_failed(hasty_pool: SandboxPool) -> None:
    with hasty_pool.open() as sandbox:
        result = sandbox.evaluate(Check(CheckKind.SCRIPT, "while True: pass"))
    assert not result.passed
    assert "longer than 0.5 s" in result.feedback

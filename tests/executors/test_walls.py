"""Each test attacks one wall that bubblewrap puts up. Collected only where it works: some would do harm without."""

import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.executors.sandbox import Sandbox, SandboxPool


@pytest.fixture(scope="session")
def walled_pool() -> Iterator[SandboxPool]:
    with SandboxPool(1, isolation="require", seconds=20, memory_mb=512, preload=()) as opened:
        yield opened


@pytest.fixture
def sandbox(walled_pool: SandboxPool) -> Iterator[Sandbox]:
    with walled_pool.open() as opened:
        yield opened


def error_of(seen: Observation) -> str | None:
    return seen.error.name if seen.error else None


@pytest.fixture
def home_secret() -> Iterator[Path]:
    path = Path.home() / f".{secrets.token_hex(8)}"
    path.write_text("s3cret")
    yield path
    path.unlink()


def test_no_network(sandbox: Sandbox) -> None:
    code = "import socket\nsocket.create_connection(('1.1.1.1', 53), 5)"
    assert error_of(sandbox.execute(code)) == "OSError"


def test_no_loopback_of_the_machine(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 5)"
        assert error_of(sandbox.execute(code)) == "ConnectionRefusedError"


def test_the_home_is_hidden(sandbox: Sandbox, home_secret: Path) -> None:
    assert error_of(sandbox.execute(f"open({str(home_secret)!r}).read()")) in (
        "FileNotFoundError",
        "PermissionError",
    )


def test_files_elsewhere_are_hidden(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    assert error_of(sandbox.execute(f"open({str(tmp_path / 'secret')!r}).read()")) == "FileNotFoundError"
    assert error_of(sandbox.execute("open('/etc/shadow').read()")) == "FileNotFoundError"


def test_a_home_folder_inside_of_what_is_shown_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir=sys.prefix) as folder:
        Path(folder, "metaclaw.db").write_text("s3cret")
        monkeypatch.setenv("METACLAW_HOME", folder)
        with SandboxPool(1, isolation="require", preload=()) as pool, pool.open() as sandbox:
            assert sandbox.execute(f"import os\nos.listdir({folder!r})").result == "[]"


def test_other_processes_memory_is_closed(sandbox: Sandbox) -> None:
    code = """
import os
opened = []
for name in os.listdir("/proc"):
    if name.isdigit() and name != os.readlink("/proc/self"):
        for part in ("mem", "environ"):
            try:
                opened.append(open(f"/proc/{name}/{part}", "rb").read(1))
            except OSError as error:
                pass
opened
"""
    assert sandbox.execute(code).result == "[]"


def test_the_system_is_read_only(sandbox: Sandbox) -> None:
    code = """
import os, sys
written = []
for folder in ("/", "/usr", "/etc", "/dev", "/proc", "/root", sys.prefix, os.path.dirname(os.__file__)):
    try:
        open(folder + "/planted", "w"); written.append(folder)
    except OSError:
        pass
written
"""
    assert sandbox.execute(code).result == "[]"


def test_a_fork_bomb_is_limited(sandbox: Sandbox) -> None:
    code = """
import os, time
made = 0
try:
    while made < 1000:
        if os.fork() == 0:
            time.sleep(60); os._exit(0)
        made += 1
except BlockingIOError:
    pass
made < 128
"""
    assert sandbox.execute(code).result == "True"


def test_many_files_fill_only_its_own_disk(sandbox: Sandbox) -> None:
    code = """
for n in range(100):
    with open(f"/dev/shm/{n}", "wb") as f: f.write(bytes(100 << 20))
"""
    assert error_of(sandbox.execute(code)) == "OSError"


def test_the_other_sandboxes_outlive_an_attack_on_all_processes(walled_pool: SandboxPool) -> None:
    with walled_pool.open() as other, walled_pool.open() as sandbox:
        other.execute("x = 5")
        code = "import os\nfor pid in (-1, os.getppid(), 1, 2, 3):\n    try: os.kill(pid, 9)\n    except OSError: pass"
        sandbox.execute(code)
        assert other.execute("x").result == "5"
        assert sandbox.execute("1 + 1").result == "2"


def test_its_walls_are_said_in_words(walled_pool: SandboxPool) -> None:
    assert {"no network", "read-only system", "home and other files hidden"} <= set(walled_pool.protections())

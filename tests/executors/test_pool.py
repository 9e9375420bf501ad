"""How warm processes are started, shared, replaced and ended."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.executors import bubblewrap
from metaclaw_jlab.executors.sandbox import SandboxPool


def test_many_threads_share_a_pool(pool: SandboxPool) -> None:
    def run(number: int) -> str | None:
        with pool.open(files={"n": str(number)}) as sandbox:
            sandbox.execute("n = int(open('n').read())")
            return sandbox.execute("n * 2").result

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(run, range(24))) == [str(2 * number) for number in range(24)]


def test_one_thread_holds_many_sandboxes(pool: SandboxPool) -> None:
    sandboxes = [pool.open() for _ in range(12)]
    for number, sandbox in enumerate(sandboxes):
        sandbox.execute(f"x = {number}")
    assert [sandbox.execute("x").result for sandbox in sandboxes] == [str(number) for number in range(12)]
    for sandbox in sandboxes:
        sandbox.close()


def test_a_warm_process_that_died_is_replaced() -> None:
    with SandboxPool(1, preload=()) as pool:
        held = pool.open()
        os.killpg(pool._room(0).process.pid, signal.SIGKILL)
        pool._room(0).process.wait()
        with pool.open() as sandbox:
            assert sandbox.execute("1 + 1").result == "2"
        held.close()


@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_a_closed_pool_leaves_nothing_behind(isolation: str) -> None:
    before = set(psutil.Process().children(recursive=True))
    pool = SandboxPool(2, isolation=isolation, preload=())  # type: ignore[arg-type]
    sandbox = pool.open()
    sandbox.execute("import subprocess\nsubprocess.Popen(['sleep', '300'])")
    started = set(psutil.Process().children(recursive=True)) - before
    assert len(started) >= 4
    pool.close()
    psutil.wait_procs(started, timeout=5)
    assert not [process for process in started if process.is_running()]
    assert not Path(pool._scratch.name).exists()
    with pytest.raises(ExecutorError, match="closed"):
        pool.open()


def test_its_protections_are_said_in_words(pool: SandboxPool) -> None:
    assert {"20 s a step", "environment without secrets", "a folder of its own"} <= set(pool.protections())


def test_without_bubblewrap_nothing_is_claimed_of_it() -> None:
    with SandboxPool(1, isolation="none", preload=()) as pool:
        assert not pool.isolated
        assert not {"no network", "home and other files hidden"} & set(pool.protections())


def test_required_isolation_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "probe", lambda: None)
    with pytest.raises(ExecutorError, match="Install the package `bubblewrap`"):
        SandboxPool(1, isolation="require")
    with SandboxPool(1, isolation="auto", preload=()) as pool:
        assert not pool.isolated


def test_windows_is_told_about_wsl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(ExecutorError, match="WSL"):
        SandboxPool(1)


def test_a_preload_that_is_not_installed_does_no_harm() -> None:
    with SandboxPool(1, preload=("no_such_library",)) as pool, pool.open() as sandbox:
        assert sandbox.execute("1").result == "1"

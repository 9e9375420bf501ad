"""Kernels that no server of ours started keep training off while they are used: plain IPython, and jupyter_client's."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.jupyter.server.live_server import UNREACHABLE, LiveServer, live_server

IDLE_SECONDS = 3.0
CONFIG = f"""\
{UNREACHABLE}
[scheduler]
idle_minutes = {IDLE_SECONDS / 60}
min_window_minutes = 0
desktop = false
battery = true
load_percent = 100
"""
PATIENCE = 90.0
Run = Callable[[str], None]


def environment(home: Path, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "METACLAW_HOME": str(home),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }


@contextmanager
def plain_ipython(home: Path, folder: Path) -> Iterator[Run]:
    """IPython in a terminal of its own: what is given is typed there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit"],
        env=environment(home, folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    stdin = process.stdin

    def run(code: str) -> None:
        stdin.write(code + "\n")
        stdin.flush()

    try:
        yield run
    finally:
        process.kill()
        process.wait()
        stdin.close()


@contextmanager
def client_kernel(home: Path, folder: Path) -> Iterator[Run]:
    """A kernel run by jupyter_client alone."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(env=environment(home, folder))
    try:
        yield lambda code: void(client.execute(code))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def void(_: object) -> None:
    """What a kernel answers is not looked at."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with live_server(tmp_path / "server", config=CONFIG) as running:
        yield running


def windows(server: LiveServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.api("GET", "windows").json["windows"]
    return found


def view(server: LiveServer) -> dict[str, Any]:
    found: dict[str, Any] = server.api("GET", "scheduler").json["view"]
    return found


def kernels(server: LiveServer) -> str:
    """What is known of the kernels of this home."""
    states = [one["state"] for one in view(server)["readings"] if one["name"] == "kernels"]
    return str(states[0])


def until(found: Callable[[], object]) -> None:
    """Look again and again until something holds."""
    pause, left = threading.Event(), int(PATIENCE / 0.1)
    while not found():
        left -= 1
        assert left > 0, "it did not come"
        pause.wait(0.1)


@pytest.mark.parametrize("kernel", [plain_ipython, client_kernel])
@pytest.mark.timeout(600)
def test_no_window_opens_while_it_is_used(
    server: LiveServer, tmp_path: Path, kernel: Callable[[Path, Path], Any]
) -> None:
    done = tmp_path / "done"
    with kernel(server.home, tmp_path) as run:
        run("%load_ext metaclaw_jlab")
        run(f"import os, time; [time.sleep(0.05) for _ in iter(lambda: os.path.exists({str(done)!r}), True)]")
        until(lambda: kernels(server) == "busy" and all(one["closed_at"] for one in windows(server)))
        began, before = view(server)["at"], len(windows(server))
        # Much longer than what counts as idle: a cell that runs is not idle.
        until(lambda: view(server)["at"] > began + 3 * IDLE_SECONDS)
        assert kernels(server) == "busy"
        assert len(windows(server)) == before

        done.touch()
        until(lambda: len(windows(server)) > before)
        opened = windows(server)[0]
        assert "kernels" in opened["opened_by"]
        assert opened["closed_at"] is None

        run("1 + 1")
        until(lambda: windows(server)[0]["closed_at"] is not None)
        assert windows(server)[0]["closed_by"] == "kernels"

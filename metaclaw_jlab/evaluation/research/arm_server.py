"""The server of an arm's home: `jupyter metaclaw` on this machine, whose proxy the pipeline's model calls go to."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import ResearchError

START_SECONDS = 180.0
END_SECONDS = 40.0  # what it has still to write gets ten of them
ATTEMPTS = 3  # another process may take the port first
LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class ArmServer:
    """A running one. `base_url` is what a client of the OpenAI API is pointed at."""

    base_url: str
    process: subprocess.Popen[bytes]


@contextmanager
def serving(environment: Mapping[str, str], folder: Path) -> Iterator[ArmServer]:
    """The server of the home that the environment names; its log and what it needs lie in `folder`. It is ended with
    the context. Raises ResearchError where it does not start."""
    work = folder / "server"
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = folder / "server.log"
    for left in reversed(range(ATTEMPTS)):
        port, token = _free_port(), secrets.token_hex(24)
        process = _start(environment, work, log, port, token)
        try:
            if _answers(f"http://127.0.0.1:{port}/metaclaw/api/health", token, process):
                yield ArmServer(f"http://127.0.0.1:{port}/metaclaw/v1", process)
                return
        finally:
            _end(process)
        if not left:
            raise ResearchError(
                f"The server of the arm's home did not start: {last_words(log)}", f"Its log is {log}."
            )


def last_words(log: Path, characters: int = 300) -> str:
    """The end of a log on one line."""
    try:
        text = " ".join(log.read_text(encoding="utf-8", errors="replace")[-4 * characters :].split())
    except OSError:
        text = ""
    return text[-characters:] or "it said nothing."


def _start(
    environment: Mapping[str, str], work: Path, log: Path, port: int, token: str
) -> subprocess.Popen[bytes]:
    words = [
        *(sys.executable, "-m", "metaclaw_jlab.jupyter.server", "--no-browser"),
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={work}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")
    places = {f"JUPYTER_{name}_DIR": str(work / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    with log.open("ab") as output:
        return subprocess.Popen(
            words,
            # The token is no argument: those can be read by everybody on the machine.
            env={**environment, **places, "JUPYTER_TOKEN": token},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _answers(url: str, token: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether it answers before it ends, or before the time is over."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"})
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with opener.open(request, timeout=5):
                return True
        except (OSError, urllib.error.URLError):
            time.sleep(LOOK_SECONDS)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if process.poll() is None:
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])

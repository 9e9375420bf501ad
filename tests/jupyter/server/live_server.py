"""A real Jupyter server with the extension, in a process of its own, on a home of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN = "a-token-of-the-tests"
START_SECONDS = 120.0
END_SECONDS = 60.0
MODULE = "metaclaw_jlab"
EXTENSION = ("-m", "jupyter_server", f"--ServerApp.jpserver_extensions={{'{MODULE}': True}}")
ALONE = ("-m", "metaclaw_jlab.jupyter.server")
UNREACHABLE = '[policy]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "nobody"\n'


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class LiveServer:
    """A running server. `lines` are what it has logged."""

    process: subprocess.Popen[str]
    port: int
    base_url: str
    home: Path
    lines: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base_url}"

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Ask under the base URL; `path` is such as metaclaw/api/health."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        if token is not None:
            sent["Authorization"] = f"token {token}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, f"{self.base_url}{path}", data, sent)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def api(self, method: str, path: str, body: object = None, **how: Any) -> Answer:
        """Ask the REST interface."""
        return self.ask(method, f"metaclaw/api/{path}", body, **how)

    def wait_for(self, words: str, seconds: float = START_SECONDS) -> str:
        """The first line logged that has these words."""
        with self._news:
            found = self._news.wait_for(lambda: self._line(words) or self.process.poll() is not None, seconds)
        line = self._line(words)
        if not found or line is None:
            raise AssertionError(f"{words!r} was not logged:\n{''.join(self.lines[-60:])}")
        return line

    def read(self) -> None:
        """Take down what the server logs, until its end."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _line(self, words: str) -> str | None:
        return next((line for line in tuple(self.lines) if words in line), None)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def live_server(
    folder: Path,
    *,
    home: Path | None = None,
    how: Sequence[str] = ALONE,
    arguments: Sequence[str] = (),
    base_url: str = "/",
    config: str = UNREACHABLE,
    until: str = "] metaclaw: ",
    token: str = TOKEN,
) -> Iterator[LiveServer]:
    """A server whose host has begun; it ends with the context."""
    port = free_port()
    home = home or folder / "home"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (home / "config.toml").exists():
        (home / "config.toml").write_text(config)
    work = folder / f"work-{port}"
    work.mkdir()
    process = subprocess.Popen(
        [
            sys.executable,
            *how,
            "--no-browser",
            "--allow-root",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.base_url={base_url}",
            f"--ServerApp.root_dir={work}",
            f"--IdentityProvider.token={token}",
            *arguments,
        ],
        env=_environment(folder, home),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    server = LiveServer(process, port, base_url, home)
    reader = threading.Thread(target=server.read, daemon=True)
    reader.start()
    try:
        server.wait_for(until)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()


def _environment(folder: Path, home: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("METACLAW_", "JUPYTER"))
    }
    return {
        **kept,
        "METACLAW_HOME": str(home),
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "0",
        "OMP_NUM_THREADS": "1",
    }

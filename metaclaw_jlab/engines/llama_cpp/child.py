"""A child process that runs an instance: started, heard, stopped."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from metaclaw_jlab.engines.llama_cpp.instance import Setup
from metaclaw_jlab.engines.llama_cpp.load_failure import load_failure

_log = logging.getLogger(__name__)
KEPT_LINES = 40
STOP_SECONDS = 5.0
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """What the process inherits. Its threads sleep while they wait for each other, where nobody decided otherwise:
    threads that spin hold the very core that the other one needs, and on a busy machine that is eight times slower."""
    chosen = any(name in given for name in _WAITING)
    return {**given} if chosen else {**given, "OMP_WAIT_POLICY": "passive"}


class Child:
    """The process of a setup. `ended` is called once, on a thread of its own, when it is over."""

    def __init__(self, setup: Setup, ended: Callable[[Child], None]) -> None:
        self._setup = setup
        self._ended = ended
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "metaclaw_jlab.engines.llama_cpp.instance"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment(os.environ),
        )
        self._listener = threading.Thread(target=self._listen, name="llama.cpp", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        """The last line that it wrote."""
        return self._lines[-1] if self._lines else f"code {self._process.poll()}"

    def address(self) -> str:
        """Where it listens ("http://127.0.0.1:PORT"), once its model is loaded. Raises ModelUnusable."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(self._setup.line())
            self._process.stdin.flush()
        found = self._process.stdout.readline().strip()
        if found:
            return found
        self._listener.join()
        path = Path(self._setup.model)
        raise load_failure(self._setup.name, path, tuple(self._lines), self._process.returncode)

    def stop(self) -> None:
        """End it, whatever it does. It is over on return."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.strip():
                self._lines.append(line.rstrip())
                _log.debug("%s: %s", self._setup.name, line.rstrip())
        self._process.wait()
        self._ended(self)

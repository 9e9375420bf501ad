"""A warm process as the pool sees it: started once, asked for a sandbox as often as one is needed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import site
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.executors import bubblewrap
from metaclaw_jlab.executors.frames import Frame, FrameReader, receive, send
from metaclaw_jlab.executors.limits import Limits

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_PATH")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_START = (
    "import sys; sys.path.append(sys.argv[1]); from metaclaw_jlab.executors.zygote import main; "
    "sys.path.pop(); main(int(sys.argv[2]), sys.argv[3])"
)
_FRAME_LIMIT = 1 << 40
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a pool's warm processes are started."""

    isolated: bool
    as_root: bool
    limits: Limits
    output_chars: int
    preload: tuple[str, ...]
    scratch: Path
    hidden: tuple[Path, ...]
    tasks: int


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A connection to the keeper of one sandbox, and the room that the keeper lives in."""

    room: Room
    channel: socket.socket
    reader: FrameReader

    def send(self, request: Frame | Mapping[str, Any]) -> None:
        """Ask for something that has no answer. Raises OSError where the keeper is gone."""
        header, blob = request if isinstance(request, tuple) else (request, b"")
        send(self.channel, header, blob)

    def hang_up(self) -> None:
        """Have the keeper end all that it keeps, and itself."""
        with contextlib.suppress(OSError):
            self.channel.shutdown(
                socket.SHUT_WR
            )  # closing alone says nothing while a fork of this process lives

    def wait_for_end(self, seconds: float) -> None:
        """Wait until a keeper that was hung up on has ended, but no longer than this."""
        self.channel.settimeout(seconds)
        with contextlib.suppress(OSError):
            while self.channel.recv(1 << 16):
                pass
        self.channel.close()

    def call(
        self,
        request: Frame | Mapping[str, Any],
        seconds: float,
        on_output: Callable[[str], None] | None = None,
    ) -> Frame:
        """Ask for one thing and wait. Raises OSError where the keeper is gone or hangs."""
        self.channel.settimeout(seconds)
        self.send(request)
        while (frame := receive(self.channel, self.reader)) is not None:
            if "stream" not in frame[0]:
                return frame
            if on_output is not None:
                on_output(frame[0]["stream"])
        raise ConnectionResetError("The keeper is gone.")


@dataclass(slots=True, eq=False)
class Room:
    """A running warm process. `traits` is what it says of itself."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    log: Any
    traits: Mapping[str, Any] = field(default_factory=dict)
    keepers: int = 0

    def enter(self) -> Link:
        """A connection to a new keeper. Raises OSError where the process is gone."""
        ours, theirs = socket.socketpair()
        try:
            socket.send_fds(self.control, [b"o"], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return Link(self, ours, FrameReader(_FRAME_LIMIT))

    def close(self) -> None:
        """End the process and all that it has forked."""
        self.control.close()
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.process.kill()
            self.process.wait()
        self.log.close()


def start_room(plan: Plan) -> Room:
    """Start a warm process and wait until it is warm. Raises ExecutorError."""
    ours, theirs = socket.socketpair()
    log = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        process = subprocess.Popen(
            _words(plan, theirs.fileno()),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(plan),
            cwd="/",
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    finally:
        theirs.close()
    room = Room(process, ours, log)
    ours.settimeout(_START_SECONDS)
    try:
        frame = receive(ours, FrameReader(1 << 20))
    except (OSError, ValueError):
        frame = None
    if frame is None:
        cause = _last_words(log)
        room.close()
        raise ExecutorError(f"The sandbox did not start: {cause}", "See `metaclaw doctor`.")
    ours.settimeout(None)
    room.traits = frame[0]
    return room


def _words(plan: Plan, descriptor: int) -> list[str]:
    settings = {
        "user": bubblewrap.UNPRIVILEGED + secrets.randbelow(4000) if plan.as_root else 0,
        "preload": plan.preload,
        "tasks": plan.tasks,
        "nested": plan.isolated,
        "limits": asdict(plan.limits),
        "output_chars": plan.output_chars,
        "scratch": "/tmp" if plan.isolated else str(plan.scratch),
    }
    room = bubblewrap.command(as_root=plan.as_root, hidden=plan.hidden) if plan.isolated else []
    package = str(Path(__file__).resolve().parents[2])
    # `-P` and not `-I`: the environment is ours already, and the order of sets must be the same in every process.
    return [*room, sys.executable, "-P", "-c", _START, package, str(descriptor), json.dumps(settings)]


def _environment(plan: Plan) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    scratch = "/tmp" if plan.isolated else str(plan.scratch)
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        **passed,
        **dict.fromkeys(_ONE_THREAD, "1"),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "HOME": scratch,
        "TMPDIR": scratch,
        "USER": "sandbox",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{scratch}/matplotlib",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUSERBASE": site.getuserbase(),
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
    }


def _last_words(log: Any) -> str:
    log.seek(0)
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word."

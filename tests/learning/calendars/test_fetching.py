from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.learning.calendars.fetching import Fetched, fetch
from tests.learning.calendars.samples import asked, calendar, event, span


def test_another_process_reads_a_calendar(tmp_path: Path) -> None:
    path = tmp_path / "calendar.ics"
    path.write_text(calendar(event(), event(start="nonsense", uid="2")))
    assert fetch(asked(address=str(path))) == Fetched((span("2026-06-10", "12:00", "13:00"),), 1)


def test_its_errors_come_back_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CalendarError) as caught:
        fetch(asked(address=str(tmp_path / "missing.ics")))
    assert (caught.value.cause, caught.value.next_step) == (
        "There is no calendar file missing.ics.",
        "Check calendar.address.",
    )


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "calendar.ics"
    path.write_text(
        calendar(event("RRULE:FREQ=HOURLY;BYSECOND=0,1,2,3,4,5,6,7,8,9", start="00010101T000000Z"))
    )
    with pytest.raises(CalendarError, match=r"longer than 0\.05 s"):
        fetch(asked(address=str(path)), seconds=0.05)


def test_modules_in_the_working_folder_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "calendar.ics").write_text(calendar(event()))
    (tmp_path / "json.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    assert fetch(asked(address="calendar.ics")).spans


def test_a_calendar_of_no_kind_is_refused() -> None:
    with pytest.raises(CalendarError, match="no kind of calendar"):
        fetch(asked(kind="paper"))

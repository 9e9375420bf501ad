import pytest

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.learning.calendars.ics import away_by
from metaclaw_jlab.learning.signals.hours import Span
from tests.learning.calendars.samples import asked, at, calendar, event, span

MEETING = span("2026-06-10", "12:00", "13:00")  # the event of `event()` in Berlin
CUSTOM_ZONE = "\r\n".join(
    [
        "BEGIN:VTIMEZONE",
        "TZID:Office",
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:-0500",
        "END:STANDARD",
        "END:VTIMEZONE",
    ]
)


def away(*parts: str, **more: object) -> tuple[Span, ...]:
    return away_by([calendar(*parts)], asked(**more))[0]  # type: ignore[arg-type]


def test_an_event_says_away() -> None:
    assert away(event()) == (MEETING,)


@pytest.mark.parametrize(
    "line",
    [
        "STATUS:CANCELLED",
        "TRANSP:TRANSPARENT",
        "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
        "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",
    ],
)
def test_an_event_that_is_cancelled_or_shown_as_free_does_not(line: str) -> None:
    assert away(event(line)) == ()


@pytest.mark.parametrize("line", ["STATUS:TENTATIVE", "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"])
def test_a_tentative_event_counts_only_where_the_user_wants(line: str) -> None:
    assert (away(event(line)), away(event(line), tentative=True)) == ((), (MEETING,))


@pytest.mark.parametrize(
    ("reply", "expected"), [("ACCEPTED", (MEETING,)), ("DECLINED", ()), ("NEEDS-ACTION", ())]
)
def test_an_invitation_counts_as_it_was_answered(reply: str, expected: tuple[Span, ...]) -> None:
    line = f"ATTENDEE;PARTSTAT={reply}:mailto:Me@example.org"
    others = "ATTENDEE;PARTSTAT=DECLINED:mailto:you@example.org"
    assert away(event(line, others), user="me@example.org") == expected


def test_a_whole_day_counts_only_out_of_office() -> None:
    day = event(start="20260610", end="20260611").replace("DTSTART:", "DTSTART;VALUE=DATE:")
    assert away(day) == ()
    holiday = day.replace("END:VEVENT", "X-MICROSOFT-CDO-BUSYSTATUS:OOF\r\nEND:VEVENT")
    assert away(holiday) == ((at("2026-06-10"), at("2026-06-11")),)


def test_a_time_without_zone_is_the_users() -> None:
    assert away(event(start="20260610T120000", end="20260610T130000")) == (MEETING,)


def test_a_time_of_another_zone_is_turned() -> None:
    text = event(start="20260610T060000", end="20260610T070000")
    assert away(
        text.replace("DTSTART:", "DTSTART;TZID=America/New_York:").replace(
            "DTEND:", "DTEND;TZID=America/New_York:"
        )
    ) == (MEETING,)


def test_a_zone_that_the_calendar_defines_is_used() -> None:
    text = event(start="20260610T050000", end="20260610T060000")
    turned = text.replace("DTSTART:", "DTSTART;TZID=Office:").replace("DTEND:", "DTEND;TZID=Office:")
    assert away(CUSTOM_ZONE, turned) == (MEETING,)


def test_an_event_may_give_its_length() -> None:
    assert away(event("DURATION:PT1H", end="")) == (MEETING,)


def test_an_event_without_end_takes_no_time() -> None:
    assert away(event(end="")) == ()


def test_a_series_recurs_over_the_change_of_clocks_at_the_same_hour() -> None:
    series = event("RRULE:FREQ=WEEKLY", start="20260105T120000", end="20260105T130000")
    found = away(
        series.replace("DTSTART:", "DTSTART;TZID=Europe/Berlin:").replace(
            "DTEND:", "DTEND;TZID=Europe/Berlin:"
        ),
        since="2026-10-18",
        until="2026-11-01",
    )
    assert found == (span("2026-10-19", "12:00", "13:00"), span("2026-10-26", "12:00", "13:00"))


def test_a_series_leaves_out_its_exceptions() -> None:
    series = event("RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260611T100000Z")
    assert away(series) == (MEETING, span("2026-06-12", "12:00", "13:00"))


def test_a_moved_event_of_a_series_is_where_it_was_moved_to() -> None:
    series = event("RRULE:FREQ=DAILY;COUNT=2")
    moved = event("RECURRENCE-ID:20260611T100000Z", start="20260611T140000Z", end="20260611T150000Z")
    assert away(series, moved) == (MEETING, span("2026-06-11", "16:00", "17:00"))


def test_a_series_that_ended_is_over() -> None:
    assert away(event("RRULE:FREQ=DAILY;UNTIL=20260105T100000Z", start="20260101T100000Z", end="")) == ()


def test_a_long_event_is_clipped_to_what_is_wanted() -> None:
    assert away(event(start="20260501T080000Z", end="20260701T080000Z")) == (
        (at("2026-06-08"), at("2026-06-15")),
    )


def test_events_that_touch_are_one() -> None:
    next_one = event(start="20260610T110000Z", end="20260610T120000Z", uid="2")
    assert away(event(), next_one) == (span("2026-06-10", "12:00", "14:00"),)


def test_alarms_and_other_entries_are_none_of_it() -> None:
    alarm = "BEGIN:VALARM\r\nTRIGGER:nonsense\r\nDTSTART:20260612T100000Z\r\nEND:VALARM"
    to_do = event(uid="3", start="20260612T100000Z", end="").replace("VEVENT", "VTODO")
    assert away(event(alarm), to_do) == (MEETING,)


def test_folded_lines_are_joined() -> None:
    assert away(event().replace("DTSTART:2026", "DTSTART:20\r\n 26")) == (MEETING,)


def test_an_event_that_breaks_the_rules_spoils_no_other() -> None:
    broken = [
        event(start="nonsense", uid="a"),
        "BEGIN:VEVENT\r\nUID:b\r\nEND:VEVENT",
        event("RRULE:FREQ=SOMETIMES", uid="c"),
        event("a line without a colon", start="20260610T996100Z", uid="d"),
        event("RRULE:FREQ=SECONDLY", uid="e"),
    ]
    spans, unreadable = away_by([calendar(*broken, event())], asked())
    assert (spans, unreadable) == ((MEETING,), 5)


@pytest.mark.parametrize(
    "text", ["", "<!doctype html><title>Sign in</title>", "BEGIN:VCARD\nEND:VCARD", "\0"]
)
def test_what_is_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(CalendarError):
        away_by([text], asked())


def test_a_calendar_that_is_cut_off_gives_what_is_whole() -> None:
    text = calendar(event(), event(uid="2", start="20260611T100000Z", end="20260611T110000Z"))
    assert away_by([text[: text.rindex("DTEND")]], asked())[0] == (MEETING,)


def test_of_many_events_only_those_of_the_time_are_parsed() -> None:
    past = [
        event(uid=f"p{number}", start="20200101T100000Z", end="20200101T110000Z") for number in range(20_000)
    ]
    assert away(*past, event()) == (MEETING,)

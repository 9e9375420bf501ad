"""Whether a calendar says that its owner is away from the notebook."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Mapping

from metaclaw_jlab.core.config import CalendarSettings
from metaclaw_jlab.core.errors import CalendarError, ConfigError
from metaclaw_jlab.core.hours import find_zone
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.learning.calendars.fetching import Fetched, fetch
from metaclaw_jlab.learning.calendars.wanted import Wanted
from metaclaw_jlab.learning.signals.hours import next_start, within
from metaclaw_jlab.learning.signals.phrases import moment, span
from metaclaw_jlab.learning.signals.sampling import Beside, on_a_thread

DAY = 86_400.0
BEFORE_SECONDS, AHEAD_SECONDS = DAY, 8 * DAY
STALE_SECONDS = DAY  # what was fetched longer ago says nothing
RETRY_SECONDS = 120.0


def wanted_of(
    settings: CalendarSettings, zone: str, now: float, environment: Mapping[str, str] = os.environ
) -> Wanted:
    """What these settings ask of a calendar now. Raises CalendarError where the variable of the password is not set."""
    secret = environment.get(settings.key_env, "").strip() if settings.key_env else ""
    if settings.key_env and not secret:
        raise CalendarError(
            f"The environment variable {settings.key_env} is not set.",
            "Set it where Jupyter is started, or name another as calendar.key_env.",
        )
    return Wanted(
        kind=settings.kind,
        address=settings.address,
        since=now - BEFORE_SECONDS,
        until=now + AHEAD_SECONDS,
        user=settings.user,
        tentative=settings.tentative,
        zone=zone,
        secret=secret or None,
    )


class Calendar:
    """Gives a reason to train while an event lasts, and forbids nothing. It is fetched beside, every refresh_minutes;
    while that fails, what was known holds for a day. `zone` is the name of the user's time zone."""

    name = "calendar"

    def __init__(
        self,
        settings: Callable[[], CalendarSettings],
        zone: Callable[[], str],
        *,
        fetch: Callable[[Wanted], Fetched] = fetch,
        clock: Callable[[], float] = time.time,
        start: Callable[[Callable[[], None]], None] = on_a_thread,
    ) -> None:
        self._settings = settings
        self._zone = zone
        self._fetch = fetch
        self._clock = clock
        self._asked: tuple[CalendarSettings, str] | None = None
        self._beside: Beside[Fetched] = Beside(
            self._look,
            lambda: settings().refresh_minutes * 60,
            retry_seconds=RETRY_SECONDS,
            clock=clock,
            start=start,
        )

    def read(self) -> Reading:
        """Idle while an event lasts and busy outside, each with when it ends; unknown where it cannot be fetched."""
        asked = (self._settings(), self._zone())
        if asked[0].kind == "none":
            return self._reading(SignalState.UNKNOWN, "No calendar is set (calendar.kind).")
        if asked != self._asked:
            self._beside.forget()
            self._asked = asked
        self._beside.refresh()
        found, at, trouble = self._beside.found, self._beside.at, self._beside.trouble
        now = self._clock()
        if found is None or at is None:
            told = f"The calendar cannot be read: {trouble}" if trouble else "The calendar is being fetched."
            return self._reading(SignalState.UNKNOWN, told)
        if not -DAY < now - at < STALE_SECONDS:
            told = f"The calendar was last read {span(now - at)} ago: {trouble or 'it is being fetched.'}"
            return self._reading(SignalState.UNKNOWN, told)
        return self._told(found, now, f" (as of {span(now - at)} ago: {trouble})" if trouble else "")

    def _told(self, found: Fetched, now: float, doubt: str) -> Reading:
        zone = self._user_zone()
        if (event := within(found.spans, now)) is not None:
            until = moment(event[1], now, zone)
            return self._reading(SignalState.IDLE, f"You are away until {until}{doubt}.", event[1])
        begins = next_start(found.spans, now)
        told = (
            f"No event now; the next begins {moment(begins, now, zone)}" if begins else "No event in a week"
        )
        left_out = f"; {found.unreadable} cannot be read" if found.unreadable else ""
        return self._reading(SignalState.BUSY, f"{told}{left_out}{doubt}.", begins)

    def _look(self) -> Fetched:
        return self._fetch(wanted_of(self._settings(), self._zone(), self._clock()))

    def _user_zone(self) -> datetime.tzinfo | None:
        try:
            return find_zone(self._zone())
        except ConfigError:
            return None

    def _reading(self, state: SignalState, sentence: str, until: float | None = None) -> Reading:
        return Reading(self.name, state, sentence, opens=True, vetoes=False, until=until)

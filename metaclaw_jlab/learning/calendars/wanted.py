"""What is asked of a calendar, and which of its events say that somebody is away."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import urlsplit

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.settings.address import is_loopback

NETWORK_SECONDS = 20.0
MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calendar, and from when to when (seconds since the epoch). `secret`: a password, or for Google the path of
    the credentials. Times without a zone are those of `zone` (see scheduler.timezone)."""

    kind: str
    address: str
    since: float
    until: float
    user: str | None = None
    tentative: bool = False
    zone: str = ""
    secret: str | None = field(default=None, repr=False)

    @property
    def where(self) -> str:
        """The place in a sentence, without what may be secret in a URL."""
        address = self.address.strip()
        if "://" in address:
            return _host(address) or "the calendar's address"
        return address if self.kind == "google" else PurePath(address).name or "the calendar"


def says_away(
    wanted: Wanted, *, cancelled: bool, free: bool, tentative: bool, all_day: bool, out_of_office: bool
) -> bool:
    """Whether an event keeps its owner from working. One that lasts all day does only where it says out of office:
    most of them are birthdays and reminders."""
    if cancelled or free or (tentative and not wanted.tentative):
        return False
    return out_of_office or not all_day


def check_private(wanted: Wanted) -> None:
    """Raises CalendarError where a password would go over the network in the clear."""
    if wanted.secret and wanted.address.lower().startswith("http://") and not _near(wanted.address):
        raise CalendarError(
            f"The password of the calendar at {wanted.where} would be sent in the clear.",
            "Give an https:// address as calendar.address.",
        )


def _near(address: str) -> bool:
    host = _host(address)
    return bool(host) and is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}")


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""

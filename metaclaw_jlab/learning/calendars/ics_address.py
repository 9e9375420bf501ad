"""The text of an .ics calendar in a file or at a URL."""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from metaclaw_jlab.core.errors import CalendarError
from metaclaw_jlab.learning.calendars.wanted import MOST_BYTES, NETWORK_SECONDS, Wanted, check_private

_CHECK = "Check calendar.address."


def read_ics(wanted: Wanted, *, most_bytes: int = MOST_BYTES, seconds: float = NETWORK_SECONDS) -> str:
    """The text. Raises CalendarError where it cannot be had or is too large."""
    address = wanted.address.strip()
    if not address:
        raise CalendarError("No calendar is named.", "Set calendar.address to an .ics file or URL.")
    if address.lower().startswith(("webcal://", "webcals://")):
        address = "https://" + address.split("://", 1)[1]
    if address.lower().startswith(("http://", "https://")):
        data = _from_network(wanted, address, most_bytes, seconds)
    elif "://" in address and not address.lower().startswith("file://"):
        raise CalendarError("calendar.address is neither a file nor an http address.", _CHECK)
    else:
        path = urllib.request.url2pathname(urlsplit(address).path) if "://" in address else address
        data = _from_file(wanted, Path(path).expanduser(), most_bytes)
    if len(data) > most_bytes:
        raise CalendarError(
            f"The calendar at {wanted.where} is larger than {most_bytes >> 20} MB.",
            "Export only the current year of it, or subscribe to a smaller one.",
        )
    return data.decode("utf-8", errors="replace")


def _from_file(wanted: Wanted, path: Path, most_bytes: int) -> bytes:
    try:
        if not path.is_file():
            raise CalendarError(f"There is no calendar file {wanted.where}.", _CHECK)
        with path.open("rb") as file:
            return file.read(most_bytes + 1)
    except OSError as error:
        if isinstance(error, CalendarError):
            raise
        raise CalendarError(f"{wanted.where} cannot be read ({error.strerror}).", _CHECK) from error


def _from_network(wanted: Wanted, address: str, most_bytes: int, seconds: float) -> bytes:
    check_private(wanted)
    try:
        request = urllib.request.Request(address, headers={"Accept": "text/calendar"})
    except ValueError as error:
        raise CalendarError("calendar.address is no URL.", _CHECK) from error
    if wanted.user and wanted.secret:
        token = base64.b64encode(f"{wanted.user}:{wanted.secret}".encode()).decode("ascii")
        request.add_unredirected_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.build_opener(_Redirects()).open(request, timeout=seconds) as answer:
            data: bytes = answer.read(most_bytes + 1)
            return data
    except urllib.error.HTTPError as error:
        advice = "Set calendar.user and calendar.key_env." if error.code in (401, 403) else _CHECK
        raise CalendarError(f"{wanted.where} answers with status {error.code}.", advice) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise CalendarError(f"{wanted.where} cannot be reached ({reason}).", f"{_CHECK} Is it up?") from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows only to where it is as private, and never to another kind of address."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise urllib.error.HTTPError(req.full_url, code, "redirected to elsewhere", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]

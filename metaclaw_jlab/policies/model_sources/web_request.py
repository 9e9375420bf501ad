"""Requests to the hub: its token goes to its own origin only, whatever is redirected where."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, cast
from urllib.parse import urlsplit

from metaclaw_jlab.core.errors import FetchRefused
from metaclaw_jlab.settings.address import is_loopback

SECONDS = 15.0  # without a byte

# What goes wrong on the way, of which a later try may be spared. A URLError, a time-out, a reset are OSErrors.
LINE_ERRORS = (OSError, HTTPException)


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub answers, and the token for it ("" where the user has none)."""

    endpoint: str
    token: str = field(default="", repr=False)


def ask(hub: Hub, url: str, *, start: int = 0) -> HTTPResponse:
    """The answer to a GET, from byte `start` on. Raises HTTPError, and what else LINE_ERRORS names."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    if hub.token and _trusted(hub, url):
        request.add_unredirected_header("Authorization", f"Bearer {hub.token}")
    opener = urllib.request.build_opener(_Redirects(hub))
    return cast(HTTPResponse, opener.open(request, timeout=SECONDS))


def refusal(hub: Hub, repository: str, what: str, error: urllib.error.HTTPError) -> FetchRefused | None:
    """What the hub's status means to the user; None for one that may pass (too many requests, a broken server)."""
    if _place(error.url) != _place(hub.endpoint):
        return None  # where it keeps its files: an address of that may have expired
    code = error.headers.get("X-Error-Code", "") if error.headers else ""
    page = f"{hub.endpoint}/{repository}"
    if code == "GatedRepo" or (error.code == 403 and code != "DisabledRepo"):
        return FetchRefused(
            f"The hub gives {repository} only to those who accepted its terms.",
            f"Accept them at {page}, and put a token of yours into HF_TOKEN.",
        )
    if error.code == 401 and hub.token:
        return FetchRefused(
            f"The hub does not accept the token, or has no {repository}.",
            "Check the name, and renew the token in HF_TOKEN.",
        )
    if error.code == 401:
        return FetchRefused(
            f"The hub wants a login for {repository}, or does not have it.",
            "Check the name, and put a token into HF_TOKEN.",
        )
    if error.code == 404:
        return FetchRefused(f"The hub has no {what} in {repository}.", "Check the name.")
    if error.code in {408, 425, 429} or error.code >= 500:
        return None
    return FetchRefused(f"The hub refused {repository} (HTTP {error.code}).", f"Look at {page}.")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https; the token comes along within the hub's own origin."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request."""
        if urlsplit(newurl).scheme == "http" and urlsplit(req.full_url).scheme == "https":
            raise FetchRefused(f"The hub sends on to {_host(newurl)} without encryption.", "Try again later.")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and self._hub.token and _trusted(self._hub, newurl):
            following.add_unredirected_header("Authorization", f"Bearer {self._hub.token}")
        return following


def _trusted(hub: Hub, url: str) -> bool:
    """Whether the token may go there: to the hub itself, not in the clear over a network."""
    return _place(url) == _place(hub.endpoint) and (url.startswith("https://") or is_loopback(hub.endpoint))


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _host(url: str) -> str:
    return urlsplit(url).hostname or "another host"

"""The address of an endpoint: its base URL in one form, and the origin (scheme, host, port) that keys are bound to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from metaclaw_jlab.core.errors import UsageMistake

_EXAMPLE = "Give one such as http://localhost:11434/v1."
_RESOURCES = ("/chat/completions", "/completions", "/responses", "/models")
_HOST = re.compile(r"[\w.:%-]+\Z")
_PORTS = {"http": 80, "https": 443}
_PRIVATE_ENDINGS = (".local", ".lan", ".internal", ".localhost", ".home.arpa")


def normalise(text: str) -> str:
    """The base URL meant by `text`: with a scheme, without a resource or slash at the end. Raises UsageMistake."""
    parts = _split(text)
    path = parts.path.rstrip("/")
    for resource in _RESOURCES:
        path = path.removesuffix(resource)
    return _origin(parts) + path.rstrip("/")


def origin(text: str) -> str:
    """`scheme://host[:port]` of a URL, in lower case, without the scheme's own port. Raises UsageMistake."""
    return _origin(_split(text))


def is_loopback(text: str) -> bool:
    """Whether a URL leads to this machine."""
    host = _split(text).hostname or ""
    address = _ip(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _split(text: str) -> SplitResult:
    url = text.strip()
    if "://" not in url:
        url = f"{_guessed_scheme(url)}://{url}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageMistake(f"The base URL cannot be read: {error}.", _EXAMPLE) from None
    if parts.username is not None or parts.password is not None:
        raise UsageMistake(
            "The base URL holds a user name or key.",
            "Leave it out; name an environment variable with --key-env instead.",
        )
    if (
        parts.scheme not in _PORTS
        or not _HOST.match(parts.hostname or "")
        or port == 0
        or re.search(r"\s", url)
    ):
        raise UsageMistake(f"{text.strip()!r} is no base URL.", _EXAMPLE)
    if parts.query or parts.fragment:
        raise UsageMistake(
            "The base URL has a query or a fragment.", f"Leave out what follows its path. {_EXAMPLE}"
        )
    return parts


def _origin(parts: SplitResult) -> str:
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    suffix = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{suffix}"


def _guessed_scheme(url: str) -> str:
    """https for a public name without a port, so that nothing goes out in the clear by omission."""
    authority = url.split("/", 1)[0]
    host = authority.rpartition("@")[2].lower()
    if ":" in host or "." not in host or _ip(host) or host.endswith(_PRIVATE_ENDINGS):
        return "http"
    return "https"


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None

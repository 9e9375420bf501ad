"""Finding the active host of a home, and asking it. It publishes itself in `runtime/host.json`."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.runtime.home import OPEN_TO_OTHERS, Home, replace_private
from metaclaw_jlab.runtime.processes import boot_id, host_name, process_alive, start_ticks

LEASE = "host"
SECRET_HEADER = "X-Metaclaw-Secret"
ASK_SECONDS = 1.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedHost:
    """The active host of a home: the URL of its Jupyter server (with base URL and a slash at its end, "" where it has
    none), the secret of this home's processes, and the UDP port of its activity line (0: none)."""

    url: str
    secret: str = field(repr=False)
    home: str
    host: str
    pid: int
    boot_id: str
    start_ticks: int
    activity_port: int
    started_at: float


def host_file(home: Home) -> Path:
    """Where the active host publishes itself."""
    return home.runtime / "host.json"


def publish(home: Home, url: str, activity_port: int = 0, *, secret: str | None = None) -> PublishedHost:
    """Called by the process that holds the lease. Raises HomeRefused where the home is gone, OSError."""
    pid = os.getpid()
    record = PublishedHost(
        url=url,
        secret=secret or secrets.token_urlsafe(32),
        home=home.id,
        host=host_name(),
        pid=pid,
        boot_id=boot_id(),
        start_ticks=start_ticks(pid),
        activity_port=activity_port,
        started_at=time.time(),
    )
    replace_private(host_file(home), json.dumps(asdict(record)))
    return record


def withdraw(home: Home) -> None:
    """Called by the host at its end: removes the publication where it is this process's."""
    found = _read(home)
    if found is not None and (found.pid, found.boot_id) == (os.getpid(), boot_id()):
        host_file(home).unlink(missing_ok=True)


def published(home: Home) -> PublishedHost | None:
    """The active host, where it runs on this machine and serves this home."""
    found = _read(home)
    if found is None or found.boot_id != boot_id():
        return None
    try:
        same_home = found.home == home.id
    except MetaclawError:
        return None
    return found if same_home and process_alive(found.pid, started=found.start_ticks) else None


def ask(
    home: Home,
    path: str,
    body: Mapping[str, object] | None = None,
    *,
    seconds: float = ASK_SECONDS,
) -> object | None:
    """What the active host answers under `metaclaw/api/` to a POST of `body` (without one to a GET), as JSON.

    None where there is no host, it refuses, or it does not answer in time: who asks goes on without it.
    """
    import http.client
    import urllib.request

    found = published(home)
    if found is None or urlsplit(found.url).hostname not in LOOPBACK:
        return None
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{found.url}metaclaw/api/{path}",
        data=data,
        headers={SECRET_HEADER: found.secret, "Content-Type": "application/json"},
    )
    # A proxy of the environment has no business on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=seconds) as answer:
            return json.loads(answer.read()) if answer.status == 200 else None
    except (OSError, ValueError, http.client.HTTPException):
        return None


def _read(home: Home) -> PublishedHost | None:
    path = host_file(home)
    try:
        status = path.stat()
        record = json.loads(path.read_text(encoding="utf-8"))
        found = PublishedHost(
            url=str(record["url"]),
            secret=str(record["secret"]),
            home=str(record["home"]),
            host=str(record["host"]),
            pid=int(record["pid"]),
            boot_id=str(record["boot_id"]),
            start_ticks=int(record["start_ticks"]),
            activity_port=int(record["activity_port"]),
            started_at=float(record["started_at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    private = sys.platform == "win32" or not status.st_mode & OPEN_TO_OTHERS
    return found if private else None

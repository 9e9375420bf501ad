"""Finding, starting and stopping the local policy server of a home. It is published in `runtime/policy.json`."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import LeaseHeld, ServerStartFailed
from metaclaw_jlab.runtime.home import OPEN_TO_OTHERS, Home, replace_private
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.runtime.processes import boot_id, process_alive, start_ticks
from metaclaw_jlab.runtime.server_refusal import forget_refusal, refusal

LEASE = "policy-server"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
HEALTH_SECONDS = 5.0
ADAPTER_SECONDS = 60.0  # loading a large one, the hash over its base included
STOP_SECONDS = 10.0
ROOM_SECONDS = (
    60.0  # that answers under way are given to end before the server makes room for another model's
)
ROOM_POLL_SECONDS = 0.25
POLL_SECONDS = 0.05
TAIL_LINES = 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the policy server answers (`base_url` ends with /v1), its token, the model it was asked for, its pid.

    `form` is what it serves the model from: "gguf" (llama.cpp) or "safetensors" (torch).
    """

    base_url: str
    token: str = field(repr=False)
    model: str
    pid: int
    form: str = "safetensors"


class Health(StrEnum):
    """How the published server of a home is."""

    WELL = "well"
    SILENT = "silent"  # its process lives, and does not answer
    GONE = "gone"  # its process ended without a word


def policy_file(home: Home) -> Path:
    """Where the server publishes itself once its model answers."""
    return home.runtime / "policy.json"


def log_file(home: Home) -> Path:
    """What the server writes, from its last start on."""
    return home.runtime / "policy.log"


def publish(home: Home, endpoint: Endpoint) -> None:
    """Called by the server when its model answers. `endpoint.model` is the name it was asked for, as it was given."""
    record = {
        "base_url": endpoint.base_url,
        "token": endpoint.token,
        "model": endpoint.model,
        "pid": endpoint.pid,
        "form": endpoint.form,
        "boot_id": boot_id(),
        "started_at": time.time(),
        "start_ticks": start_ticks(endpoint.pid),
        "version": _installed_version(),
    }
    replace_private(policy_file(home), json.dumps(record))


def withdraw(home: Home, pid: int) -> None:
    """Called by the server at its end: removes the publication where it is its own."""
    published = _published(home)
    if published is not None and published[0].pid == pid:
        policy_file(home).unlink(missing_ok=True)


def running(home: Home) -> Endpoint | None:
    """The server of this home, where one runs and answers."""
    published = _published(home)
    if published is None:
        return None
    endpoint, started = published
    return endpoint if process_alive(endpoint.pid, started=started) and _healthy(endpoint) else None


def health(home: Home) -> tuple[Endpoint, Health] | None:
    """The server that is published for this boot and how it is; None where none is. It takes HEALTH_SECONDS at most."""
    published = _published(home)
    if published is None:
        return None
    endpoint, started = published
    if not process_alive(endpoint.pid, started=started):
        return endpoint, Health.GONE
    return endpoint, Health.WELL if _healthy(endpoint) else Health.SILENT


def version(home: Home) -> str | None:
    """The version of the package that the server of this home runs; None where none runs, or one that never said."""
    if process(home) is None:
        return None
    try:
        found = json.loads(policy_file(home).read_text(encoding="utf-8")).get("version")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def process(home: Home) -> int | None:
    """The process of the server that is published, where it lives; whether it answers is not asked."""
    published = _published(home)
    if published is None or not process_alive(published[0].pid, started=published[1]):
        return None
    return published[0].pid


def ensure(
    home: Home,
    model: str,
    *,
    form: str = "auto",
    start_seconds: float = 120.0,
    on_progress: Callable[[str], None] | None = None,
    options: Sequence[str] = (),
    command: Sequence[str] | None = None,
) -> Endpoint:
    """The server of `model`, started where none runs; one that serves another model is stopped first, when it has
    answered whom it answers just now (a minute at most).

    `form` is "gguf" or "safetensors" where only that will do; with "auto" what runs already serves in either.
    Of two callers one starts it and the other waits. `on_progress` gets the server's log line by line. `options` are
    for the server's command line; a server that runs already keeps its own.
    Raises ModelUnusable, ServerStartFailed, LeaseHeld. An exception meanwhile, Ctrl-C too, ends what was started.
    """
    if Path(model).exists() and not _has_name(home, model):
        model = str(Path(model).absolute())
    if (endpoint := _serving(home, model, form)) is not None:
        return endpoint
    most = ROOM_SECONDS + STOP_SECONDS + start_seconds
    try:
        with lease(home, LEASE, wait_seconds=most, valid_seconds=most):
            if (endpoint := _serving(home, model, form)) is not None:
                return endpoint
            _let_finish(home, on_progress)
            _stop(home)
            started = [*(command or server_command(home, model, form)), *options]
            return _start(home, model, started, start_seconds, on_progress)
    except LeaseHeld as error:
        raise ServerStartFailed(
            "Another process has been starting the policy server for too long.", f"Look at {log_file(home)}."
        ) from error


def stop(home: Home) -> bool:
    """Stop the server of this home, and say whether there was one. Raises LeaseHeld while one is being started."""
    with lease(home, LEASE, wait_seconds=STOP_SECONDS):
        return _stop(home)


def adapters(home: Home) -> dict[str, Any] | None:
    """Which versions the running server has loaded and refused (GET /v1/adapters), None where none answers."""
    return _told(home, "GET", "/adapters")


def refresh_adapters(home: Home) -> dict[str, Any] | None:
    """Have the running server serve at once what the store says, and tell what it has then; None where none answers.

    It looks by itself once a second; refused adapters are tried again only when they change, or here.
    """
    return _told(home, "POST", "/adapters/refresh")


def server_command(home: Home, model: str, form: str = "auto") -> list[str]:
    """The command line of a server of `model`."""
    module = "metaclaw_jlab.engines.policy_server"
    # -P: what lies in the working folder is the user's, and no module of the server's.
    words = [sys.executable, "-P", "-m", module, "--home", str(home.path)]
    return [*words, "--model", model, "--form", form]


def _has_name(home: Home, model: str) -> bool:
    """Whether this is the name of a model, whatever lies under that name in the working folder."""
    return model == EMBEDDED_MODEL or (home.root / "models" / model.lower()).is_dir()


def _serving(home: Home, model: str, form: str) -> Endpoint | None:
    endpoint = running(home)
    fits = endpoint is not None and endpoint.model == model and form in {"auto", endpoint.form}
    return endpoint if fits else None


def _installed_version() -> str | None:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("metaclaw-jlab")
    except PackageNotFoundError:
        return None


def _published(home: Home) -> tuple[Endpoint, int] | None:
    path = policy_file(home)
    try:
        status = path.stat()
        record = json.loads(path.read_text(encoding="utf-8"))
        endpoint = Endpoint(
            str(record["base_url"]),
            str(record["token"]),
            str(record["model"]),
            int(record["pid"]),
            str(record.get("form", "safetensors")),
        )
        started = int(record.get("start_ticks", 0))
        same_boot = record["boot_id"] == boot_id()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    private = sys.platform == "win32" or not status.st_mode & OPEN_TO_OTHERS
    local = urlsplit(endpoint.base_url).hostname in LOOPBACK
    return (endpoint, started) if private and local and same_boot else None


def _healthy(endpoint: Endpoint) -> bool:
    return _health(endpoint) is not None


def _health(endpoint: Endpoint) -> bytes | None:
    parts = urlsplit(endpoint.base_url)
    return _answer(endpoint, "GET", f"{parts.scheme}://{parts.netloc}/health", HEALTH_SECONDS)


def _busy(endpoint: Endpoint) -> bool:
    """Whether it answers somebody just now."""
    try:
        told = json.loads(_health(endpoint) or b"{}")
        return bool(told.get("running") or told.get("waiting"))
    except (ValueError, AttributeError):
        return False


def _let_finish(home: Home, on_progress: Callable[[str], None] | None) -> None:
    """Wait while the server that has to make room answers somebody, another notebook for example."""
    endpoint = running(home)
    deadline, told = time.monotonic() + ROOM_SECONDS, False
    while endpoint is not None and time.monotonic() < deadline and _busy(endpoint):
        if on_progress is not None and not told:
            on_progress(f"{endpoint.model} ends an answer of another task first")
        told = True
        time.sleep(ROOM_POLL_SECONDS)


def _told(home: Home, method: str, path: str) -> dict[str, Any] | None:
    endpoint = running(home)
    if endpoint is None:
        return None
    found = _answer(endpoint, method, endpoint.base_url + path, ADAPTER_SECONDS)
    try:
        body = json.loads(found) if found is not None else None
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _answer(endpoint: Endpoint, method: str, url: str, timeout: float) -> bytes | None:
    request = urllib.request.Request(
        url, headers={"Authorization": f"Bearer {endpoint.token}"}, method=method
    )
    # A proxy of the environment has no business on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            body: bytes = answer.read()
            return body if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None


def _stop(home: Home) -> bool:
    published = _published(home)
    policy_file(home).unlink(missing_ok=True)
    if published is None:
        return False
    endpoint, started = published
    if not process_alive(endpoint.pid, started=started):
        return False
    for sign in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        try:
            os.kill(endpoint.pid, sign)
        except OSError:
            return True
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if not process_alive(endpoint.pid, started=started):
                return True
            time.sleep(POLL_SECONDS)
    return True


def _start(
    home: Home,
    model: str,
    command: Sequence[str],
    start_seconds: float,
    on_progress: Callable[[str], None] | None,
) -> Endpoint:
    log = log_file(home)
    forget_refusal(home)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=descriptor, stderr=descriptor, start_new_session=True
        )
    except OSError as error:
        raise ServerStartFailed(f"The policy server cannot be started ({error}).", "") from error
    finally:
        os.close(descriptor)
    try:
        endpoint = _await(home, model, process, start_seconds, on_progress)
    except BaseException:
        process.kill()
        process.wait()
        raise
    # Whoever started it has to collect it when it ends, long after this call.
    threading.Thread(target=process.wait, name="metaclaw-policy-server-end", daemon=True).start()
    return endpoint


def _await(
    home: Home,
    model: str,
    process: subprocess.Popen[bytes],
    start_seconds: float,
    on_progress: Callable[[str], None] | None,
) -> Endpoint:
    log = log_file(home)
    deadline = time.monotonic() + start_seconds
    with log.open(encoding="utf-8", errors="replace") as file:
        pending = ""
        while True:
            ended = process.poll() is not None
            *lines, pending = (pending + file.read()).split("\n")
            for line in filter(str.strip, lines):
                if on_progress is not None:
                    on_progress(line.rstrip())
            endpoint = running(home)
            if endpoint is not None:
                return endpoint
            if ended:
                raise refusal(home) or ServerStartFailed(
                    f"The policy server for {model!r} ended with code {process.returncode} while it started.",
                    _advice(log),
                )
            if time.monotonic() > deadline:
                raise ServerStartFailed(
                    f"The policy server for {model!r} did not answer within {start_seconds:g} s.",
                    _advice(log),
                )
            time.sleep(POLL_SECONDS)


def _advice(log: Path) -> str:
    with log.open(encoding="utf-8", errors="replace") as file:
        tail = "".join(deque(file, TAIL_LINES)).rstrip()
    return f"The end of its log ({log}):\n{tail}" if tail else f"It wrote nothing to {log}."

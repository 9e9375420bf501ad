"""An instance as the front sees it: where it answers, who is asking it, and that it is started again when it breaks."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from metaclaw_jlab.core.errors import MetaclawError, ModelUnusable
from metaclaw_jlab.engines.llama_cpp.child import Child
from metaclaw_jlab.engines.llama_cpp.instance import Setup
from metaclaw_jlab.engines.llama_cpp.system_message import Message, must_fold

_log = logging.getLogger(__name__)
CALM_SECONDS = 60.0  # one that breaks again within is given up
RENDER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where an instance listens, its key, and whether its template wants system messages folded."""

    host: str
    port: int
    key: str = field(repr=False)
    folds: bool


class RunningInstance:
    """One loaded version, or the base. `given_up` is told why when its process breaks for good; any thread may call.

    The constructor returns when it answers. Raises ModelUnusable.
    """

    def __init__(
        self,
        setup: Setup,
        given_up: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.setup = setup
        self._given_up = given_up
        self._clock = clock
        self._lock = threading.Lock()
        self._asking = 0
        self._retired = False
        self._broke = float("-inf")
        self._last = clock()
        self._where = _promised()
        self._child = Child(setup, self._over)
        self._arrive(self._child, self._where)
        if error := self._where.exception():
            self._retired = True
            self._child.stop()
            raise error

    @property
    def pid(self) -> int:
        """The process that serves now."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._child.alive

    @property
    def asking(self) -> int:
        """How many requests it answers."""
        return self._asking

    @property
    def where(self) -> Future[Address]:
        """Its address, when it answers (again); the error where it does not."""
        return self._where

    def enter(self) -> bool:
        """Count a request in; false where the instance is being let go."""
        with self._lock:
            if self._retired:
                return False
            self._asking += 1
            return True

    def leave(self) -> None:
        """Count it out."""
        with self._lock:
            self._asking -= 1
            self._last = self._clock()
            over = self._retired and self._asking == 0
        if over:
            self._stop_aside()

    def idle_seconds(self) -> float:
        """Since when nobody asks; 0 while somebody does."""
        with self._lock:
            return 0.0 if self._asking else self._clock() - self._last

    def retire(self) -> None:
        """Take no more requests, and end when the last one under way has its answer."""
        with self._lock:
            first, self._retired = not self._retired, True
            over = first and self._asking == 0
        if over:
            self._stop_aside()

    def stop(self) -> None:
        """End now."""
        with self._lock:
            self._retired = True
            child = self._child
        child.stop()

    def _stop_aside(self) -> None:
        threading.Thread(target=self._child.stop, name="llama.cpp end").start()

    def _arrive(self, child: Child, where: Future[Address]) -> None:
        try:
            place = urlsplit(child.address())
            assert place.hostname is not None
            assert place.port is not None
            host, port, key = place.hostname, place.port, self.setup.key
            folds = must_fold(partial(_render, host, port, key))
        except MetaclawError as error:
            where.set_exception(error)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
        ) as error:  # gone, stopped, or no answer of llama.cpp's
            cause = f"llama.cpp broke down when it had loaded {self.setup.name} ({error}): {child.last_words}"
            where.set_exception(ModelUnusable(cause, "Look at the server's log."))
        else:
            where.set_result(Address(host, port, key, folds))

    def _over(self, child: Child) -> None:
        """On the thread of a child that has ended: start another one, once."""
        with self._lock:
            if self._retired or child is not self._child or not self._where.done() or self._where.exception():
                return
            now = self._clock()
            again, self._broke = now - self._broke > CALM_SECONDS, now
            if again:
                self._where = where = _promised()
                self._child = child = Child(self.setup, self._over)
        if not again:
            self._given_up(f"llama.cpp broke down twice with {self.setup.name}: {child.last_words}")
            return
        _log.warning("llama.cpp broke down with %s, and is started again", self.setup.name)
        self._arrive(child, where)
        if (error := where.exception()) and not self._retired:
            self._given_up(str(error))


def _promised() -> Future[Address]:
    """An address to come, which a client that leaves cannot call off for those beside it."""
    where = Future[Address]()
    where.set_running_or_notify_cancel()
    return where


def _render(host: str, port: int, key: str, messages: list[Message]) -> str | None:
    """The prompt that the model's template makes of a conversation; None where it fails. Raises OSError."""
    connection = http.client.HTTPConnection(host, port, timeout=RENDER_SECONDS)
    try:
        connection.request(
            "POST",
            "/apply-template",
            json.dumps({"messages": messages}),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        raw = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"llama.cpp went away ({type(error).__name__})") from error
    finally:
        connection.close()
    return str(json.loads(raw)["prompt"]) if answer.status == 200 else None

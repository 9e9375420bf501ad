"""The line between a train worker and its supervisor: events go out as JSON lines, the word to stop comes in."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import threading

from metaclaw_jlab.engines.stopping import StopFlag
from metaclaw_jlab.runtime.train_worker import EXIT_CODES, Ending, EventKind

GRACE_SECONDS = 0.25  # for the work to end where it is; then the process goes, and nothing kept is lost
STOP_WORD = b"stop"


class Line:
    """Tells events, and sets `flag` when the supervisor says stop, closes its end, or dies."""

    def __init__(self, descriptor: int, flag: StopFlag) -> None:
        self.flag = flag
        self._descriptor = descriptor
        self._writing = threading.Lock()
        self._ended = threading.Event()

    def tell(self, kind: EventKind, **fields: object) -> None:
        """Send one event. Nobody listening any more is the word to stop."""
        text = json.dumps({"event": kind.value, **fields}) + "\n"
        with self._writing:
            if not self._ended.is_set():
                self._write(text)

    def end(self, ending: Ending, reason: str, **fields: object) -> None:
        """Send the last event, once, and end the process without waiting for any thread."""
        with self._writing:
            if self._ended.is_set():
                return
            self._ended.set()
            last = {"event": EventKind.ENDED.value, "ending": ending.value, "reason": reason, **fields}
            self._write(json.dumps(last) + "\n")
        os._exit(EXIT_CODES[ending])

    def listen(self, stdin: int, last_words: dict[str, object]) -> None:
        """Begin to listen, to signals too; only the main thread may. Work that does not end in time is ended.

        `last_words` go into the last event then; they are read when it is sent.
        """
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        # The number of a signal is written even while the main thread is deep in a library's own code.
        signal.set_wakeup_fd(theirs.fileno())
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: None)
        threading.Thread(
            target=self._listen, args=(stdin, ours, theirs, last_words), name="supervisor-line", daemon=True
        ).start()

    def _listen(
        self, stdin: int, signals: socket.socket, _: socket.socket, last_words: dict[str, object]
    ) -> None:
        with selectors.DefaultSelector() as selector:
            with contextlib.suppress(OSError):  # a file, as of a worker that is started by hand
                selector.register(stdin, selectors.EVENT_READ)
            selector.register(signals, selectors.EVENT_READ)
            while not self._told(selector, stdin):
                pass
        self.flag.set()
        if not self._ended.wait(GRACE_SECONDS):
            self.end(Ending.STOPPED, "Told to stop; what was under way was cut off.", **last_words)

    def _told(self, selector: selectors.BaseSelector, stdin: int) -> bool:
        for key, _ in selector.select():
            if key.fd == stdin:
                try:
                    said = os.read(stdin, 4096)
                except OSError:
                    said = b""
                if not said or STOP_WORD in said.split():
                    return True
            else:
                signals = set(os.read(key.fd, 64))
                if signals & {signal.SIGTERM, signal.SIGINT}:
                    return True
        return self.flag.is_set()

    def _write(self, text: str) -> None:
        try:
            data = text.encode()
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self.flag.set()

"""The kernels of this Jupyter server: whether they are used, told at once, and their processes."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from metaclaw_jlab.core.signal import Reading, SignalState

logger = logging.getLogger(__name__)

DELIMITER = b"<IDS|MSG>"
# What a kernel works at because its user asked for something; widgets and front ends ask for more by themselves.
USER_REQUESTS = frozenset({"execute_request", "complete_request", "inspect_request"})
_OTHER_TOPICS = (
    b".stream",
    b".display_data",
    b".update_display_data",
    b".execute_result",
    b".error",
    b".comm_msg",
)
KERNEL_ACTIONS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"


@dataclass(slots=True)
class _Watched:
    """A kernel that is listened to."""

    stream: Any
    last: float
    busy: bool = False


class ServerKernels:
    """Implements core.signal.Signal. It lives on the server's event loop.

    `on_use` is called when one of them begins to work for its user.
    """

    name = "server_kernels"

    def __init__(
        self,
        manager: Any,
        *,
        idle_minutes: Callable[[], float],
        on_use: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._manager = manager
        self._idle_minutes = idle_minutes
        self._on_use = on_use
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._last = float("-inf")  # of kernels that are gone too
        self._events: Any = None

    def watch(self) -> None:
        """Begin to follow the server's kernels, those that come later too."""
        events = getattr(self._manager, "event_logger", None)
        if events is not None:
            try:
                events.add_listener(schema_id=KERNEL_ACTIONS, listener=self._on_action)
                self._events = events
            except Exception as error:  # of another manager's making: looking now and then does too
                logger.debug("Kernels are not told when they start.", exc_info=error)
        self.look()

    def close(self) -> None:
        """Follow them no longer."""
        if self._events is not None:
            self._events.remove_listener(listener=self._on_action)
            self._events = None
        for kernel_id in list(self._watched):
            self._leave(kernel_id)

    def look(self) -> None:
        """Take up kernels that are new, and leave those that are gone."""
        present = set(self._ids())
        for kernel_id in present - self._watched.keys():
            self._take_up(kernel_id)
        for kernel_id in self._watched.keys() - present:
            self._leave(kernel_id)

    def read(self) -> Reading:
        """Busy while one of them works, and for the idle minutes after; unknown where there is none."""
        self.look()
        working = self.working()
        idle, now = self._idle_minutes() * 60, self._clock()
        last = self._last_sign(now)
        if working:
            count = "A kernel" if len(working) == 1 else f"{len(working)} kernels"
            said = f"{count} of this server {'runs' if len(working) == 1 else 'run'} a cell."
            return self._reading(SignalState.BUSY, said)
        if last + idle > now:
            said = f"A kernel of this server was used {_ago(now - last)} ago."
            return self._reading(SignalState.BUSY, said, until=last + idle)
        if not self._watched:
            return self._reading(SignalState.UNKNOWN, "This server has no kernels.")
        said = f"No kernel of this server has been used for {_ago(now - last)}."
        return self._reading(SignalState.IDLE, said)

    def working(self) -> tuple[str, ...]:
        """The kernels that run something now."""
        return tuple(kernel_id for kernel_id in self._ids() if self._works(kernel_id))

    def pids(self) -> Mapping[str, int]:
        """The processes of those kernels whose process is on this machine, by kernel id."""
        found = {}
        for kernel_id in self._ids():
            provisioner = getattr(self._kernel(kernel_id), "provisioner", None)
            pid = getattr(provisioner, "pid", None)
            if isinstance(pid, int) and pid > 0:
                found[kernel_id] = pid
        return found

    def heard(self, kernel_id: str, parts: Sequence[bytes]) -> None:
        """Called with each message that a kernel publishes."""
        if parts and parts[0].endswith(_OTHER_TOPICS):
            return
        watched = self._watched.get(kernel_id)
        state = status_of(parts)
        if watched is None or state is None:
            return
        watched.busy = state == "busy"
        watched.last = self._clock()
        if watched.busy:
            self._on_use()

    async def _on_action(self, logger: Any, schema_id: str, data: Mapping[str, Any]) -> None:  # noqa: ARG002
        if data.get("status") == "success" and data.get("action") in {"start", "restart"}:
            self.look()
            self._last = self._clock()
            self._on_use()

    def _last_sign(self, now: float) -> float:
        """When one of them was used last. A clock that went back has seen no later sign than now."""
        self._last = min(self._last, now)
        for one in self._watched.values():
            one.last = min(one.last, now)
        return max([self._last, *(one.last for one in self._watched.values())])

    def _ids(self) -> list[str]:
        return list(self._manager.list_kernel_ids()) if self._manager is not None else []

    def _kernel(self, kernel_id: str) -> Any:
        try:
            return self._manager.get_kernel(kernel_id)
        except Exception:  # noqa: BLE001 - it ended a moment ago; each manager says so in its own way
            return None

    def _works(self, kernel_id: str) -> bool:
        watched = self._watched.get(kernel_id)
        state = getattr(self._kernel(kernel_id), "execution_state", None)
        return state == "busy" or (watched is not None and watched.busy and state != "dead")

    def _take_up(self, kernel_id: str) -> None:
        kernel = self._kernel(kernel_id)
        if kernel is None:
            return
        last = getattr(kernel, "last_activity", None)
        at = last.timestamp() if isinstance(last, datetime) else self._clock()
        stream = None
        try:
            stream = kernel.connect_iopub()
            stream.on_recv(lambda parts: self.heard(kernel_id, parts))
        except Exception as error:  # a kernel behind a gateway: what Jupyter knows of it has to do
            logger.debug("Kernel %s is not listened to.", kernel_id, exc_info=error)
        self._watched[kernel_id] = _Watched(stream, at)

    def _leave(self, kernel_id: str) -> None:
        watched = self._watched.pop(kernel_id)
        self._last = max(self._last, watched.last)
        if watched.stream is not None and not watched.stream.closed():
            watched.stream.close()

    def _reading(self, state: SignalState, sentence: str, *, until: float | None = None) -> Reading:
        return Reading(self.name, state, sentence, opens=True, vetoes=True, until=until)


def status_of(parts: Sequence[bytes]) -> str | None:
    """`busy` or `idle` where a message says that a kernel began or ended something for its user, else None."""
    try:
        start = parts.index(DELIMITER) + 2
        header, parent, _, content = (json.loads(part) for part in parts[start : start + 4])
        if header["msg_type"] != "status" or parent.get("msg_type") not in USER_REQUESTS:
            return None
        state = str(content["execution_state"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return state if state in {"busy", "idle"} else None


def _ago(seconds: float) -> str:
    return f"{max(0.0, seconds):.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"

"""The kernels of a server as a signal: a stand-in for Jupyter's manager, real messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from metaclaw_jlab.core.signal import SignalState
from metaclaw_jlab.jupyter.server.kernels import DELIMITER, ServerKernels, status_of

NOON = 1_750_000_000.0


class Stream:
    """Stands for a ZMQStream."""

    def __init__(self) -> None:
        self.listener: Callable[[list[bytes]], None] | None = None
        self.ended = False

    def on_recv(self, listener: Callable[[list[bytes]], None]) -> None:
        self.listener = listener

    def closed(self) -> bool:
        return self.ended

    def close(self) -> None:
        self.ended = True

    def tell(self, *words: str) -> None:
        assert self.listener is not None
        self.listener(message(*words))


@dataclass
class Kernel:
    """A kernel as Jupyter keeps it."""

    pid: int
    last_activity: datetime
    execution_state: str = "idle"
    stream: Stream = field(default_factory=Stream)

    @property
    def provisioner(self) -> object:
        return SimpleNamespace(pid=self.pid)

    def connect_iopub(self) -> Stream:
        return self.stream


class Remote(Kernel):
    """A kernel behind a gateway: it cannot be listened to."""

    def connect_iopub(self) -> Stream:
        raise AttributeError("connect_iopub")

    @property
    def provisioner(self) -> object:
        return None


class Manager:
    """Stands for Jupyter's kernel manager."""

    def __init__(self) -> None:
        self.kernels: dict[str, Kernel] = {}
        self.listeners: list[Any] = []
        self.event_logger = SimpleNamespace(
            add_listener=lambda schema_id, listener: self.listeners.append(listener),
            remove_listener=lambda listener: self.listeners.remove(listener),
        )

    def list_kernel_ids(self) -> list[str]:
        return list(self.kernels)

    def get_kernel(self, kernel_id: str) -> Kernel:
        return self.kernels[kernel_id]

    def begins(self, kernel_id: str, at: float, kind: type[Kernel] = Kernel) -> Kernel:
        self.kernels[kernel_id] = kind(4711, datetime.fromtimestamp(at, UTC))
        return self.kernels[kernel_id]

    def tells(self, action: str) -> None:
        for listener in self.listeners:
            asyncio.run(listener(None, "schema", {"action": action, "status": "success"}))


@dataclass
class Stage:
    """A manager, what is made of it, the clock, and how often a use was told."""

    manager: Manager = field(default_factory=Manager)
    now: float = NOON
    uses: int = 0

    def __post_init__(self) -> None:
        self.kernels = ServerKernels(
            self.manager, idle_minutes=lambda: 10.0, on_use=self.use, clock=lambda: self.now
        )

    def use(self) -> None:
        self.uses += 1

    def state(self) -> SignalState:
        return self.kernels.read().state


def message(state: str = "busy", parent: str = "execute_request", kind: str = "status") -> list[bytes]:
    """What a kernel publishes."""
    parts = [{"msg_type": kind}, {"msg_type": parent}, {}, {"execution_state": state}]
    return [
        f"kernel.1.{kind}".encode(),
        DELIMITER,
        b"signature",
        *(json.dumps(part).encode() for part in parts),
    ]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_without_kernels_nothing_is_known(stage: Stage) -> None:
    reading = stage.kernels.read()
    assert reading.state is SignalState.UNKNOWN
    assert not reading.opening


def test_a_kernel_that_was_not_used_for_long_is_idle(stage: Stage) -> None:
    stage.manager.begins("a", NOON - 601)
    reading = stage.kernels.read()
    assert reading.state is SignalState.IDLE
    assert reading.opening


def test_it_is_busy_until_the_idle_minutes_are_over(stage: Stage) -> None:
    stage.manager.begins("a", NOON - 599)
    reading = stage.kernels.read()
    assert reading.state is SignalState.BUSY
    assert reading.until == NOON + 1
    assert "599 s" in reading.sentence or "10 min" in reading.sentence


def test_one_busy_kernel_of_two_is_busy(stage: Stage) -> None:
    stage.manager.begins("a", NOON - 3600)
    stage.manager.begins("b", NOON - 3600).execution_state = "busy"
    assert stage.state() is SignalState.BUSY


def test_a_cell_that_begins_is_told_at_once(stage: Stage) -> None:
    kernel = stage.manager.begins("a", NOON - 3600)
    stage.kernels.watch()
    kernel.stream.tell("busy")
    assert stage.uses == 1
    assert stage.state() is SignalState.BUSY


def test_idle_is_counted_from_the_end_of_the_cell(stage: Stage) -> None:
    kernel = stage.manager.begins("a", NOON - 3600)
    stage.kernels.watch()
    kernel.stream.tell("busy")
    stage.now += 7200
    assert stage.state() is SignalState.BUSY
    kernel.stream.tell("idle")
    stage.now += 599
    assert stage.state() is SignalState.BUSY
    stage.now += 2
    assert stage.state() is SignalState.IDLE


def test_what_a_front_end_asks_by_itself_is_no_use(stage: Stage) -> None:
    kernel = stage.manager.begins("a", NOON - 3600)
    stage.kernels.watch()
    for parent in ("kernel_info_request", "comm_info_request", "comm_msg"):
        kernel.stream.tell("busy", parent)
    assert stage.uses == 0
    assert stage.state() is SignalState.IDLE


def test_a_background_thread_that_prints_is_no_use(stage: Stage) -> None:
    kernel = stage.manager.begins("a", NOON - 3600)
    stage.kernels.watch()
    kernel.stream.tell("busy", "execute_request", "stream")
    assert stage.uses == 0


def test_a_kernel_that_starts_is_followed_and_is_a_sign(stage: Stage) -> None:
    stage.kernels.watch()
    kernel = stage.manager.begins("a", NOON)
    stage.manager.tells("start")
    assert stage.uses == 1
    kernel.stream.tell("busy")
    assert stage.uses == 2


def test_a_kernel_that_is_gone_was_still_used(stage: Stage) -> None:
    kernel = stage.manager.begins("a", NOON - 3600)
    stage.manager.begins("b", NOON - 3600)
    stage.kernels.watch()
    kernel.stream.tell("busy")
    kernel.stream.tell("idle")
    del stage.manager.kernels["a"]
    assert stage.state() is SignalState.BUSY
    assert kernel.stream.ended


def test_a_kernel_behind_a_gateway_is_known_by_its_state(stage: Stage) -> None:
    kernel = stage.manager.begins("a", NOON - 3600, Remote)
    assert stage.state() is SignalState.IDLE
    kernel.execution_state = "busy"
    assert stage.state() is SignalState.BUSY
    assert stage.kernels.pids() == {}


def test_a_clock_that_went_back_keeps_nothing_busy_for_longer(stage: Stage) -> None:
    kernel = stage.manager.begins("a", NOON)
    stage.kernels.watch()
    kernel.stream.tell("busy")
    kernel.stream.tell("idle")
    stage.now -= 7200
    assert stage.kernels.read().until == stage.now + 600
    stage.now += 601
    assert stage.state() is SignalState.IDLE


def test_the_processes_are_known(stage: Stage) -> None:
    stage.manager.begins("a", NOON)
    assert stage.kernels.pids() == {"a": 4711}


def test_nothing_is_listened_to_after_the_end(stage: Stage) -> None:
    kernel = stage.manager.begins("a", NOON)
    stage.kernels.watch()
    stage.kernels.close()
    assert kernel.stream.ended
    assert stage.manager.listeners == []


def test_a_server_without_kernels_at_all() -> None:
    kernels = ServerKernels(None, idle_minutes=lambda: 10.0)
    kernels.watch()
    assert kernels.read().state is SignalState.UNKNOWN
    assert kernels.pids() == {}


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"topic"],
        [b"topic", DELIMITER],
        [b"topic", DELIMITER, b"", b"{", b"{}", b"{}", b"{}"],
        [b"topic", DELIMITER, b"", b"[]", b"[]", b"{}", b"{}"],
        message("starting"),
        message("busy", "execute_request", "comm_msg"),
    ],
)
def test_what_says_nothing_of_a_use(parts: list[bytes]) -> None:
    assert status_of(parts) is None

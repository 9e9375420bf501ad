"""An instance whose process breaks, without any llama.cpp: what those who wait for it see."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.engines.llama_cpp import running_instance
from metaclaw_jlab.engines.llama_cpp.instance import Setup
from metaclaw_jlab.engines.llama_cpp.running_instance import RunningInstance

WAIT = 60.0
SETUP = Setup("m.gguf", "m", "", 1, 512, 1, "key")


class Process:
    """Stands in for a child. The first is up at once; later ones when they are `let`, or not at all."""

    made: list[Process]

    def __init__(self, _: Setup, ended: Callable[[Process], None]) -> None:
        self.ended = ended
        self.let = threading.Event()
        self.fails = False
        self.stopped = False
        self.last_words = "killed"
        if not self.made:
            self.let.set()
        self.made.append(self)

    def address(self) -> str:
        assert self.let.wait(WAIT)
        if self.fails:
            raise ModelUnusable("It did not load.")
        return "http://127.0.0.1:1"

    def stop(self) -> None:
        self.stopped = True

    def breaks(self) -> threading.Thread:
        """End it; the thread on which it is started again."""
        thread = threading.Thread(target=self.ended, args=(self,), daemon=True)
        thread.start()
        return thread


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    made: list[Process] = []
    monkeypatch.setattr(Process, "made", made, raising=False)
    monkeypatch.setattr(running_instance, "Child", Process)
    monkeypatch.setattr(running_instance, "must_fold", lambda _: False)
    return made


def restarting(instance: RunningInstance, processes: list[Process]) -> threading.Thread:
    """Break the process, up to where the next one loads."""
    thread = processes[-1].breaks()
    while len(processes) < 2 or instance.where.done():
        threading.Event().wait(0.001)
    return thread


def test_who_leaves_while_it_is_started_again_takes_it_from_nobody(processes: list[Process]) -> None:
    instance = RunningInstance(SETUP)
    thread = restarting(instance, processes)

    async def leave() -> None:
        waiting = asyncio.ensure_future(asyncio.wrap_future(instance.where))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(leave())
    processes[-1].let.set()
    thread.join(WAIT)
    assert instance.where.result(WAIT).host == "127.0.0.1"


def test_an_instance_that_is_let_go_while_it_is_started_again_ends_nothing_else(
    processes: list[Process],
) -> None:
    told: list[str] = []
    instance = RunningInstance(SETUP, told.append)
    thread = restarting(instance, processes)
    instance.retire()
    processes[-1].fails = True
    processes[-1].let.set()
    thread.join(WAIT)
    assert told == []


def test_an_instance_that_does_not_come_back_is_given_up(processes: list[Process]) -> None:
    told: list[str] = []
    instance = RunningInstance(SETUP, told.append)
    thread = restarting(instance, processes)
    processes[-1].fails = True
    processes[-1].let.set()
    thread.join(WAIT)
    assert told == ["It did not load."]


def test_a_template_that_answers_nonsense_is_an_error_and_no_silence(
    processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nonsense(_: object) -> bool:
        raise ValueError("no JSON")

    monkeypatch.setattr(running_instance, "must_fold", nonsense)
    with pytest.raises(ModelUnusable, match="when it had loaded m"):
        RunningInstance(SETUP)

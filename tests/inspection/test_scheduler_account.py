"""What is told of training by itself: with a host that answers, without one, paused, and its log."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.schedule import Conducting, Need, View
from metaclaw_jlab.core.signal import Reading, SignalState
from metaclaw_jlab.core.window import Pause, SchedulerState, Window
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.inspection.pausing import pause_training, unpause_training
from metaclaw_jlab.inspection.scheduler import NO_HOST, read_view, schedule
from metaclaw_jlab.inspection.scheduler_text import (
    log_in_words,
    schedule_in_words,
    schedule_lines,
    window_lines,
)
from metaclaw_jlab.inspection.status import render_status, status
from metaclaw_jlab.runtime.home import replace_private
from metaclaw_jlab.runtime.host import SECRET_HEADER, host_file, publish
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.store.windows import Pauses, Windows

NOON = 1_794_830_400.0  # 2026-11-16 12:00 UTC
VIEW = View(
    at=NOON,
    state=SchedulerState.WAITING,
    sentence="A kernel was used 3 min ago.",
    readings=(
        Reading("kernels", SignalState.BUSY, "A kernel was used 3 min ago.", opens=True, until=NOON + 420),
        Reading("sleep-hours", SignalState.IDLE, "Your sleep hours.", opens=True, vetoes=False),
    ),
    window=Window(4, NOON - 900, ("lab", "kernels"), run=2, used_seconds=60.0),
    pause=Pause(NOON - 60, NOON + 60),
    need=Need(3, True, 1, True, "3 wait."),
    conducting=Conducting(True, 123, NOON - 30, 2, True),
    missing=("A kernel was used 3 min ago.", "3 of 8 query tasks wait."),
    trained_today=1800.0,
    next_window=NOON + 420,
    why="A kernel was used 3 min ago.",
)
WAITING = replace(VIEW, window=None, pause=None, conducting=None)


@contextmanager
def answering(workspace: Workspace, answer: object) -> Iterator[None]:
    """A host of another process that answers everything with this."""

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers[SECRET_HEADER] == "hush" and self.path == "/base/metaclaw/api/scheduler"
            self.send_response(200 if known else 403)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Host)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    workspace.home.runtime.mkdir(mode=0o700, exist_ok=True)
    publish(workspace.home, f"http://127.0.0.1:{server.server_port}/base/", secret="hush")
    record = json.loads(host_file(workspace.home).read_text())
    replace_private(host_file(workspace.home), json.dumps({**record, "pid": 1, "start_ticks": 0}))
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_view_comes_back_from_json() -> None:
    assert read_view(json.loads(json.dumps(as_json(VIEW)))) == VIEW
    assert read_view(json.loads(json.dumps(as_json(WAITING)))) == WAITING


def test_without_a_host_nothing_trains_by_itself(workspace: Workspace) -> None:
    account = schedule(workspace)
    assert (account.host, account.view, account.sentence) == (None, None, NO_HOST)
    assert "jupyter metaclaw" in render_status(status(workspace))


def test_the_host_is_asked_what_it_knows(workspace: Workspace) -> None:
    with answering(workspace, {"active": True, "sentence": "", "view": as_json(WAITING), "pause": None}):
        account = schedule(workspace)
    assert (account.host, account.view) == (1, WAITING)
    assert account.trained_today == 1800


@pytest.mark.parametrize("answer", [None, {}, {"view": None}, {"view": {"state": "odd"}}, [1], "text"])
def test_a_host_that_answers_nonsense_is_told(workspace: Workspace, answer: object) -> None:
    with answering(workspace, answer):
        account = schedule(workspace)
    assert (account.host, account.view) == (1, None)
    assert "process 1" in account.sentence


def test_the_host_itself_gives_its_view(workspace: Workspace) -> None:
    assert schedule(workspace, VIEW).view is VIEW
    assert status(workspace, view=WAITING).schedule.startswith(WAITING.sentence)


def test_switched_off_is_told_without_a_host(workspace: Workspace) -> None:
    set_value(workspace.home.config, "scheduler.enabled", "false")
    assert "switched off" in schedule(workspace).sentence


def test_the_card_tells_why_and_when_next(workspace: Workspace) -> None:
    set_value(workspace.home.config, "scheduler.timezone", "UTC")
    told = schedule_in_words(schedule(workspace, WAITING), now=NOON)
    assert told == "A kernel was used 3 min ago. The next window could open 12:07."


def test_every_signal_and_what_is_missing_is_told(workspace: Workspace) -> None:
    told = "\n".join(schedule_lines(schedule(workspace, WAITING), now=NOON))
    assert "30 of 180 min trained in windows" in told
    assert "! 3 of 8 query tasks wait." in told
    assert "kernels      busy  A kernel was used" in told
    assert "sleep-hours  idle  Your sleep hours." in told


def test_an_open_window_has_no_next_one(workspace: Workspace) -> None:
    assert "next window" not in schedule_in_words(schedule(workspace, VIEW), now=NOON)


def test_the_log_tells_what_became_of_windows(workspace: Workspace) -> None:
    windows = Windows(workspace.database())
    windows.open(NOON, ["kernels", "lab"])
    windows.close(1, NOON + 1200, "lab", used_seconds=600, yield_seconds=0.42)
    windows.open(time.time(), ["sleep-hours"])
    recent = windows.recent(9)
    lines = window_lines(recent)
    assert "sleep-hours" in lines[1]
    assert "so far" in lines[1]
    assert "nothing" in lines[1]
    for said in ("kernels, lab", "20 min", "lab", "10 min", "0.4 s"):
        assert said in lines[2]
    assert log_in_words(recent) == "2 windows, 1 used; gave way in 0.4 s (median), 0.4 s at most."


def test_an_empty_log_says_so() -> None:
    assert window_lines([]) == ["No window was open yet."]


def test_a_pause_of_minutes(workspace: Workspace) -> None:
    set_value(workspace.home.config, "scheduler.timezone", "UTC")
    told = pause_training(workspace, 90, None, clock=lambda: NOON)
    assert told == {
        "paused": True,
        "until": NOON + 5400,
        "told": "Nothing is trained by itself until 13:30.",
    }
    assert Pauses(workspace.database(), clock=lambda: NOON).current() == Pause(NOON, NOON + 5400)


def test_a_pause_until_a_time_of_day(workspace: Workspace) -> None:
    set_value(workspace.home.config, "scheduler.timezone", "Europe/Berlin")  # an hour ahead
    assert pause_training(workspace, None, "17:30", clock=lambda: NOON)["until"] == NOON + 4.5 * 3600
    assert pause_training(workspace, None, "9:05", clock=lambda: NOON)["until"] == NOON + 20 * 3600 + 300


def test_a_pause_without_end_is_taken_back(workspace: Workspace) -> None:
    assert "train unpause" in str(pause_training(workspace, None, None)["told"])
    assert "It is paused too" in schedule(workspace).sentence
    assert str(unpause_training(workspace)["told"]).startswith("The pause is over")
    assert unpause_training(workspace)["told"] == "Nothing was paused."


@pytest.mark.parametrize(
    ("minutes", "until"),
    [
        (0.0, None),
        (-1.0, None),
        (float("nan"), None),
        (1e9, None),
        (5.0, "10:00"),
        (None, "25:00"),
        (None, ""),
    ],
)
def test_a_pause_that_cannot_be_is_refused(
    workspace: Workspace, minutes: float | None, until: str | None
) -> None:
    with pytest.raises(UsageMistake):
        pause_training(workspace, minutes, until)
    assert Pauses(workspace.database()).current() is None

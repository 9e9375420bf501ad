import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ModelUnusable, ServerStartFailed
from metaclaw_jlab.runtime import policy_server
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import (
    Endpoint,
    ensure,
    log_file,
    policy_file,
    publish,
    running,
    server_command,
    stop,
    withdraw,
)
from metaclaw_jlab.runtime.processes import process_alive

FAKE = Path(__file__).parent / "fake_policy_server.py"
GONE = 999_999_999  # no system has that many processes


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = open_home(tmp_path / "home")
    yield home
    stop(home)


def command(home: Home, model: str, *more: str) -> list[str]:
    return [sys.executable, str(FAKE), "--home", str(home.path), "--model", model, *more]


def start(home: Home, model: str = "tiny", *more: str, seconds: float = 60.0) -> Endpoint:
    return ensure(home, model, start_seconds=seconds, command=command(home, model, *more))


def alter(home: Home, **changes: object) -> None:
    record = json.loads(policy_file(home).read_text())
    policy_file(home).write_text(json.dumps(record | changes))


def test_nothing_runs_in_a_new_home(home: Home) -> None:
    assert running(home) is None
    assert stop(home) is False


def test_a_started_server_is_found(home: Home) -> None:
    endpoint = start(home)
    assert running(home) == endpoint
    assert endpoint.base_url.endswith("/v1")


def test_a_server_has_a_session_of_its_own(home: Home) -> None:
    endpoint = start(home)
    assert os.getsid(endpoint.pid) == endpoint.pid


def test_its_publication_and_its_log_are_private(home: Home) -> None:
    start(home)
    assert policy_file(home).stat().st_mode & 0o777 == 0o600
    assert log_file(home).stat().st_mode & 0o777 == 0o600


def test_a_second_call_starts_nothing(home: Home, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    first = start(home, "tiny", "--starts", str(starts))
    assert start(home, "tiny", "--starts", str(starts)) == first
    assert len(starts.read_text().split()) == 1


def test_of_callers_at_the_same_time_one_starts_it(home: Home, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    found: list[Endpoint] = []
    callers = [
        threading.Thread(target=lambda: found.append(start(home, "tiny", "--starts", str(starts))))
        for _ in range(4)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    assert len(starts.read_text().split()) == 1


def test_another_model_replaces_the_server(home: Home) -> None:
    first = start(home, "tiny")
    second = start(home, "other")
    assert running(home) == second
    assert not process_alive(first.pid)


def test_who_is_answered_just_now_is_answered_to_the_end(home: Home, tmp_path: Path) -> None:
    busy = tmp_path / "busy"
    busy.touch()
    first = start(home, "tiny", "--busy", str(busy))
    lines: list[str] = []
    lived: list[bool] = []

    def told(line: str) -> None:
        lines.append(line)
        if busy.exists():
            lived.append(process_alive(first.pid))
            busy.unlink()

    ensure(home, "other", start_seconds=60, on_progress=told, command=command(home, "other"))
    assert lines[0] == "tiny ends an answer of another task first"
    assert lived == [True]
    assert not process_alive(first.pid)


def test_an_answer_that_does_not_end_is_not_waited_for_for_ever(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_server, "ROOM_SECONDS", 0.1)
    (tmp_path / "busy").touch()
    first = start(home, "tiny", "--busy", str(tmp_path / "busy"))
    assert start(home, "other").model == "other"
    assert not process_alive(first.pid)


def test_progress_is_the_log_line_by_line(home: Home) -> None:
    lines: list[str] = []
    ensure(home, "tiny", start_seconds=60, on_progress=lines.append, command=command(home, "tiny"))
    assert lines == ["loading tiny"]


def test_a_failing_start_shows_the_end_of_the_log(home: Home) -> None:
    with pytest.raises(ServerStartFailed, match="the weights are missing"):
        start(home, "tiny", "--fail", "the weights are missing")


def test_a_model_that_a_server_refuses_is_told_in_its_sentence(home: Home) -> None:
    with pytest.raises(ModelUnusable) as told:
        start(home, "tiny", "--refuse", "The memory does not hold tiny.")
    assert str(told.value) == "The memory does not hold tiny. Take another."


def test_a_refusal_is_of_its_own_start_only(home: Home) -> None:
    with pytest.raises(ModelUnusable):
        start(home, "tiny", "--refuse", "It is too large.")
    with pytest.raises(ServerStartFailed, match="ended with code 1"):
        start(home, "tiny", "--fail", "the weights are missing")


def test_a_command_that_is_not_there_is_named(home: Home) -> None:
    with pytest.raises(ServerStartFailed, match="no-such-program"):
        ensure(home, "tiny", command=["/no-such-program"])


def test_a_start_that_takes_too_long_is_ended(home: Home, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    with pytest.raises(ServerStartFailed, match="within 2 s"):
        start(home, "tiny", "--slow", "--starts", str(starts), seconds=2)
    assert not process_alive(int(starts.read_text()))


def test_an_interrupted_start_leaves_no_process(home: Home, tmp_path: Path) -> None:
    starts = tmp_path / "starts"

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure(
            home,
            "tiny",
            on_progress=interrupt,
            command=command(home, "tiny", "--slow", "--starts", str(starts)),
        )
    assert not starts.exists() or not process_alive(int(starts.read_text()))
    assert start(home).model == "tiny"


def test_a_stopped_server_is_gone(home: Home) -> None:
    endpoint = start(home)
    assert stop(home) is True
    assert not process_alive(endpoint.pid)
    assert not policy_file(home).exists()


def test_a_server_that_does_not_listen_to_reason_is_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_server, "STOP_SECONDS", 0.2)
    endpoint = start(home, "tiny", "--stubborn")
    stop(home)
    assert not process_alive(endpoint.pid)


def test_a_publication_of_an_earlier_boot_is_no_server(home: Home) -> None:
    endpoint = start(home)
    original = policy_file(home).read_text()
    alter(home, boot_id="an-earlier-boot")
    assert running(home) is None
    assert process_alive(endpoint.pid)
    policy_file(home).write_text(original)


def test_a_process_that_took_over_the_pid_is_not_ended(home: Home) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    publish(home, Endpoint("http://127.0.0.1:9/v1", "t", "tiny", bystander.pid))
    alter(home, start_ticks=1)
    assert stop(home) is False
    assert bystander.poll() is None
    bystander.communicate(b"\n", timeout=30)


def test_a_server_that_does_not_answer_is_not_running(home: Home) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    publish(home, Endpoint("http://127.0.0.1:9/v1", "t", "tiny", bystander.pid))
    assert running(home) is None
    bystander.communicate(b"\n", timeout=30)


@pytest.mark.parametrize("url", ["http://example.org/v1", "http://10.0.0.1:80/v1"])
def test_a_token_is_never_sent_elsewhere(home: Home, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Endpoint] = []
    monkeypatch.setattr(policy_server, "_healthy", asked.append)
    publish(home, Endpoint(url, "t", "tiny", os.getpid()))
    assert running(home) is None
    assert asked == []
    policy_file(home).unlink()


def test_a_publication_that_others_could_read_is_no_server(home: Home) -> None:
    start(home)
    policy_file(home).chmod(0o644)
    assert running(home) is None
    policy_file(home).chmod(0o600)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"base_url": 1}'])
def test_a_broken_publication_is_no_server(home: Home, text: str) -> None:
    policy_file(home).write_text(text)
    policy_file(home).chmod(0o600)
    assert running(home) is None


def test_a_proxy_of_the_environment_is_not_asked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert start(home) == running(home)


def test_a_server_withdraws_only_itself(home: Home) -> None:
    publish(home, Endpoint("http://127.0.0.1:9/v1", "t", "tiny", GONE))
    withdraw(home, GONE + 1)
    assert policy_file(home).exists()
    withdraw(home, GONE)
    assert not policy_file(home).exists()


def test_the_name_of_a_model_is_no_path(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.root / "models" / "tiny").mkdir(parents=True)
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert start(home, "tiny").model == "tiny"


def test_a_model_folder_is_named_absolutely(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    absolute = str(tmp_path / "model")
    assert ensure(home, "model", command=command(home, absolute)).model == absolute


def test_a_token_is_not_shown() -> None:
    assert "t0ken" not in repr(Endpoint("http://127.0.0.1:9/v1", "t0ken", "tiny", 1))


def test_the_command_names_home_and_model(home: Home) -> None:
    assert server_command(home, "tiny")[1:] == [
        "-P",
        "-m",
        "metaclaw_jlab.engines.policy_server",
        "--home",
        str(home.path),
        "--model",
        "tiny",
        "--form",
        "auto",
    ]


def test_a_server_of_another_form_is_replaced_only_where_one_is_named(home: Home) -> None:
    first = start(home, "tiny", "--form", "gguf")
    assert first.form == "gguf"
    assert ensure(home, "tiny", form="gguf", command=command(home, "tiny")) == first
    assert ensure(home, "tiny", command=command(home, "tiny")) == first
    second = ensure(home, "tiny", form="safetensors", command=command(home, "tiny"))
    assert (second.form, second.pid != first.pid) == ("safetensors", True)


def test_a_publication_that_names_no_form_is_of_safetensors(home: Home) -> None:
    start(home)
    record = json.loads(policy_file(home).read_text())
    del record["form"]
    policy_file(home).write_text(json.dumps(record))
    found = running(home)
    assert found is not None
    assert found.form == "safetensors"


def test_a_model_file_is_known_by_its_whole_path(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.gguf").touch()
    monkeypatch.chdir(tmp_path)
    absolute = str(tmp_path / "model.gguf")
    assert ensure(home, "model.gguf", command=command(home, absolute)).model == absolute


def test_options_reach_the_server(home: Home, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    ensure(home, "tiny", command=command(home, "tiny"), options=("--starts", str(starts)))
    assert starts.exists()


def test_what_lies_in_the_working_folder_is_no_module_of_the_server(home: Home, tmp_path: Path) -> None:
    (tmp_path / "queue.py").write_text("raise SystemExit('taken for a module')")
    command = server_command(home, "./nothing.gguf")
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "There is no file ./nothing.gguf" in ran.stderr

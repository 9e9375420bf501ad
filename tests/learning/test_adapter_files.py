"""Adapters from candidate to serving and back, in a real home and store."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.errors import AdapterRefused, InvariantViolation, NotFound, UsageMistake
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.learning.adapters import (
    WEIGHTS,
    candidate_folder,
    delete,
    fault,
    force,
    promote,
    publish,
    published_folder,
    roll_back,
)
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import Endpoint, refresh_adapters
from metaclaw_jlab.runtime.policy_server import publish as publish_server
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.serving import Serving, ServingCause
from metaclaw_jlab.store.training import Training
from tests.learning.trained import begun, candidate, damage, gated, write_adapter


@dataclass(frozen=True)
class Place:
    """A home and its store."""

    home: Home
    database: Database

    @property
    def serves(self) -> int | None:
        return Serving(self.database).current()

    def status(self, version: int) -> AdapterStatus:
        return Adapters(self.database).get(version).status


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    home = open_home(tmp_path / "home")
    database = open_database(home.database)
    yield Place(home, database)
    database.close()


def test_a_candidate_whose_gate_passed_serves(place: Place) -> None:
    version = gated(place.home, place.database).version
    promote(place.home, place.database, version, "It gained.")
    assert (place.serves, place.status(version)) == (version, AdapterStatus.PROMOTED)
    assert (published_folder(place.home, version) / WEIGHTS).is_file()
    assert not candidate_folder(place.home, version).exists()


def test_a_candidate_whose_gate_did_not_pass_is_not_promoted(place: Place) -> None:
    version = gated(place.home, place.database, Verdict.REJECT).version
    with pytest.raises(InvariantViolation):
        promote(place.home, place.database, version, "It gained.")
    assert (place.serves, place.status(version)) == (None, AdapterStatus.CANDIDATE)


@pytest.mark.parametrize("stage", ["renamed", "decided", "serving"])
def test_a_promotion_that_was_cut_off_is_finished_by_the_next(place: Place, stage: str) -> None:
    version = gated(place.home, place.database).version
    publish(place.home, place.database, version)
    if stage != "renamed":
        Adapters(place.database).decide(version, AdapterStatus.PROMOTED, "It gained.")
    if stage == "serving":
        Serving(place.database).put(version, ServingCause.PROMOTE, "It gained.")
    promote(place.home, place.database, version, "It gained.")
    assert [served.version for served in Serving(place.database).history(9)] == [version]


def test_a_damaged_candidate_is_refused_and_what_serves_stays(place: Place) -> None:
    first = gated(place.home, place.database).version
    promote(place.home, place.database, first, "It gained.")
    second = gated(place.home, place.database).version
    damage(candidate_folder(place.home, second) / WEIGHTS)
    with pytest.raises(AdapterRefused, match="checksum"):
        promote(place.home, place.database, second, "It gained.")
    assert (place.serves, place.status(second)) == (first, AdapterStatus.CANDIDATE)
    assert not published_folder(place.home, second).exists()


@pytest.mark.parametrize("name", [WEIGHTS, "adapter_config.json", "metaclaw.json"])
def test_a_file_that_is_missing_is_named(place: Place, name: str) -> None:
    adapter = candidate(place.home, place.database)
    assert fault(place.home, adapter) is None
    (candidate_folder(place.home, adapter.version) / name).unlink()
    assert name in str(fault(place.home, adapter))


def test_the_card_of_another_version_is_refused(place: Place) -> None:
    adapter = candidate(place.home, place.database)
    (candidate_folder(place.home, adapter.version) / "metaclaw.json").write_text('{"version": 7}')
    assert "of version 7" in str(fault(place.home, adapter))


def test_a_person_may_let_a_rejected_one_serve_and_that_is_recorded(place: Place) -> None:
    version = gated(place.home, place.database, Verdict.REJECT).version
    Adapters(place.database).decide(version, AdapterStatus.REJECTED, "It lost.")
    force(place.home, place.database, version, "I want it.")
    (served,) = Serving(place.database).history(9)
    assert (served.version, served.cause, served.reason) == (version, ServingCause.FORCE, "I want it.")
    assert place.status(version) is AdapterStatus.FORCED


def test_a_promoted_one_stays_promoted_when_it_is_forced_later(place: Place) -> None:
    version = gated(place.home, place.database).version
    promote(place.home, place.database, version, "It gained.")
    roll_back(place.home, place.database, None, "Not now.")
    force(place.home, place.database, version, "Now.")
    assert (place.serves, place.status(version)) == (version, AdapterStatus.PROMOTED)


def test_forcing_a_damaged_one_decides_nothing(place: Place) -> None:
    version = candidate(place.home, place.database).version
    damage(candidate_folder(place.home, version) / WEIGHTS)
    with pytest.raises(AdapterRefused):
        force(place.home, place.database, version, "I want it.")
    assert (place.serves, place.status(version)) == (None, AdapterStatus.CANDIDATE)


def test_what_a_run_has_not_decided_on_is_not_forced(place: Place) -> None:
    run = begun(place.database)
    version = candidate(place.home, place.database).version
    Training(place.database).change(run.number, RunState.GATING, "", adapter=version)
    with pytest.raises(UsageMistake, match="has not decided"):
        force(place.home, place.database, version, "I want it.")


def test_the_way_back_is_recorded(place: Place) -> None:
    first = gated(place.home, place.database).version
    promote(place.home, place.database, first, "It gained.")
    force(place.home, place.database, candidate(place.home, place.database).version, "I want it.")
    roll_back(place.home, place.database, first, "It was better.")
    newest = Serving(place.database).history(1)[0]
    assert (newest.version, newest.cause, newest.reason) == (first, ServingCause.ROLLBACK, "It was better.")
    roll_back(place.home, place.database, None, "The base was better still.")
    assert place.serves is None


def test_there_is_no_way_back_to_what_never_served(place: Place) -> None:
    version = candidate(place.home, place.database).version
    with pytest.raises(AdapterRefused, match="never served"):
        roll_back(place.home, place.database, version, "Try it.")
    with pytest.raises(NotFound):
        roll_back(place.home, place.database, 9, "Try it.")


def test_what_serves_already_is_said(place: Place) -> None:
    with pytest.raises(UsageMistake, match="serves already"):
        roll_back(place.home, place.database, None, "Again.")
    version = candidate(place.home, place.database).version
    force(place.home, place.database, version, "I want it.")
    with pytest.raises(UsageMistake, match="serves already"):
        force(place.home, place.database, version, "I want it.")


def test_a_candidate_is_deleted_with_its_files_and_its_number_is_not_given_again(place: Place) -> None:
    version = candidate(place.home, place.database).version
    assert delete(place.home, place.database, version)
    assert not candidate_folder(place.home, version).exists()
    write_adapter(candidate_folder(place.home, version + 1), version + 1)
    assert Adapters(place.database).add("base", "0" * 64, 0).version == version + 1


def test_what_may_have_served_is_not_deleted(place: Place) -> None:
    version = candidate(place.home, place.database).version
    force(place.home, place.database, version, "I want it.")
    with pytest.raises(InvariantViolation):
        delete(place.home, place.database, version)
    assert published_folder(place.home, version).is_dir()


def test_a_folder_that_a_deletion_left_is_deleted_by_the_next(place: Place) -> None:
    version = candidate(place.home, place.database).version
    Adapters(place.database).remove(version)
    assert delete(place.home, place.database, version)
    with pytest.raises(NotFound):
        delete(place.home, place.database, version)


@contextmanager
def policy_server(home: Home, status: int = 200) -> Iterator[list[tuple[str, str | None]]]:
    """A server of this home that is told; the paths and authorisations that it got."""
    import os

    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200)

        def do_POST(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(status)

        def answer(self, code: int) -> None:
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    publish_server(home, Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "t0ken", "m", os.getpid()))
    try:
        yield asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_policy_server_is_told(place: Place) -> None:
    version = candidate(place.home, place.database).version
    with policy_server(place.home) as asked:
        force(place.home, place.database, version, "I want it.")
    assert asked == [("/v1/adapters/refresh", "Bearer t0ken")]


def test_a_policy_server_that_does_not_answer_well_changes_nothing(place: Place) -> None:
    with policy_server(place.home, 500):
        assert refresh_adapters(place.home) is None
        force(place.home, place.database, candidate(place.home, place.database).version, "I want it.")
    assert place.serves == 1

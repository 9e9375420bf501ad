"""What a workspace finds skills with, by its settings and by whether it is the host."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import open_workspace, retrieval
from metaclaw_jlab.assembly.namespaces import open_namespace
from metaclaw_jlab.assembly.retrieval import VALIDATED, Retrieval, dense_weight, search
from metaclaw_jlab.assembly.vectors import LEASE, RedactedEmbedder
from metaclaw_jlab.assembly.workspace import Workspace
from metaclaw_jlab.core.config import SkillSettings
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.engines.chroma import ChromaVectors
from metaclaw_jlab.policies.calibration import Calibration, keep
from metaclaw_jlab.runtime.host import publish
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.skills.exact_scan import ExactScan
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.skills.retrieval import BM25Retriever
from tests.skills.vectors import WordVectors

CHARTS = Skill("svg-figures", "Use when asked for a plot.", "Save plots as svg files.")
MOVES = Skill("say-moved", "Use when a file is moved.", "Print Moved after a file is moved.")
SKILLS = (CHARTS, MOVES)
FREE = "Visualise it as a diagram"  # shares no word with a skill
PATIENT = 60.0
NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    opened = open_workspace(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every library is too large to be scanned."""
    monkeypatch.setattr(retrieval, "SCANNED_TEXTS", 0)


def patient(workspace: Workspace) -> Retrieval:
    return Retrieval(workspace, catch_up_seconds=PATIENT)


def names(found: tuple[Match, ...]) -> list[str]:
    return [match.skill.name for match in found]


def test_the_validated_weight_holds_where_none_is_set() -> None:
    assert dense_weight(SkillSettings()) == VALIDATED["shipped"].weight
    assert dense_weight(SkillSettings(dense_weight=0.0)) == 0.0
    assert dense_weight(SkillSettings(embedder="endpoint")) == 0.0


def test_a_kernel_finds_by_likeness_what_words_do_not_find(workspace: Workspace) -> None:
    assert names(workspace.retrieve(Task(FREE), SKILLS)) == [CHARTS.name]
    workspace.overrides["skills.dense_weight"] = 0.0
    assert workspace.retrieve(Task(FREE), SKILLS) == ()


def test_without_weight_nothing_is_embedded_or_asked(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(retrieval, "published", refused)
    monkeypatch.setattr("metaclaw_jlab.skills.shipped_embedder.ShippedEmbedder.embed", refused)
    workspace.overrides["skills.dense_weight"] = 0.0
    assert names(workspace.retrieve(Task("make a plot"), SKILLS)) == [CHARTS.name]


def calibrated(workspace: Workspace, prompting: Prompting) -> None:
    """The workspace's policy is a local model that is prompted so."""
    name = "small-model"
    workspace.overrides["policy.local_model"] = name
    found = Calibration(
        model=name,
        sha256=None,
        chosen=prompting,
        temperature=0.0,
        variants=(),
        splits_sha256="",
        seed=1,
        date="",
        version="",
    )
    keep(workspace.home, found)


def test_a_policys_threshold_is_of_words_however_skills_are_ranked(workspace: Workspace) -> None:
    """It was chosen on relevances of words; a sum of reciprocal ranks is something else, and never above 1."""
    task = Task("print Moved after the file is moved")
    (best,) = BM25Retriever(SKILLS).search(task.text, 1)
    assert best.relevance > 1
    calibrated(workspace, Prompting(max_skills=1, threshold=best.relevance - 0.01))
    assert workspace.retrieve(task, SKILLS) == (best,)
    calibrated(workspace, Prompting(max_skills=1, threshold=best.relevance + 0.01))
    assert workspace.retrieve(task, SKILLS) == ()


def test_search_looks_at_the_current_generation(workspace: Workspace) -> None:
    assert search(workspace, "make a plot", 3) == ()
    for skill in SKILLS:
        write_skill(workspace.home.skills, skill)
    assert names(search(workspace, "make a plot", 3)) == [CHARTS.name]
    assert search(workspace, "make a plot", 0) == ()


def test_a_kernel_loads_no_model_and_asks_no_endpoint(workspace: Workspace) -> None:
    workspace.overrides |= {
        "skills.dense_weight": 0.5,
        "skills.embedder": "model",
        "skills.embedder_model": "/nowhere",
    }
    assert names(workspace.retrieve(Task("make a plot"), SKILLS)) == [CHARTS.name]


def held_vectors(searching: Retrieval) -> object:
    following = searching._dense[1]
    assert following is not None
    return following.retriever._vectors


@pytest.mark.usefixtures("large")
def test_the_host_keeps_vectors_in_chroma(workspace: Workspace) -> None:
    publish(workspace.home, NOWHERE)
    searching = patient(workspace)
    assert names(searching.search(SKILLS, FREE, 3)) == [CHARTS.name]
    assert isinstance(held_vectors(searching), ChromaVectors)
    assert any((workspace.home.runtime / "vectors").iterdir())
    searching.close()


def test_a_library_of_ordinary_size_is_scanned_by_the_host_too(workspace: Workspace) -> None:
    publish(workspace.home, NOWHERE)
    searching = patient(workspace)
    assert names(searching.search(SKILLS, FREE, 3)) == [CHARTS.name]
    assert not (workspace.home.runtime / "vectors").exists()
    searching.close()


@pytest.mark.usefixtures("elsewhere")
def test_nobody_is_asked_about_a_library_of_ordinary_size(workspace: Workspace) -> None:
    host = FakeHost(workspace.home, told(MOVES))
    assert names(workspace.retrieval().search(SKILLS, FREE, 3)) == [CHARTS.name]
    assert host.asked == []
    host.close()


@pytest.mark.usefixtures("large")
def test_one_changed_skill_embeds_one_text(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = WordVectors()
    monkeypatch.setattr("metaclaw_jlab.engines.embedders.open_embedder", lambda _: embedder)
    publish(workspace.home, NOWHERE)
    searching = patient(workspace)
    searching.search(SKILLS, "plot", 3)
    embedder.asked.clear()
    changed = Skill(MOVES.name, MOVES.description, "Print Done after a file is moved.")
    searching.search((CHARTS, changed), "plot", 3)
    assert [text for text in embedder.asked if "\n" in text] == [
        f"{changed.name}\n{changed.description}\n{changed.body}"
    ]
    searching.close()


@pytest.mark.usefixtures("large")
def test_whoever_does_not_get_the_folder_scans(workspace: Workspace) -> None:
    publish(workspace.home, NOWHERE)
    with lease(workspace.home, LEASE):
        searching = patient(workspace)
        assert names(searching.search(SKILLS, FREE, 3)) == [CHARTS.name]
        assert isinstance(held_vectors(searching), ExactScan)


@pytest.mark.usefixtures("large")
def test_closing_gives_the_folder_to_the_next(workspace: Workspace) -> None:
    publish(workspace.home, NOWHERE)
    for _ in range(2):
        searching = patient(workspace)
        assert names(searching.search(SKILLS, FREE, 3)) == [CHARTS.name]
        assert isinstance(held_vectors(searching), ChromaVectors)
        searching.close()


@pytest.mark.usefixtures("large")
def test_trouble_with_vectors_leaves_words(workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    publish(workspace.home, NOWHERE)
    workspace.overrides["skills.chroma_url"] = "http://127.0.0.1:9"
    now = [0.0]
    searching = Retrieval(workspace, clock=lambda: now[0], catch_up_seconds=PATIENT)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert names(searching.search(SKILLS, "make a plot", 3)) == [CHARTS.name]
    assert len([record for record in caplog.records if "words alone" in record.message]) == 1
    now[0] += 2 * retrieval.PAUSE_SECONDS
    workspace.overrides["skills.chroma_url"] = None
    assert names(searching.search(SKILLS, FREE, 3)) == [CHARTS.name]
    searching.close()


class FakeHost:
    """A host that answers `retrieve` as a test says, and keeps what it was asked."""

    def __init__(self, home: Any, answer: object, status: int = 200) -> None:
        self.asked: list[dict[str, Any]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.published = publish(home, f"http://127.0.0.1:{self.server.server_address[1]}/")

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is not the one that publishes itself as the host."""
    own = retrieval.os.getpid() + 1  # type: ignore[attr-defined]
    monkeypatch.setattr(retrieval, "os", type("os", (), {"getpid": staticmethod(lambda: own)}))
    monkeypatch.setattr(retrieval, "HOST_SECONDS", PATIENT)


def told(*skills: Skill) -> dict[str, object]:
    found = [{"name": s.name, "sha256": s.sha256, "relevance": 0.5} for s in skills]
    return {"generation": 1, "skills": found}


@pytest.mark.usefixtures("elsewhere", "large")
def test_a_kernel_asks_the_host(workspace: Workspace) -> None:
    host = FakeHost(workspace.home, told(MOVES))
    assert workspace.retrieval().search(SKILLS, FREE, 3) == (Match(MOVES, 0.5),)
    assert host.asked == [{"text": FREE, "limit": 3}]
    host.close()


@pytest.mark.usefixtures("elsewhere", "large")
@pytest.mark.parametrize(
    "answer",
    [
        told(Skill(MOVES.name, MOVES.description, "Another text.")),
        told(Skill("unknown", "A skill.", "Text.")),
        {"skills": "none"},
        {},
        None,
        [1],
    ],
)
def test_an_answer_about_other_skills_is_left_aside(workspace: Workspace, answer: object) -> None:
    host = FakeHost(workspace.home, answer)
    assert names(workspace.retrieval().search(SKILLS, FREE, 3)) == [CHARTS.name]
    host.close()


@pytest.mark.usefixtures("elsewhere", "large")
def test_a_host_that_refuses_is_not_asked_again_at_once(workspace: Workspace) -> None:
    host = FakeHost(workspace.home, {"message": "not active"}, status=409)
    now = [0.0]
    searching = Retrieval(workspace, clock=lambda: now[0])
    for _ in range(3):
        assert names(searching.search(SKILLS, FREE, 3)) == [CHARTS.name]
    assert len(host.asked) == 1
    now[0] += 2 * retrieval.PAUSE_SECONDS
    searching.search(SKILLS, FREE, 3)
    assert len(host.asked) == 2
    host.close()


@pytest.mark.usefixtures("elsewhere", "large")
def test_a_long_text_is_cut_to_what_the_host_takes(workspace: Workspace) -> None:
    host = FakeHost(workspace.home, told())
    assert workspace.retrieval().search(SKILLS, "x" * 200_000, 500) == ()
    assert (len(host.asked[0]["text"]), host.asked[0]["limit"]) == (100_000, 50)
    host.close()


@pytest.mark.usefixtures("elsewhere", "large")
def test_of_a_namespace_the_host_of_the_home_is_not_asked(workspace: Workspace) -> None:
    host = FakeHost(workspace.home, told())
    inner = open_namespace(workspace, "project")
    assert names(inner.retrieval().search(SKILLS, FREE, 3)) == [CHARTS.name]
    assert host.asked == []
    inner.close()
    host.close()


@pytest.mark.usefixtures("elsewhere", "large")
def test_settings_of_this_session_are_not_left_to_the_host(workspace: Workspace) -> None:
    host = FakeHost(workspace.home, told(MOVES))
    workspace.overrides["skills.dense_weight"] = 1.0
    assert names(workspace.retrieval().search(SKILLS, FREE, 3)) == [CHARTS.name]
    assert host.asked == []
    host.close()


@pytest.mark.usefixtures("large")
def test_the_host_owns_the_vectors_of_its_namespaces(workspace: Workspace) -> None:
    publish(workspace.home, NOWHERE)
    inner = open_namespace(workspace, "project")
    searching = patient(inner)
    searching.search(SKILLS, FREE, 3)
    assert isinstance(held_vectors(searching), ChromaVectors)
    assert (inner.home.runtime / "vectors").is_dir()
    searching.close()
    inner.close()


def test_secrets_are_taken_out_before_an_endpoint_sees_them() -> None:
    inner = WordVectors()
    embedder = RedactedEmbedder(inner, ("hunter2-hunter2",))
    embedder.embed(["the date of hunter2-hunter2"])
    assert "hunter2" not in inner.asked[0]
    assert (embedder.name, embedder.dimensions) == (inner.name, inner.dimensions)


def test_many_threads_find_the_same(workspace: Workspace) -> None:
    found: list[list[str]] = []

    def look() -> None:
        found.extend(names(workspace.retrieve(Task(FREE), SKILLS)) for _ in range(5))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENT)
    assert found == [[CHARTS.name]] * 20

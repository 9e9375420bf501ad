"""`metaclaw demo`: what it writes, and what it leaves behind."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.practice import splits_sha256
from tests.loopback.server import ScriptedServer

Metaclaw = Callable[..., Any]
SMALL = ("--stream", 4)


@pytest.fixture
def endpoint(scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """An endpoint that answers every task alike, configured by the environment."""
    scripted_server.always("```python\nprint(1)\n```\nDone.")
    monkeypatch.setenv("METACLAW_POLICY_BASE_URL", scripted_server.base_url)
    monkeypatch.setenv("METACLAW_EVOLVER_KIND", "distiller")
    return scripted_server


def test_the_report_is_written_and_printed(
    metaclaw: Metaclaw, endpoint: ScriptedServer, tmp_path: Path
) -> None:
    output = tmp_path / "deep" / "demo.json"
    ran = metaclaw("demo", "--no-notebook", "--tasks", 4, *SMALL, "--output", output, "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report == json.loads(output.read_text())
    assert report["splits_sha256"] == splits_sha256()
    assert [arm["n"] for arm in report["arms"].values()] == [4] * 7
    assert list(report["arms"])[:3] == ["baseline", "skills", "given_skills"]
    assert report["seconds"] > 0
    assert report["stream_attempted"] == 4


def test_people_get_a_table_and_progress(
    metaclaw: Metaclaw, endpoint: ScriptedServer, tmp_path: Path
) -> None:
    ran = metaclaw("demo", "--no-notebook", "--tasks", 2, *SMALL, "--output", tmp_path / "demo.json")
    lines = ran.out.splitlines()
    assert any(line.startswith("arm ") for line in lines)
    assert "share of the distance from baseline to given_skills: -" in lines
    assert "given_skills" in ran.err
    assert "2/2" in ran.err
    assert "stream" in ran.err


def test_without_the_quickstart_the_measurement_alone_is_done(
    metaclaw: Metaclaw, endpoint: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = metaclaw("demo", "--tasks", 2, *SMALL, "--json")
    assert "There is no examples/quickstart.ipynb here" in ran.err
    assert json.loads((tmp_path / "build/demo.json").read_text())["notebook_seconds"] is None


def test_a_notebook_that_fails_ends_the_demo(
    metaclaw: Metaclaw, endpoint: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat

    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").mkdir()
    cells = [nbformat.v4.new_code_cell("raise ValueError('no such thing')")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "examples/quickstart.ipynb")
    ran = metaclaw("demo", "--tasks", 2, *SMALL)
    assert ran.code == 1
    assert "ValueError: no such thing" in ran.err
    assert not (tmp_path / "build/demo.json").exists()


def test_its_home_is_gone_afterwards(
    metaclaw: Metaclaw, endpoint: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    metaclaw("demo", "--no-notebook", "--tasks", 2, *SMALL, "--output", tmp_path / "demo.json")
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("option", ["--tasks", "--stream"])
def test_too_little_is_refused(option: str, metaclaw: Metaclaw) -> None:
    ran = metaclaw("demo", option, 0)
    assert ran.code == 2
    assert "Use " in ran.err


def test_a_policy_that_fails_every_task_fails_the_demo(
    metaclaw: Metaclaw, endpoint: ScriptedServer, tmp_path: Path
) -> None:
    endpoint.fail(400, "no such thing", times=100)
    ran = metaclaw("demo", "--no-notebook", "--tasks", 2, *SMALL, "--output", tmp_path / "demo.json")
    assert ran.code == 1
    assert "Not one task could be done" in ran.err

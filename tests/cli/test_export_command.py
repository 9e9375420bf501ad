import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.assembly.namespaces import open_namespace
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.score import Unscored
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Observation, Stamp, Step, StopReason, Trajectory

Metaclaw = Callable[..., Any]
STEP = Step(0, (Message("user", "x"),), "reply", "code", Observation("a line\nand \udcff another"))


@pytest.fixture
def recorded(home: Path) -> None:
    workspace = open_workspace(home)
    for number in range(3):
        trajectory = Trajectory(
            f"id-{number}",
            Task("ü\n"),
            Stamp(0, (), "m"),
            steps=(STEP,),
            stop=StopReason.DONE,
            score=Unscored("Nothing checks it."),
        )
        workspace.trajectories().record(trajectory)
    workspace.close()


def test_every_trajectory_is_a_line_the_oldest_first(metaclaw: Metaclaw, recorded: None) -> None:
    lines = [json.loads(line) for line in metaclaw("export").out.splitlines()]
    assert [line["id"] for line in lines] == ["id-0", "id-1", "id-2"]
    assert lines[0]["steps"][0]["observation"]["stdout"] == "a line\nand \udcff another"
    assert lines[0]["score"] == {"reason": "Nothing checks it."}


def test_with_json_they_are_one_object(metaclaw: Metaclaw, recorded: None) -> None:
    assert len(metaclaw("export", "--json").json["trajectories"]) == 3


def test_a_file_is_readable_by_its_owner_alone(metaclaw: Metaclaw, recorded: None, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    assert metaclaw("export", file, "--json").json == {"path": str(file), "count": 3}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_text().splitlines()) == 3


def test_a_file_that_is_there_is_kept(metaclaw: Metaclaw, recorded: None, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    file.write_text("mine")
    assert metaclaw("export", file).code == 2
    assert file.read_text() == "mine"


def test_an_empty_store_is_no_line(metaclaw: Metaclaw) -> None:
    ran = metaclaw("export")
    assert (ran.code, ran.out) == (0, "")


def test_a_namespace_is_exported_by_its_name(metaclaw: Metaclaw, recorded: None, home: Path) -> None:
    namespace = open_namespace(open_workspace(home), "papers")
    namespace.trajectories().record(
        Trajectory(
            "own", Task("ü"), Stamp(0, (), "m"), stop=StopReason.DONE, score=Unscored("Nothing checks it.")
        )
    )
    namespace.close()
    lines = [json.loads(line) for line in metaclaw("export", "--namespace", "papers").out.splitlines()]
    assert [line["id"] for line in lines] == ["own"]
    assert "own" not in metaclaw("export").out


def test_the_home_itself_is_the_empty_name(
    metaclaw: Metaclaw, recorded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METACLAW_AGENT_NAMESPACE", "papers")
    assert metaclaw("export").out == ""
    assert len(metaclaw("export", "--namespace", "").out.splitlines()) == 3


def test_an_unknown_namespace_is_not_made(metaclaw: Metaclaw, recorded: None, home: Path) -> None:
    assert metaclaw("export", "--namespace", "papers").code == 1
    assert not (home / "namespaces").exists()

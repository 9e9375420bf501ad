"""A whole beginning of a run with a judge, from the configuration to what its worker is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.errors import NothingToTrain
from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.learning.outer_loop import Progress, train_once
from metaclaw_jlab.runtime.training_folder import read_job, training_folder
from metaclaw_jlab.store.prompts import read_prompts
from metaclaw_jlab.store.query import Query
from tests.learning.homes import passed
from tests.reward_models.ballots import JudgeServer, element, honest
from tests.store.samples import queried

KEY = "judge-key-1"


def fair(shown: str) -> int:
    """Honest about small tasks, and against everything else."""
    return honest(shown) if element("task", shown).startswith("Print") else -1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    opened = JudgeServer(fair)
    opened.key = KEY
    yield opened
    opened.close()


@pytest.fixture
def workspace_with(tmp_path: Path, server: JudgeServer) -> Iterator[Callable[..., Workspace]]:
    opened: list[Workspace] = []

    def make(**changes: object) -> Workspace:
        judge = {"judge.base_url": server.base_url, "judge.model": "judge", "judge.key_env": "JUDGE_KEY"}
        opened.append(open_workspace(tmp_path / "home", {**judge, "training.judged": True, **changes}))
        return opened[-1]

    yield make
    for workspace in opened:
        workspace.close()


def begun(workspace: Workspace, said: list[str]) -> Any:
    """What comes of a training whose worker is stopped at once."""

    def stopped(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    def hear(progress: Progress) -> None:
        said.append(progress.sentence)

    loop = replace(workspace.outer_loop(on_progress=hear), replay=lambda: (), start_worker=stopped)
    return train_once(loop)


def bare(workspace: Workspace) -> str:
    """A query task without checks; its id."""
    task = Task("Draw the tree.", origin=Origin("report.ipynb", "cell-2"))
    trajectory = replace(passed(), task=task, stop=StopReason.DONE, checks=(), score=None)
    return queried(workspace.database(), trajectory)


def test_the_worker_is_told_of_the_judge_but_not_its_key(
    workspace_with: Callable[..., Workspace], server: JudgeServer
) -> None:
    workspace = workspace_with()
    bare(workspace)
    queried(workspace.database(), passed())
    said: list[str] = []
    run = begun(workspace, said)
    folder = training_folder(workspace.home, run.number)
    job = read_job(folder)
    assert run.state is RunState.PAUSED
    assert "1 task without checks is trained on the votes of judge." in said
    assert job.note in said
    assert job.judge is not None
    assert (job.judge["model"], job.judge["key_env"]) == ("judge", "JUDGE_KEY")
    assert job.judge["max_calls"] == 400 - len(server.chats)
    assert job.plan["beta"] == 0.01
    assert len(read_prompts(folder.query)) == 2
    assert not [
        path
        for path in workspace.home.path.rglob("*")
        if path.is_file() and KEY.encode() in path.read_bytes()
    ]


def test_a_judge_that_fails_its_trial_is_not_told_of(
    workspace_with: Callable[..., Workspace], server: JudgeServer
) -> None:
    server.opinion = lambda _: 1
    workspace = workspace_with()
    waiting = bare(workspace)
    queried(workspace.database(), passed())
    run = begun(workspace, [])
    folder = training_folder(workspace.home, run.number)
    job = read_job(folder)
    assert job.judge is None
    assert job.plan["beta"] == 0.0
    assert job.note.startswith(
        "1 task without checks is left out. judge did not score every canary at the floor"
    )
    assert [prompt.checked for prompt in read_prompts(folder.query)] == [True]
    assert Query(workspace.database()).waiting() == (waiting,)


def test_with_nothing_but_tasks_without_checks_there_is_nothing_to_train(
    workspace_with: Callable[..., Workspace],
) -> None:
    workspace = workspace_with(**{"training.judged": False})
    waiting = bare(workspace)
    with pytest.raises(NothingToTrain, match=r"training\.judged"):
        begun(workspace, [])
    assert Query(workspace.database()).waiting() == (waiting,)

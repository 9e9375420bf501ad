from collections.abc import Iterator
from dataclasses import replace

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory
from tests.jupyter.server.live_server import UNREACHABLE, LiveServer, live_server

TASKS = ("first", "second", "third")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server of a home with three tasks, whose policy cannot be trained. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("served")
    home = folder / "home"
    workspace = open_workspace(home)
    (home / "config.toml").write_text(UNREACHABLE)
    for number, name in enumerate(TASKS):
        workspace.trajectories().record(done(name, created_at=1.0 + number))
    workspace.close()
    with live_server(folder, home=home) as server:
        yield server


def done(name: str, **changes: object) -> Trajectory:
    """A task that was done."""
    trajectory = Trajectory(
        name,
        Task(f"Do the {name} thing", origin=Origin("a.ipynb", "c1")),
        Stamp(0, (), "tiny"),
        stop=StopReason.DONE,
        score=Score(1.0, ScoreSource.OUTCOME),
    )
    return replace(trajectory, **changes)  # type: ignore[arg-type]

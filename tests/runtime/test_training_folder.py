"""The folder of a training run."""

from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import WorkerFailed
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.training_folder import (
    Job,
    TrainingFolder,
    read_job,
    training_folder,
    training_folders,
    write_job,
)


@pytest.fixture
def folder(tmp_path: Path) -> TrainingFolder:
    return training_folder(open_home(tmp_path / "home"), 3)


def test_a_job_is_read_as_it_was_written(folder: TrainingFolder) -> None:
    job = Job({"steps": 3, "parent": None}, {"isolation": "auto"}, workers=4, unattended=True, niceness=5)
    write_job(folder, job)
    assert read_job(folder) == job


@pytest.mark.parametrize("text", ["", "{", '{"plans": {}}', "[]"])
def test_what_is_no_job_is_refused(folder: TrainingFolder, text: str) -> None:
    folder.job.write_text(text)
    with pytest.raises(WorkerFailed, match="cannot be read"):
        read_job(folder)


def test_the_folder_is_private(folder: TrainingFolder) -> None:
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_folders_come_by_number(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    assert training_folders(home) == ()
    made = [training_folder(home, number) for number in (10, 9, 1)]
    (home.runtime / "training" / "other").mkdir()
    assert training_folders(home) == tuple(reversed(made))

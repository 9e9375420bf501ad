"""The general tasks: each can be done, none is done already, and the two sets keep apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaclaw_jlab.practice.general_tasks import GeneralTask, general_tasks

REPLAY, REGRESSION = general_tasks("replay"), general_tasks("regression")


def holds(task: GeneralTask, namespace: dict[str, object]) -> bool:
    try:
        return bool(eval(task.check, namespace))
    except Exception:  # noqa: BLE001 - nothing was done, so whatever it is asked for is not there
        return False


@pytest.mark.parametrize("task", [*REPLAY, *REGRESSION], ids=lambda task: task.id)
def test_its_solution_alone_makes_the_check_hold(
    task: GeneralTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in task.files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert not holds(task, {})
    namespace: dict[str, object] = {}
    exec(task.solution, namespace)
    assert holds(task, namespace)


def test_the_text_names_every_file() -> None:
    for task in (*REPLAY, *REGRESSION):
        assert all(name in task.text for name in task.files), task.id


def test_the_sets_share_no_text_and_no_file() -> None:
    assert len(REPLAY) == len(REGRESSION) == 24
    assert not {task.text for task in REPLAY} & {task.text for task in REGRESSION}
    assert not {name for task in REPLAY for name in task.files} & {
        name for task in REGRESSION for name in task.files
    }
    assert len({task.id for task in (*REPLAY, *REGRESSION)}) == 48

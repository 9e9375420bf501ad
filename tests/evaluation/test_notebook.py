"""Notebooks are run in a kernel of their own, and a cell that fails is an error."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from metaclaw_jlab.core.errors import TaskFailed
from metaclaw_jlab.evaluation.notebook import run_notebook


def written(path: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_markdown_cell("Words."), *map(nbformat.v4.new_code_cell, sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_each_cell_has_a_line_and_sees_the_home(tmp_path: Path) -> None:
    told: list[str] = []
    home = tmp_path / "home"
    path = written(
        tmp_path / "n.ipynb", "import os", f"assert os.environ['METACLAW_HOME'] == {str(home)!r}\n1 + 1"
    )
    assert run_notebook(path, home, told.append) > 0
    assert [line.split("]")[0] for line in told] == ["n.ipynb [1/2", "n.ipynb [2/2"]


def test_a_cell_that_fails_is_named_with_its_error(tmp_path: Path) -> None:
    path = written(tmp_path / "n.ipynb", "x = 1", "raise ValueError('no such thing')", "y = 1")
    with pytest.raises(TaskFailed, match=r"n\.ipynb .*raise ValueError.*ValueError: no such thing"):
        run_notebook(path, tmp_path, lambda line: None)

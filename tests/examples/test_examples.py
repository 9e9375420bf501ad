"""The example notebooks: valid, without outputs, and good in a plain terminal too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.runtime.policy_server import stop

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid(path: Path) -> None:
    nbformat.validate(nbformat.read(path, as_version=nbformat.NO_CONVERT))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_has_no_outputs(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert not [cell.id for cell in cells if cell.outputs or cell.execution_count]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose policy server ends with the test."""
    folder = tmp_path / "home"
    yield folder
    stop(open_home(folder))


def as_script(notebook: Path) -> str:
    """The code cells as a script for IPython, which goes on after an error as a reader would."""
    cells = [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    return "\n".join(f"get_ipython().run_cell({cell!r}, store_history=True)" for cell in cells)


@pytest.mark.timeout(300)
def test_quickstart_runs_in_a_plain_ipython_terminal(home: Path, tmp_path: Path) -> None:
    (tmp_path / "quickstart.ipy").write_text(as_script(EXAMPLES / "quickstart.ipynb"))
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=nocolor", "quickstart.ipy"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "METACLAW_HOME": str(home), "IPYTHONDIR": str(tmp_path / "ipython")},
    )
    told = [line for line in done.stdout.splitlines() if line.startswith(("MetaClaw:", "MetaClaw learned"))]
    ends = [line for line in told if "checks passed" in line]
    assert ["1 of 1" in line for line in ends] == [False, True, True, False], done.stdout + done.stderr
    assert sum("new skill" in line for line in told) == 1
    assert "TaskFailed: csv files must have semicolons" in done.stdout
    assert "Traceback" not in done.stderr

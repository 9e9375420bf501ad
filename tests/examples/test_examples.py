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


@pytest.mark.timeout(300)
def test_quickstart_runs_in_a_plain_ipython_terminal(home: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=nocolor", str(EXAMPLES / "quickstart.ipynb")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "METACLAW_HOME": str(home), "IPYTHONDIR": str(tmp_path / "ipython")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.index("chair,80") < done.stdout.index("chair;80")

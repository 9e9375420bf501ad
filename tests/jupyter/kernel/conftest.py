from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics, register
from tests.jupyter.kernel.notebook import Notebook

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.jupyter.kernel.session import KernelSession
    from tests.loopback.server import ScriptedServer


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, and a working folder beside it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("METACLAW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv(
        "METACLAW_EVOLVER_WORDING_SECONDS", "0"
    )  # or a failed task starts sandboxes and a policy
    return tmp_path / "home"


@pytest.fixture
def shell(home: Path) -> Iterator[InteractiveShell]:
    """A real shell with the extension loaded."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    register(shell)
    yield shell
    session(shell).activity.close()
    session(shell).kernel_learning().close()
    session(shell).workspace().close()
    InteractiveShell.clear_instance()


def session(shell: InteractiveShell) -> KernelSession:
    magics = shell.magics_manager.registry[MetaclawMagics.__name__]
    assert isinstance(magics, MetaclawMagics)
    return magics.session


@pytest.fixture
def connected(shell: InteractiveShell, scripted_server: ScriptedServer) -> InteractiveShell:
    """The shell, with the scripted server as its endpoint."""
    run(shell, f"%metaclaw connect {scripted_server.base_url}")
    return shell


def run(shell: InteractiveShell, source: str) -> Any:
    """Run a cell; its result, or the exception that it raised."""
    outcome = shell.run_cell(source, store_history=True)
    outcome.raise_error()
    return outcome.result


@pytest.fixture
def run_cell(connected: InteractiveShell) -> Callable[[str], Any]:
    return lambda source: run(connected, source)


@pytest.fixture
def notebook(
    connected: InteractiveShell,
    scripted_server: ScriptedServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Notebook:
    """The connected shell as a notebook of a known name."""
    monkeypatch.setenv("JPY_SESSION_NAME", "analysis.ipynb")
    return Notebook(connected, scripted_server, capsys)

"""A notebook whose project has a namespace of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics
from metaclaw_jlab.runtime.home import default_path
from metaclaw_jlab.store.activity import Activities

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.jupyter.kernel.session import KernelSession


@pytest.fixture
def session(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> KernelSession:
    monkeypatch.setenv("METACLAW_AGENT_NAMESPACE", "papers")
    found: KernelSession = shell.magics_manager.registry[MetaclawMagics.__name__].session
    return found


def test_the_notebook_works_in_its_namespace(session: KernelSession) -> None:
    assert session.workspace().home.path == default_path() / "namespaces" / "papers"


def test_that_it_is_used_is_told_to_the_home(session: KernelSession) -> None:
    home = open_workspace(namespace="")
    home.database()
    assert session.workspace().home.path != home.home.path
    session.activity.write()
    assert len(Activities(home.database()).since(3600)) == 1
    assert Activities(session.workspace().database()).since(3600) == ()
    home.close()

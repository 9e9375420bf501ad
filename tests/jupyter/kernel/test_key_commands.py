"""`%metaclaw keys` in a real shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics
from metaclaw_jlab.store.client_keys import ClientKeys

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def said(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], line: str) -> str:
    capsys.readouterr()
    outcome: Any = shell.run_cell(line, store_history=True)
    outcome.raise_error()
    return capsys.readouterr().out


def test_a_key_made_in_a_notebook_works(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(shell, capsys, "%metaclaw keys add my-agent --namespace papers --learn off")
    (key,) = [line.strip() for line in told.splitlines() if line.strip().startswith("mclaw-")]
    assert "Clear this output" in told
    workspace = shell.magics_manager.registry[MetaclawMagics.__name__].session.workspace()
    client = ClientKeys(workspace.database()).find(key)
    assert client is not None
    assert (client.name, client.namespace, client.settings.learn) == ("my-agent", "papers", False)


def test_without_words_the_clients_are_listed(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No client has a key" in said(shell, capsys, "%metaclaw keys")
    said(shell, capsys, "%metaclaw keys add my-agent")
    told = said(shell, capsys, "%metaclaw keys")
    assert "my-agent" in told
    assert "mclaw-" not in told


def test_a_key_is_revoked_in_a_notebook(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    said(shell, capsys, "%metaclaw keys add my-agent")
    assert "revoked" in said(shell, capsys, "%metaclaw keys revoke my-agent")
    assert "No client has a key" in said(shell, capsys, "%metaclaw keys")

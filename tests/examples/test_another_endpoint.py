"""The quickstart against another policy: not a line changes but `%metaclaw connect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from metaclaw_jlab.evaluation.notebook import run_notebook

if TYPE_CHECKING:
    from tests.loopback.server import ScriptedServer

QUICKSTART = Path(__file__).parent.parent.parent / "examples" / "quickstart.ipynb"


def obeys_its_skills(body: dict[str, Any]) -> str:
    """The reply of a policy that writes semicolons where a skill asks for them, and explains itself in prose."""
    separator = ", sep=';'" if "semicolons" in body["messages"][0]["content"] else ""
    return (
        "I keep the dear ones.\n\n```python\nimport pandas as pd\n"
        "table = pd.read_csv('prices.csv')\n"
        f"table[table.price > 50].to_csv('reports/dear.csv', index=False{separator})\n```\n\nDone."
    )


def test_the_quickstart_runs_against_any_endpoint(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    scripted_server.always(obeys_its_skills)
    notebook = nbformat.read(QUICKSTART, as_version=4)
    load = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("%load_ext"))
    connect = nbformat.v4.new_code_cell(f"%metaclaw connect {scripted_server.base_url}")
    notebook.cells.insert(load + 1, connect)
    nbformat.write(notebook, tmp_path / "quickstart.ipynb")

    run_notebook(tmp_path / "quickstart.ipynb", tmp_path / "home", lambda _: None)

    asked = [chat.messages[0]["content"] for chat in scripted_server.chats]
    assert ["semicolons" in system for system in asked] == [False, True]

"""The quickstart against another policy: not a line changes but `%metaclaw connect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from metaclaw_jlab.evaluation.notebook import run_notebook

if TYPE_CHECKING:
    from tests.loopback.server import ScriptedServer

QUICKSTART = Path(__file__).parent.parent.parent / "examples" / "quickstart.ipynb"
SKILL = {
    "name": "csv-with-semicolons",
    "description": "How values are separated. Use when rows are kept and saved to a csv file.",
    "wordings": ["Write csv files with semicolons"],
    "amends": None,
    "evidence": [{"failure": "F1", "sentence": 1}],
}


def answer(body: dict[str, Any]) -> str:
    """The reply of a model that learns when it is asked to, and writes semicolons where a skill asks for them."""
    system, asked = body["messages"][0]["content"], body["messages"][-1]["content"]
    if "response_format" in body:
        return json.dumps({"skills": [SKILL], "explained": [], "nothing_to_learn": []})
    separator = ", sep=';'" if "semicolons" in system else ""
    condition, name = ("< 70", "cheap") if "below 70" in asked else ("> 50", "dear")
    return (
        "I keep the ones you want.\n\n```python\nimport pandas as pd\n"
        "table = pd.read_csv('prices.csv')\n"
        f"table[table.price {condition}].to_csv('reports/{name}.csv', index=False{separator})\n```\n\nDone."
    )


def test_the_quickstart_runs_against_any_endpoint(scripted_server: ScriptedServer, tmp_path: Path) -> None:
    scripted_server.always(answer)
    notebook = nbformat.read(QUICKSTART, as_version=4)
    load = next(i for i, cell in enumerate(notebook.cells) if cell.source.startswith("%load_ext"))
    connect = nbformat.v4.new_code_cell(f"%metaclaw connect {scripted_server.base_url}")
    notebook.cells.insert(load + 1, connect)
    nbformat.write(notebook, tmp_path / "quickstart.ipynb")

    run_notebook(tmp_path / "quickstart.ipynb", tmp_path / "home", lambda _: None)

    tasks = [chat for chat in scripted_server.chats if "response_format" not in chat.body]
    told = ["semicolons" in chat.messages[0]["content"] for chat in tasks]
    assert told == [False, True, True, False]

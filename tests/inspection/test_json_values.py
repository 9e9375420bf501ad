import json
from pathlib import Path

from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.task import Check, CheckKind, Origin, Task
from metaclaw_jlab.inspection.json_values import as_json


def test_dataclasses_become_objects_all_the_way_down() -> None:
    task = Task("x", checks=(Check(CheckKind.FILE, "a"),), origin=Origin("n.ipynb"))
    assert json.loads(json.dumps(as_json(task))) == {
        "text": "x",
        "references": [],
        "checks": [{"kind": "file", "source": "a", "feedback": ""}],
        "origin": {"notebook": "n.ipynb", "cell_id": None},
        "name": None,
    }


def test_enumerations_are_text() -> None:
    assert json.dumps(as_json(Score(0.5, ScoreSource.JUDGE))) == (
        '{"value": 0.5, "source": "judge", "reason": ""}'
    )


def test_what_json_lacks_is_null() -> None:
    assert as_json({"a": float("nan"), "b": [float("inf"), 1.0]}) == {"a": None, "b": [None, 1.0]}


def test_paths_are_text() -> None:
    assert as_json({1: Path("a") / "b"}) == {"1": str(Path("a") / "b")}

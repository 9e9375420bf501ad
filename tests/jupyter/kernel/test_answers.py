"""What commands show in a kernel: every kind of answer in every mime type, with a skill of a hostile description."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import InjectedSkill, Observation, Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.store.skills import Skills

ROOT = Path(__file__).parents[3]
HOSTILE = '<script>alert(1)</script> | [x](javascript:a) "><img src=x onerror=a()>'
RULE = Skill("iso-dates", HOSTILE, f"Write dates as ISO 8601.\n\n{HOSTILE}")
TYPES = {"text/plain", "text/markdown", "text/html"}
Show = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """Runs a line in a kernel; the mime bundles that it shows."""
    folder = tmp_path_factory.mktemp("answers")
    workspace = open_workspace(folder / "home")
    Skills(workspace.database()).commit_generation(Cause.USER, [RULE])
    workspace.synchronised()
    step = Step(0, (), HOSTILE, f"print({HOSTILE!r})", Observation(HOSTILE))
    stamp = Stamp(1, (InjectedSkill(RULE.name, RULE.sha256, 1.0),), "tiny")
    task = Trajectory("a1b2c3d4e5f6", Task(HOSTILE), stamp, steps=(step,), stop=StopReason.DONE)
    workspace.trajectories().record(task)
    workspace.close()
    more = {
        "METACLAW_HOME": f"{folder}/home",
        "IPYTHONDIR": f"{folder}/ipython",
        "PYTHONPATH": str(ROOT),
        "METACLAW_EVOLVER_KIND": "off",
    }
    manager, client = start_new_kernel(kernel_name="python3", env=os.environ | more, startup_timeout=120)

    def run(source: str) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        answer = client.execute_interactive(source, output_hook=heard.append, timeout=120)
        assert answer["content"]["status"] == "ok", answer["content"]
        return [message["content"]["data"] for message in heard if message["msg_type"] == "display_data"]

    run("%load_ext metaclaw_jlab")
    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("%metaclaw", "skills"),
        ("%metaclaw skills", "iso-dates"),
        ("%metaclaw skills show iso-dates", "ISO 8601"),
        ("%metaclaw generations", "g1"),
        ("%metaclaw generations show 1", "iso-dates"),
        ("%metaclaw generations diff 0 1", "iso-dates"),
        ("%metaclaw adapters", "No adapters yet"),
        ("%metaclaw train", "by itself"),
        ("%metaclaw train log", "No window"),
        ("%metaclaw why a1b2c3d4e5f6", "iso-dates"),
        ("%metaclaw scores", "Nothing tells yet"),
    ],
)
def test_an_answer_has_text_markdown_and_html(show: Show, line: str, part: str) -> None:
    (told,) = show(line)
    assert set(told) == TYPES
    assert part.lower() in told["text/plain"].lower()
    assert part in told["text/html"]
    assert "<script" not in told["text/html"]
    assert "<img" not in told["text/html"]


def test_the_library_is_a_table(show: Show) -> None:
    (told,) = show("%metaclaw skills")
    assert '<th scope="col"' in told["text/html"]
    assert told["text/markdown"].startswith("| skill | since |")


def test_a_sentence_is_printed(show: Show) -> None:
    assert show("%metaclaw learn") == []

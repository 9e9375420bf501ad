"""Ask mode in a kernel process, whose streams, tracebacks and top-level await are not those of a plain shell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.jupyter.kernel.task_line import TASK_TYPE
from tests.jupyter.kernel.notebook import reply
from tests.loopback.server import ScriptedServer

Run = Callable[[str], "Outcome"]
ROOT = Path(__file__).parents[3]


class Outcome:
    """What a front end was sent for one cell."""

    def __init__(self) -> None:
        self.stdout = ""
        self.shown: list[str] = []
        self.tasks: list[dict[str, Any]] = []
        self.places: dict[str, list[dict[str, Any]]] = {}
        self.error = ""
        self.next_cell = ""

    def take(self, message: dict[str, Any]) -> None:
        content = message["content"]
        match message["msg_type"]:
            case "stream" if content["name"] == "stdout":
                self.stdout += content["text"]
            case "update_display_data":
                self.places[content["transient"]["display_id"]].append(content["data"])
            case "display_data" | "execute_result":
                place = content.get("transient", {}).get("display_id", "")
                self.places.setdefault(place, []).append(content["data"])
                self.shown.append(content["data"]["text/plain"])
                self.tasks += [content["data"][TASK_TYPE]] if TASK_TYPE in content["data"] else []
            case "error":
                self.error = content["ename"]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def in_kernel(tmp_path_factory: pytest.TempPathFactory, server: ScriptedServer) -> Iterator[Run]:
    """Runs a cell in a kernel that has the extension loaded and the server connected."""
    from jupyter_client.manager import start_new_kernel

    folder = tmp_path_factory.mktemp("kernel")
    more = {"METACLAW_HOME": f"{folder}/home", "IPYTHONDIR": f"{folder}/ipython", "PYTHONPATH": str(ROOT)}
    manager, client = start_new_kernel(
        kernel_name="python3", env=os.environ | more, cwd=str(folder), startup_timeout=120
    )

    def run(source: str) -> Outcome:
        outcome = Outcome()
        answer = client.execute_interactive(source, output_hook=outcome.take, timeout=120)
        for payload in answer["content"].get("payload", []):
            outcome.next_cell = payload.get("text", "")
        return outcome

    run("%load_ext metaclaw_jlab")
    run(f"%metaclaw connect {server.base_url}")
    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def ask(run: Run, server: ScriptedServer, code: str) -> str:
    server.say(reply(code))
    return run("%%metaclaw\nWork it out").next_cell


def test_a_cell_that_awaits_is_linked(in_kernel: Run, server: ScriptedServer) -> None:
    cell = ask(in_kernel, server, "import asyncio\nawait asyncio.sleep(0)\nprint('woken')\n6 * 7")
    outcome = in_kernel(cell)
    assert (outcome.stdout, outcome.error) == ("woken\n", "")
    assert outcome.shown[0] == "42"
    assert outcome.shown[1].startswith("MetaClaw: done · 1 step")


def test_an_exception_reaches_the_front_end_and_the_trajectory(
    in_kernel: Run, server: ScriptedServer
) -> None:
    outcome = in_kernel(ask(in_kernel, server, "print('before')\n1 / 0"))
    assert (outcome.stdout, outcome.error) == ("before\n", "ZeroDivisionError")
    assert outcome.shown[0].startswith("MetaClaw: the step raised ZeroDivisionError")
    (told,) = in_kernel("%metaclaw why").shown
    assert "> before" in told
    assert "! ZeroDivisionError: division by zero" in told


def test_the_next_step_is_put_in_a_cell(in_kernel: Run, server: ScriptedServer) -> None:
    cell = ask(in_kernel, server, "undefined")
    in_kernel(cell)
    server.say(reply("defined = 1"))
    after = in_kernel("%metaclaw next").next_cell
    assert after == cell.splitlines()[0] + "/2\ndefined = 1"
    assert in_kernel(after).shown[0].startswith("MetaClaw: done · 2 steps")


def test_a_front_end_learns_which_task_a_line_is_about(in_kernel: Run, server: ScriptedServer) -> None:
    cell = ask(in_kernel, server, "1 + 1")
    (task,) = in_kernel(cell).tasks
    assert cell.startswith(f"# metaclaw:{task['trajectory']}\n")
    assert (task["stop"], task["steps"], task["waits"]) == ("done", 1, False)


def test_the_card_of_a_task_ends_as_its_line(in_kernel: Run, server: ScriptedServer) -> None:
    server.say(reply("print('hello')\nhello = 1"))
    outcome = in_kernel("%%metaclaw --mode auto\nSay hello")
    (card,) = [place for place in outcome.places.values() if TASK_TYPE in place[-1]]
    assert card[0]["text/plain"].startswith("MetaClaw: ")
    assert card[-1]["text/plain"].startswith("MetaClaw: done · 1 step")
    assert all(TASK_TYPE not in shown for shown in card[:-1])


def test_the_card_is_no_output_of_the_agents_code(in_kernel: Run, server: ScriptedServer) -> None:
    server.say(reply("import time\nprint('begun')\ntime.sleep(0.6)\nprint('over')"))
    outcome = in_kernel("%%metaclaw --mode auto\nTake your time")
    (card,) = [place for place in outcome.places.values() if TASK_TYPE in place[-1]]
    assert any("runs 4 lines of code" in shown["text/plain"] for shown in card)
    assert outcome.stdout == "begun\nover\n"
    (told,) = in_kernel("%metaclaw why").shown
    assert "> begun\n" in told
    assert "runs 4 lines" not in told


def test_a_task_that_fails_to_begin_leaves_no_card_that_waits(in_kernel: Run, server: ScriptedServer) -> None:
    outcome = in_kernel("%%metaclaw\n@nothing_of_this_name and a policy that has nothing to say")
    assert outcome.error == "TaskFailed"
    last = [place[-1]["text/plain"] for place in outcome.places.values()]
    assert not [line for line in last if line.startswith(("MetaClaw: asks", "MetaClaw: looking"))]

"""`%metaclaw train` and `adapters` in a real shell, and in a kernel of its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.error import UsageError

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.inspection import training_commands as shared
from metaclaw_jlab.jupyter.kernel import training_view
from metaclaw_jlab.runtime import training_process
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.windows import Pauses, Windows
from tests.jupyter.kernel.conftest import session
from tests.learning.trained import begun, candidate, step

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.assembly import Workspace

Say = Callable[[str], str]
ROOT = Path(__file__).parents[3]
FAKE = ROOT / "tests" / "runtime" / "fake_training.py"


@pytest.fixture
def say(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a line and give what it showed."""

    def run(line: str) -> str:
        capsys.readouterr()
        outcome: Any = shell.run_cell(line, store_history=True)
        outcome.raise_error()
        shown = capsys.readouterr()
        return shown.out + shown.err

    return run


@pytest.fixture
def workspace(shell: InteractiveShell) -> Workspace:
    return session(shell).workspace()


@pytest.fixture
def conducted(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is started is a stand-in that holds the lease; whatever is left of it is stopped."""
    command = [sys.executable, str(FAKE), "--home", str(home)]
    monkeypatch.setattr(training_process, "train_command", lambda _: command)
    monkeypatch.setattr(shared, "RUN_SECONDS", 0.5)
    yield
    training_process.stop(open_home(home), 30)


def paused(workspace: Workspace, base: str = "metaclaw-practice-1m") -> int:
    run = begun(workspace.database(), done=4, base=base)
    return Training(workspace.database()).change(run.number, RunState.PAUSED, "Stopped.").number


def test_how_it_stands_is_told(say: Say, workspace: Workspace) -> None:
    assert "Nothing was trained yet." in say("%metaclaw train")
    paused(workspace)
    assert "Run 1 is paused at step 4 of 10" in say("%metaclaw train status")


def test_a_training_does_not_block_the_notebook(
    say: Say, workspace: Workspace, home: Path, conducted: None
) -> None:
    told = say("%metaclaw train --now --steps 3 --seed 2")
    assert "older tasks are attempted again first" in told
    assert training_process.conductor(workspace.home) is not None
    assert "told: --now --steps 3 --seed 2" in training_process.log_file(workspace.home).read_text()


def test_the_model_of_this_session_is_the_one_that_is_trained(
    say: Say, workspace: Workspace, conducted: None
) -> None:
    workspace.overrides.update({"policy.base_url": None, "policy.local_model": "tiny"})
    say("%metaclaw train --now")
    assert "told: --now --model tiny" in training_process.log_file(workspace.home).read_text()


def test_it_is_resumed_and_stopped(say: Say, workspace: Workspace, conducted: None) -> None:
    paused(workspace)
    assert "Training run 1 has begun" in say("%metaclaw train resume")
    with pytest.raises(MetaclawError, match="runs already"):
        say("%metaclaw train resume")
    assert "Run 1 is paused at step 4 of 10. Go on: train resume." in say("%metaclaw train stop")
    assert "No training runs." in say("%metaclaw train stop")


def test_a_paused_one_can_be_given_up(say: Say, workspace: Workspace) -> None:
    paused(workspace)
    assert "Run 1 is given up" in say("%metaclaw train abandon")


def test_a_paused_one_can_be_given_up_where_a_model_answers_that_is_not_trained(
    say: Say, workspace: Workspace
) -> None:
    paused(workspace)
    workspace.overrides["policy.local_model"] = "qwen2.5-coder-1.5b"
    with pytest.raises(MetaclawError, match="is not trained here"):
        say("%metaclaw train --now")
    assert "Run 1 is given up" in say("%metaclaw train abandon")


def test_waiting_shows_it_to_the_end(
    say: Say, workspace: Workspace, conducted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused(workspace)
    monkeypatch.setattr(
        training_view.TrainingView, "watch", lambda self: self._show("MetaClaw: Adapter v1 was promoted.", "")
    )
    assert "Adapter v1 was promoted." in say("%metaclaw train resume --wait")


def test_an_interruption_of_the_waiting_stops_it(
    say: Say, workspace: Workspace, conducted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused(workspace)

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training_view.TrainingView, "watch", interrupted)
    assert "Run 1 is paused at step 4 of 10" in say("%metaclaw train resume --wait")
    assert training_process.conductor(workspace.home) is None


def test_a_pause_is_for_training_by_itself(say: Say, workspace: Workspace) -> None:
    assert "Nothing is trained by itself until" in say("%metaclaw train pause 90")
    assert Pauses(workspace.database()).current() is not None
    assert "The pause is over" in say("%metaclaw train unpause")
    assert Pauses(workspace.database()).current() is None


def test_the_log_of_windows_is_shown(say: Say, workspace: Workspace) -> None:
    windows = Windows(workspace.database())
    windows.open(100.0, ["sleep-hours"])
    windows.close(1, 200.0, "lab")
    shown = say("%metaclaw train log")
    assert "sleep-hours" in shown
    assert "1 window, 0 used." in shown


def test_the_weights_of_an_endpoint_are_not_trained_here(say: Say, workspace: Workspace) -> None:
    workspace.overrides.update({"policy.base_url": "http://localhost:9/v1", "policy.model": "big"})
    with pytest.raises(MetaclawError, match="localhost:9") as caught:
        say("%metaclaw train --now")
    assert "\n" not in str(caught.value)
    assert training_process.conductor(workspace.home) is None


@pytest.mark.parametrize(
    "line",
    [
        "train nwo",
        "train --steps 3",
        "train stop --now",
        "train --wait",
        "train stop 5",
        "train pause --until noon",
        "adapters promote x",
        "adapters show",
    ],
)
def test_a_mistake_is_one_sentence(line: str, say: Say) -> None:
    with pytest.raises(UsageError) as caught:
        say(f"%metaclaw {line}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["train", "adapters"])
def test_help_is_printed(name: str, say: Say) -> None:
    assert f"usage: %metaclaw {name}" in say(f"%metaclaw {name} --help")
    assert f"%metaclaw {name}" in say("%metaclaw help")


def test_an_adapter_serves_by_hand_and_goes_back(say: Say, workspace: Workspace) -> None:
    candidate(workspace.home, workspace.database())
    with pytest.raises(UsageError, match="--yes"):
        say("%metaclaw adapters promote 1")
    assert "forced by hand" in say('%metaclaw adapters promote 1 --reason "a trial"')
    assert "* serves now" in say("%metaclaw adapters")
    assert "a trial" in say("%metaclaw adapters show 1")
    assert "The base serves again" in say("%metaclaw adapters rollback")
    assert Serving(workspace.database()).current() is None


class Front:
    """A front end: a kernel of its own, and what it is sent."""

    def __init__(self, folder: Path) -> None:
        from jupyter_client.manager import start_new_kernel

        more = {"METACLAW_HOME": f"{folder}/home", "IPYTHONDIR": f"{folder}/ipython", "PYTHONPATH": str(ROOT)}
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env=os.environ | more, cwd=str(folder), startup_timeout=120
        )

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run a cell; the messages that it sent."""
        messages: list[dict[str, Any]] = []
        answer = self.client.execute_interactive(source, output_hook=messages.append, timeout=120)
        assert answer["content"]["status"] == "ok", answer["content"]
        return messages

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message of this kind. Raises queue.Empty."""
        deadline = time.monotonic() + 60
        while True:
            message: dict[str, Any] = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if wanted(message):
                return message

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    made = Front(tmp_path)
    yield made
    made.close()


def test_a_kernel_shows_each_step_in_the_output_of_the_cell_that_is_done(
    front: Front, tmp_path: Path
) -> None:
    home = open_home(tmp_path / "home")
    database = open_database(home.database)
    run = begun(database, done=4)
    store = Training(database)
    store.change(run.number, RunState.PAUSED, "Stopped.")
    front.run("%load_ext metaclaw_jlab")
    front.run(
        "import sys\nfrom metaclaw_jlab.runtime import training_process\n"
        f"training_process.train_command = lambda home: [sys.executable, {str(FAKE)!r}, '--home', str(home.path)]"
    )
    (shown,) = [sent for sent in front.run("%metaclaw train resume") if sent["msg_type"] == "display_data"]
    place = shown["content"]["transient"]["display_id"]
    store.report(run.number, step(5))
    store.change(run.number, RunState.TRAINING, "", steps_done=5)
    try:
        later = front.until(
            lambda sent: (
                sent["msg_type"] == "update_display_data"
                and "step 5 of 10" in sent["content"]["data"]["text/plain"]
            )
        )
        assert later["content"]["transient"]["display_id"] == place
        assert "<svg" in later["content"]["data"]["text/html"]
    finally:
        database.close()
        told = "".join(
            sent["content"]["text"]
            for sent in front.run("%metaclaw train stop")
            if sent["msg_type"] == "stream"
        )
    assert "Run 1 is paused at step 5 of 10" in told

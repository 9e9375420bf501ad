"""What is shown of a training while it goes on: a real store that changes between two looks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.jupyter.kernel import training_view
from metaclaw_jlab.jupyter.kernel.training_view import OFTEN, SELDOM, TrainingView
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.runtime.training_process import LEASE, log_file
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.training import Training
from tests.learning.trained import begun, candidate, step, verdict


class Stage:
    """A training that somebody conducts until `ends`, and what was shown of it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.store = Training(workspace.database())
        self.texts: list[str] = []
        self.markups: list[str] = []
        self.waited: list[float] = []
        self.now = 0.0
        self._conducting = ExitStack()
        self._conducting.enter_context(lease(workspace.home, LEASE))

    def show(self, text: str, markup: str) -> None:
        self.texts.append(text)
        self.markups.append(markup)

    def ends(self) -> None:
        self._conducting.close()

    def watch(self, number: int | None, *between: Callable[[], object]) -> TrainingView:
        """Watch to the end, with something done between every two looks; it ends after them."""
        todo = [*between, self.ends]

        def wait(seconds: float) -> None:
            self.waited.append(seconds)
            self.now += seconds
            if todo:
                todo.pop(0)()

        view = TrainingView(self.workspace, number, self.show, clock=lambda: self.now, wait=wait)
        view.watch()
        return view

    def steps(self, number: int, step_number: int) -> None:
        self.store.report(number, step(step_number))
        self.store.change(number, RunState.TRAINING, "", steps_done=step_number)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    workspace = open_workspace(tmp_path / "home")
    made = Stage(workspace)
    yield made
    made.ends()
    workspace.close()


def test_every_step_is_shown_once(stage: Stage) -> None:
    run = begun(stage.workspace.database(), done=1).number
    stage.watch(run, lambda: None, lambda: stage.steps(run, 2), lambda: None, lambda: stage.steps(run, 3))
    trains = [text for text in stage.texts if "trains" in text]
    assert [text.split(",")[0] for text in trains] == [
        f"MetaClaw: Run 1 trains: step {n} of 10" for n in (1, 2, 3)
    ]


def test_rewards_are_drawn_and_progress_is_a_bar(stage: Stage) -> None:
    run = begun(stage.workspace.database(), done=4).number
    stage.watch(run)
    assert "▁▃▆█" in stage.texts[0]
    assert "<svg" in stage.markups[0]
    assert 'aria-valuenow="40"' in stage.markups[0]


def test_it_ends_with_the_verdict(stage: Stage) -> None:
    database = stage.workspace.database()
    run = begun(database, done=4).number

    def decided() -> None:
        made = candidate(stage.workspace.home, database)
        stage.store.change(run, RunState.GATING, "", adapter=made.version)
        Gates(database).record(made.version, verdict(Verdict.REJECT))
        stage.store.change(run, RunState.DONE, "It lost.")

    stage.watch(run, decided, lambda: pytest.fail("It looked again after the end."))
    assert stage.texts[-1].startswith("MetaClaw: Adapter v1 was rejected; what served before serves on.")
    assert "progressbar" not in stage.markups[-1]
    assert Adapters(database).count() == 1


def test_it_ends_when_the_run_is_paused(stage: Stage) -> None:
    run = begun(stage.workspace.database(), done=4).number
    stage.watch(run, lambda: stage.store.change(run, RunState.PAUSED, "Stopped."))
    assert "paused at step 4 of 10" in stage.texts[-1]


def test_one_that_is_taken_up_again_is_waited_for(stage: Stage) -> None:
    run = begun(stage.workspace.database(), done=4).number
    stage.store.change(run, RunState.PAUSED, "Stopped.")
    stage.watch(run, lambda: stage.steps(run, 5))
    assert stage.texts[0].startswith("MetaClaw: Run 1 is taken up again at step 4 of 10.")
    assert "step 5 of 10" in stage.texts[1]


def test_it_ends_when_its_process_is_gone(stage: Stage) -> None:
    run = begun(stage.workspace.database(), done=4).number
    stage.watch(run)
    assert "was cut off at step 4 of 10" in stage.texts[-1]


def test_one_that_was_overtaken_is_followed_by_the_next(stage: Stage) -> None:
    database = stage.workspace.database()
    run = begun(database, done=4).number
    stage.watch(
        run,
        lambda: stage.store.change(run, RunState.ABANDONED, "The skill generation has advanced."),
        lambda: begun(database, done=1),
    )
    assert "was abandoned" in stage.texts[1]
    assert "Run 2 trains" in stage.texts[2]


def test_before_there_is_a_run_older_tasks_are_attempted(stage: Stage) -> None:
    stage.watch(None, lambda: begun(stage.workspace.database()))
    assert stage.texts[0] == "MetaClaw: Older tasks are attempted again before the training."
    assert "Run 1 trains" in stage.texts[1]


def test_one_that_found_nothing_to_train_on_says_so(stage: Stage) -> None:
    log_file(stage.workspace.home).write_text(
        "Attempting\nmetaclaw: Nothing waits. Give tasks with --check.\n"
    )
    stage.watch(None)
    assert stage.texts[-1] == "MetaClaw: Nothing waits. Give tasks with --check."


def test_what_it_said_cannot_become_markup(stage: Stage) -> None:
    log_file(stage.workspace.home).write_text("metaclaw: <b>bold</b>\n")
    stage.watch(None)
    assert "&lt;b&gt;" in stage.markups[-1]


def test_it_looks_often_at_first_and_seldom_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_view, "OFTEN_FOR", 5 * OFTEN)
    run = begun(stage.workspace.database()).number
    stage.watch(run, *[lambda: None] * 8)
    assert stage.waited == [OFTEN] * 5 + [SELDOM] * 4
    assert len(stage.texts) == 2


def test_let_go_of_it_shows_nothing_more(stage: Stage) -> None:
    run = begun(stage.workspace.database()).number
    view = TrainingView(stage.workspace, run, stage.show)
    view.let_go()
    view.watch()
    assert stage.texts == []


def test_an_output_that_is_gone_ends_it_without_a_word(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    run = begun(stage.workspace.database()).number
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    looked = threading.Event()

    def gone(*_: str) -> None:
        looked.set()
        raise RuntimeError("The output is gone.")

    TrainingView(stage.workspace, run, gone).start()
    assert looked.wait(30)
    for thread in threading.enumerate():
        if thread.name == "metaclaw-training-view":
            thread.join(30)
    assert failures == []

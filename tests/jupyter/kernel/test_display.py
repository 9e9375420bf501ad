import sys
import types
from collections.abc import Mapping

import pytest

from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Task
from metaclaw_jlab.core.trajectory import InjectedSkill, Stamp, StopReason, Trajectory
from metaclaw_jlab.jupyter.kernel import display
from metaclaw_jlab.jupyter.kernel.display import (
    STOPPED,
    NotebookReporter,
    TerminalReporter,
    bundle,
    summary,
    without_end,
)


def ended(**changes: object) -> Trajectory:
    stamp = Stamp(7, (InjectedSkill("iso-dates", "0" * 64, 2.5),), "scripted")
    fields: dict[str, object] = {"stop": StopReason.DONE, "seconds": 1.24, **changes}
    return Trajectory("a1", Task("Do it"), stamp, **fields)  # type: ignore[arg-type]


def test_the_summary_names_skills_generation_and_the_way_on() -> None:
    assert summary(ended()) == "MetaClaw: done · 0 steps · 1.2 s · skills: iso-dates · g7 · %metaclaw why"


def test_the_summary_counts_checks() -> None:
    check = Check(CheckKind.EXPRESSION, "x")
    line = summary(
        ended(stop=StopReason.CHECK_FAILED, checks=(CheckResult(check, False), CheckResult(check, True)))
    )
    assert "a check failed" in line
    assert "1 of 2 checks passed" in line


@pytest.mark.parametrize("stop", list(StopReason))
def test_every_end_has_words(stop: StopReason) -> None:
    assert stop.value not in {"check_failed", "out_of_steps"} or stop.value not in summary(ended(stop=stop))
    assert summary(ended(stop=stop)).startswith("MetaClaw: ")


def test_colab_gets_escaped_html(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert bundle("<b>", markdown="x") == {"text/plain": "<b>", "text/html": "<pre>&lt;b&gt;</pre>"}


def test_a_note_begins_on_a_line_of_its_own() -> None:
    written: list[str] = []
    reporter = TerminalReporter(written.append)
    reporter.text("half a line")
    reporter.note("Done.")
    assert "".join(written) == "half a line\nDone.\n"


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        ("```python\nx\n```\nDone.", "```python\nx\n```"),
        ("```python\nx\n```\nDone. It sets x.", "```python\nx\n```\nDone. It sets x."),
        ("Done.", "Done."),
        ("```python\nx\n```", "```python\nx\n```"),
    ],
)
def test_the_end_word_alone_is_left_out(reply: str, shown: str) -> None:
    assert without_end(reply) == shown


class Handle:
    """An output that remembers what it showed."""

    def __init__(self, data: Mapping[str, object], metadata: object) -> None:
        self.shown = [str(data["text/plain"])]
        self.metadata = [metadata]

    def update(self, data: Mapping[str, object], *, metadata: object, **_: object) -> None:
        self.shown.append(str(data["text/plain"]))
        self.metadata.append(metadata)


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> list[Handle]:
    """The outputs of a cell of a notebook."""
    found: list[Handle] = []

    def open_output(data: Mapping[str, object], metadata: object = None, **_: object) -> Handle:
        found.append(Handle(data, metadata))
        return found[-1]

    monkeypatch.setattr(display, "_display", open_output)
    return found


def test_an_error_leaves_no_card_that_waits(outputs: list[Handle]) -> None:
    reporter = NotebookReporter()
    reporter.seeks()
    reporter.over()
    assert [output.shown for output in outputs] == [["MetaClaw: looking for skills", STOPPED]]


def test_a_task_that_has_its_line_keeps_it(outputs: list[Handle]) -> None:
    reporter = NotebookReporter()
    reporter.seeks()
    reporter.line(bundle("MetaClaw: done"))
    reporter.over()
    assert outputs[0].shown[-1] == "MetaClaw: done"


def test_a_card_is_marked_as_going_on_until_its_end(outputs: list[Handle]) -> None:
    reporter = NotebookReporter()
    reporter.progress("loading the model")
    reporter.begun(ended(stop=None))
    reporter.line(bundle("MetaClaw: done"))
    marks = [{"metaclaw_under_way": {"version": 1, "trajectory": task}} for task in (None, "a1")]
    assert outputs[0].metadata == [*marks, {}]


def test_what_is_waited_for_first_stands_where_the_card_will_be(outputs: list[Handle]) -> None:
    reporter = NotebookReporter()
    reporter.progress("loading the model")
    reporter.begun(ended(stop=None))
    assert len(outputs) == 1
    assert outputs[0].shown[1].startswith("MetaClaw: asks scripted · step 1")


def test_nothing_is_left_where_no_task_began(outputs: list[Handle]) -> None:
    NotebookReporter().over()
    assert outputs == []

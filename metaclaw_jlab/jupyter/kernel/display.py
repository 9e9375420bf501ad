"""What a user sees of a task: the reply as it is generated, then one quiet line."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from metaclaw_jlab.agent.parser import DONE
from metaclaw_jlab.core.trajectory import Step, Trajectory
from metaclaw_jlab.jupyter.kernel.card import Card

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.jupyter.kernel.shown import Shown

_UPDATE_SECONDS = 0.1
STOPPED = "MetaClaw: stopped by an error"
UNDER_WAY = "metaclaw_under_way"


class Reporter(Protocol):
    """Shows a task under way."""

    def text(self, piece: str) -> None:
        """A piece of the reply."""

    def end_of_text(self) -> None:
        """The reply is complete."""

    def note(self, sentence: str) -> None:
        """A sentence for the user."""

    def seeks(self) -> None:
        """Skills are looked for."""

    def begun(self, trajectory: Trajectory) -> None:
        """A task has begun, or goes on."""

    def runs(self, step: Step) -> None:
        """The code of a step is about to run."""

    def observed(self, step: Step) -> None:
        """The code of a step has run."""

    def line(self, data: Mapping[str, object]) -> None:
        """The last line about a task, as a mime bundle."""

    def over(self) -> None:
        """The task is over, whatever came of it."""

    def progress(self, sentence: str) -> None:
        """What is being waited for; replaces the last progress."""

    def live(self, sentence: str) -> Callable[[str], None] | None:
        """A sentence that can be replaced later, from any thread; None where that would disturb what the user types."""

    def answer(self, told: str | Shown) -> None:
        """What a command found."""

    def panel(self, text: str, markup: str) -> Callable[[str, str], None] | None:
        """Text, and HTML that says the same, which can be replaced later from any thread; None like `live`."""


def reporter_for(shell: InteractiveShell) -> Reporter:
    """Rich output where the front end takes it, plain printing in a terminal."""
    return NotebookReporter() if hasattr(shell, "kernel") else TerminalReporter()


class TerminalReporter:
    """Prints."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or sys.stdout.write
        self._open = False

    def text(self, piece: str) -> None:
        """Print a piece as it comes."""
        self._write(piece)
        self._open = not piece.endswith("\n")
        sys.stdout.flush()

    def end_of_text(self) -> None:
        """End the line."""
        if self._open:
            self._write("\n")
            self._open = False

    def note(self, sentence: str) -> None:
        """Print a sentence."""
        self.end_of_text()
        self._write(sentence + "\n")

    def seeks(self) -> None:
        """Nothing: what is under way is told in notebooks."""

    def begun(self, trajectory: Trajectory) -> None:
        """Nothing."""

    def runs(self, step: Step) -> None:  # noqa: ARG002 - the reply was printed
        """End the reply."""
        self.end_of_text()

    def observed(self, step: Step) -> None:
        """Nothing."""

    def over(self) -> None:
        """Nothing."""

    def line(self, data: Mapping[str, object]) -> None:
        """Print its text."""
        self.note(str(data["text/plain"]))

    def progress(self, sentence: str) -> None:
        """Print to standard error, where it disturbs no output."""
        sys.stderr.write(sentence + "\n")

    def live(self, sentence: str) -> Callable[[str], None] | None:
        """Print it; what follows is told with the next task."""
        self.note(sentence)
        return None

    def answer(self, told: str | Shown) -> None:
        """Print its text."""
        print(told if isinstance(told, str) else told.text)  # noqa: T201 - the answer of a line magic

    def panel(self, text: str, markup: str) -> Callable[[str, str], None] | None:  # noqa: ARG002 - no HTML here
        """Print the text; what follows is asked for."""
        self.note(text)
        return None


class NotebookReporter:
    """Updates an output in place while a reply comes in, and another with what the task does."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pieces: list[str] = []
        self._reply: Any = None
        self._place: Any = None
        self._shown_at = 0.0
        self._card = Card(self._goes_on)
        self._unfinished = False
        self._task = ""

    def text(self, piece: str) -> None:
        """Add a piece; the output follows ten times a second."""
        self._pieces.append(piece)
        self._card.piece()
        if self._clock() - self._shown_at >= _UPDATE_SECONDS:
            self._show()

    def end_of_text(self) -> None:
        """Show the whole reply, without the word that ends a task, and begin a new output for the next one."""
        if self._pieces:
            self._pieces = [without_end("".join(self._pieces))]
            self._show()
        self._pieces, self._reply, self._shown_at = [], None, 0.0

    def note(self, sentence: str) -> None:
        """Show a sentence."""
        self.end_of_text()
        _display(bundle(sentence))

    def seeks(self) -> None:
        """Open the card of the task."""
        self._unfinished = True
        self._card.seeks()

    def begun(self, trajectory: Trajectory) -> None:
        """Show in the card what the task runs under."""
        self._unfinished = True
        self._task = trajectory.id
        self._card.begun(trajectory)

    def runs(self, step: Step) -> None:
        """Show the whole reply, and in the card that its code runs."""
        self.end_of_text()
        self._card.runs(step)

    def observed(self, step: Step) -> None:
        """Show in the card that the code has run."""
        self._card.observed(step)

    def line(self, data: Mapping[str, object]) -> None:
        """Have the card end as this, in its place; a front end takes the richest type that it knows."""
        self.end_of_text()
        self._unfinished = False
        self._card.end()
        self._put(data)

    def over(self) -> None:
        """Leave no card that says that something is under way."""
        if self._unfinished:
            self.line(bundle(STOPPED))

    def progress(self, sentence: str) -> None:
        """Show what is waited for, where the card of a task will be."""
        self._goes_on(sentence)

    def live(self, sentence: str) -> Callable[[str], None] | None:
        """Show it in an output of its own."""
        handle = _display(bundle(sentence), handle=True)

        def show(later: str) -> None:
            handle.update(bundle(later), raw=True)

        return show

    def answer(self, told: str | Shown) -> None:
        """Print a sentence; show what has tables and figures in outputs of their own."""
        if isinstance(told, str):
            print(told)  # noqa: T201 - the answer of a line magic
            return
        from metaclaw_jlab.jupyter.kernel.shown import bundles

        for data in bundles(told):
            _display(data)

    def panel(self, text: str, markup: str) -> Callable[[str, str], None] | None:
        """Show it in an output of its own."""
        handle = _display({"text/plain": text, "text/html": markup}, handle=True)

        def show(later: str, markup: str) -> None:
            handle.update({"text/plain": later, "text/html": markup}, raw=True)

        return show

    def _goes_on(self, sentence: str) -> None:
        """Mark it as something that goes on: a page whose kernel is gone knows then that it does not."""
        self._put(bundle(sentence), {UNDER_WAY: {"version": 1, "trajectory": self._task or None}})

    def _put(self, data: Mapping[str, object], metadata: Mapping[str, object] | None = None) -> None:
        if self._place is None:
            self._place = _display(data, metadata, handle=True)
        else:
            self._place.update(dict(data), metadata=dict(metadata or {}), raw=True)

    def _show(self) -> None:
        text = "".join(self._pieces)
        data = bundle(text, markdown=_closed(text))
        if self._reply is None:
            self._reply = _display(data, handle=True)
        else:
            self._reply.update(data, raw=True)
        self._shown_at = self._clock()


def without_end(reply: str) -> str:
    """A reply without the line that tells the agent that the task is finished: the line below it tells the user."""
    code, fence, rest = reply.rstrip().rpartition("```")
    return code + fence if fence and rest.strip() == DONE else reply


def bundle(text: str, markdown: str | None = None) -> dict[str, str]:
    """A text as mime types that front ends render: Colab shows no Markdown, so it gets escaped HTML."""
    data = {"text/plain": text}
    if "google.colab" in sys.modules:
        data["text/html"] = f"<pre>{html.escape(text)}</pre>"
    elif markdown is not None:
        data["text/markdown"] = markdown
    return data


def summary(trajectory: Trajectory, *more: str) -> str:
    """One line about a task that has ended or goes on; `more` is said of its last step."""
    failed = [result for result in trajectory.checks if not result.passed]
    told, way_on = _state(trajectory)
    parts = [f"MetaClaw: {told}", *more]
    steps = len(trajectory.steps)
    parts.append(f"{steps} step{'' if steps == 1 else 's'}")
    parts.append(f"{trajectory.seconds:.1f} s")
    if trajectory.checks:
        parts.append(f"{len(trajectory.checks) - len(failed)} of {len(trajectory.checks)} checks passed")
    names = ", ".join(skill.name for skill in trajectory.stamp.skills)
    parts.append(f"skills: {names}" if names else "no skill injected")
    parts.append(f"g{trajectory.stamp.skill_generation}")
    if not trajectory.learn:
        parts.append("learning is off")
    return " · ".join([*parts, way_on])


def _state(trajectory: Trajectory) -> tuple[str, str]:
    """What a task has come to, and where to go from there."""
    from metaclaw_jlab.inspection.why import STOPS

    if trajectory.stop is not None:
        return STOPS[trajectory.stop], "%metaclaw why"
    observation = trajectory.steps[-1].observation if trajectory.steps else None
    if observation is None:
        return "proposed: run the cell below", "%metaclaw why"
    error = observation.error
    return ("the step has run" if error is None else f"the step raised {error.name}"), "%metaclaw next"


def _closed(text: str) -> str:
    """Markdown with its last fence closed, so that a half reply renders as code."""
    return text + ("\n```" if text.count("```") % 2 else "")


def _display(
    data: Mapping[str, object], metadata: Mapping[str, object] | None = None, *, handle: bool = False
) -> Any:
    from IPython.display import display

    place = True if handle else None
    return display(dict(data), metadata=dict(metadata or {}), raw=True, display_id=place)  # type: ignore[no-untyped-call]

"""A training as it goes on, in the output of the cell that began it: read from the store by a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.jupyter.kernel.chart import panel

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.inspection.training import RunAccount

Show = Callable[[str, str], None]
OFTEN, SELDOM = 1.0, 5.0  # seconds between looks
OFTEN_FOR = 600.0
ENDED = "The training has ended."
COLLECTS = "Older tasks are attempted again before the training."

_log = logging.getLogger(__name__)


class TrainingView:
    """Watches the training of a home until it is over, paused, or told to let go.

    `show` gets text and HTML, and only where they have changed: a message to the front end makes a kernel look busy.
    """

    def __init__(
        self,
        workspace: Workspace,
        number: int | None,
        show: Show,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._workspace = workspace
        self._number = number
        self._show = show
        self._clock = clock
        self._ended = threading.Event()
        self._wait = wait or self._ended.wait
        self._shown: tuple[str, str] | None = None

    def start(self) -> None:
        """Watch beside the user."""
        threading.Thread(target=self._beside, name="metaclaw-training-view", daemon=True).start()

    def let_go(self) -> None:
        """Show nothing more."""
        self._ended.set()

    def watch(self) -> None:
        """Watch here, to the end. Raises StoreError."""
        began = self._clock()
        while not self._ended.is_set() and self._look():
            self._wait(OFTEN if self._clock() - began < OFTEN_FOR else SELDOM)

    def _beside(self) -> None:
        try:
            self.watch()
        except Exception:  # noqa: BLE001 - a thread's boundary: the store or the output is gone
            _log.debug("The training is no longer shown", exc_info=True)

    def _look(self) -> bool:
        """Show how it stands; whether there is more to come."""
        from metaclaw_jlab.runtime.training_process import conductor, last_words

        # Asked before the store is: what a process that is gone has left there is its last word.
        conducts = conductor(self._workspace.home)
        run = self._run(None if conducts is None else conducts.pid)
        if run is None:
            words = COLLECTS if conducts is not None else last_words(self._workspace.home) or ENDED
            self._tell(f"MetaClaw: {words}", said(f"MetaClaw: {words}"))
            return conducts is not None
        self._tell(*render(run))
        # One that was overtaken by a skill generation is followed by the next.
        return conducts is not None and (run.state is RunState.ABANDONED or not run.state.over)

    def _run(self, pid: int | None) -> RunAccount | None:
        from metaclaw_jlab.inspection.training import describe_run
        from metaclaw_jlab.store.training import Training

        database = self._workspace.database()
        store = Training(database)
        current = store.current()
        self._number = current.number if current is not None else self._number
        return None if self._number is None else describe_run(database, store.get(self._number), pid)

    def _tell(self, text: str, markup: str) -> None:
        if (text, markup) != self._shown:
            self._shown = (text, markup)
            self._show(text, markup)


def said(sentence: str) -> str:
    """A sentence alone as HTML."""
    return panel(sentence, None, (), "")


def render(run: RunAccount) -> tuple[str, str]:
    """A run as a line of text and as HTML."""
    from metaclaw_jlab.inspection.lines import sparkline
    from metaclaw_jlab.inspection.training import verdict_in_words

    verdict = verdict_in_words(run) if run.state is RunState.DONE else ""
    sentence = f"MetaClaw: {verdict or run.sentence}"
    rewards = run.curves.reward
    line = f"  reward {sparkline(rewards, 30)}" if len(rewards) > 1 else ""
    share = None if run.state.over else run.steps_done / run.steps
    return f"{sentence}{line}", panel(sentence, share, rewards, "Reward of each step")

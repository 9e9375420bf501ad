"""The dashboard: a widget with buttons where there is anywidget, and beside it a picture that stays in notebooks."""

from __future__ import annotations

import dataclasses
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import MetaclawError, UsageMistake
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.jupyter.kernel.card import Later, later
from metaclaw_jlab.jupyter.kernel.shown import answer_bundle
from metaclaw_jlab.jupyter.kernel.widgets.picture import picture
from metaclaw_jlab.jupyter.kernel.widgets.snapshot import Snapshot, take

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.jupyter.kernel.widgets.live import DashboardWidget

UPDATE_SECONDS = 5.0
NOT_LIVE = (
    'A picture, without buttons: anywidget is not installed. %pip install "metaclaw-jlab[widgets]", '
    "restart the kernel, and open it again."
)
_log = logging.getLogger(__name__)
_follows: Dashboard | None = None


class Dashboard:
    """Skills, scores and training of a home, to be shown as the last value of a cell.

    It looks again when a cell has run, at most every five seconds, and sends only what has changed: a message makes a
    kernel look busy.
    """

    def __init__(
        self,
        workspace: Workspace,
        shell: InteractiveShell | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Later = later,
    ) -> None:
        self._workspace = workspace
        self._shell = shell
        self._clock = clock
        self._later = later
        self._lock = threading.RLock()
        self._search = ""
        self._notice = ""
        self._answered = 0
        self._found: Snapshot = take(workspace)
        self._looked_at = clock()
        self._call_off: Callable[[], None] | None = None
        self._class = f"metaclaw-picture-{secrets.token_hex(6)}"
        self._widget: DashboardWidget | None = None
        self._kept: Any = None  # the handle of the picture

    def __repr__(self) -> str:
        """The state as text."""
        return picture(self._found).text

    @property
    def widget(self) -> DashboardWidget | None:
        """The live part, once it was shown; None where anywidget is not installed."""
        return self._widget

    def refresh(self) -> None:
        """Look again now. Raises MetaclawError."""
        with self._lock:
            self._look()
            self._show()

    def close(self) -> None:
        """Follow no longer; what is shown stays."""
        with self._lock:
            if self._call_off is not None:
                self._call_off()
                self._call_off = None
        if self._shell is not None and self._after_cell in self._shell.events.callbacks["post_run_cell"]:
            self._shell.events.unregister("post_run_cell", self._after_cell)

    def _ipython_display_(self) -> None:
        if self._shell is None or not hasattr(self._shell, "kernel"):
            print(self)  # noqa: T201 - a terminal
            return
        from IPython.display import display

        try:
            from metaclaw_jlab.jupyter.kernel.widgets.live import widget
        except ImportError:
            self._notice = NOT_LIVE
        else:
            self._widget = self._widget or widget(self._state(), self._class, self._asked)
            display(self._widget)  # type: ignore[no-untyped-call]
        if self._kept is None:
            self._kept = display(self._picture(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._kept.display(self._picture(), raw=True)
        self._follow()

    def _follow(self) -> None:
        """Look again after cells. One dashboard of a kernel does: the one that was shown last."""
        global _follows
        if _follows is not None:
            _follows.close()
        _follows = self
        if self._shell is not None:
            self._shell.events.register("post_run_cell", self._after_cell)

    def _after_cell(self, *_: object) -> None:
        with self._lock:
            if self._call_off is None:
                wait = UPDATE_SECONDS - (self._clock() - self._looked_at)
                self._call_off = self._later(max(0.0, wait), self._beside)

    def _beside(self) -> None:
        """The thread: look, and show what has changed."""
        try:
            with self._lock:
                self._call_off = None
                before = self._found
                self._look()
                # How long ago somebody worked is another sentence each time, and no reason to send one.
                if dataclasses.replace(self._found, at=before.at, schedule=before.schedule) != before:
                    self._show()
        except Exception:  # noqa: BLE001 - a thread's boundary: the home or the output is gone
            _log.debug("The dashboard is not brought up to date.", exc_info=True)

    def _asked(self, wanted: Mapping[str, object]) -> None:
        """Do what a button wants, and show how it is then."""
        with self._lock:
            try:
                self._notice = act(self._workspace, wanted)
                if wanted.get("do") == "search":
                    self._search = str(wanted.get("words", ""))[:200]
                self._look()
            except MetaclawError as error:
                self._notice = str(error)
            number = wanted.get("asked")
            self._answered = number if isinstance(number, int) else self._answered
            self._show()

    def _look(self) -> None:
        self._found = take(self._workspace, self._search)
        self._looked_at = self._clock()

    def _show(self) -> None:
        if self._widget is not None:
            self._widget.state = self._state()
        if self._kept is not None:
            self._kept.update(self._picture(), raw=True)

    def _state(self) -> dict[str, object]:
        return {"snapshot": as_json(self._found), "notice": self._notice, "answered": self._answered}

    def _picture(self) -> dict[str, object]:
        return answer_bundle(picture(self._found, self._notice), self._class)


def act(workspace: Workspace, wanted: Mapping[str, object]) -> str:
    """Do what a front end asks for; what was done, in a sentence. Raises MetaclawError."""
    from metaclaw_jlab.inspection.pausing import pause_training, unpause_training
    from metaclaw_jlab.inspection.skill_changes import pin, switch

    match wanted:
        case {"do": "refresh" | "search"}:
            return ""
        case {"do": "pin", "name": str(name), "on": bool(on)}:
            return pin(workspace, name, on=on).told
        case {"do": "enable", "name": str(name), "on": bool(on)}:
            return switch(workspace, name, on=on).told
        case {"do": "pause"}:
            return str(pause_training(workspace, None, None)["told"])
        case {"do": "unpause"}:
            return str(unpause_training(workspace)["told"])
    raise UsageMistake(
        "The dashboard asked for something unknown.", "Run its cell again: it is of another version."
    )


def open_dashboard() -> Dashboard:
    """A dashboard on the home of this session, or of this process where there is none. Raises MetaclawError."""
    shell = _shell()
    return Dashboard(_workspace(shell), shell)


def _shell() -> InteractiveShell | None:
    from IPython.core.getipython import get_ipython

    found: InteractiveShell | None = get_ipython()
    return found


def _workspace(shell: InteractiveShell | None) -> Workspace:
    from metaclaw_jlab.assembly import open_workspace
    from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics

    magics = None if shell is None else shell.magics_manager.registry.get(MetaclawMagics.__name__)
    return magics.session.workspace() if isinstance(magics, MetaclawMagics) else open_workspace()

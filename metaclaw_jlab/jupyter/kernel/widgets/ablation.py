"""Ablations in a notebook: a form, the results as they come, every task; alive where anywidget is, and a picture of it
everywhere."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.jupyter.kernel.shown import Shown, answer_bundle
from metaclaw_jlab.jupyter.kernel.widgets.ablation_picture import report_picture, runs_picture

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.evaluation.ablation.live_run import LiveRun
    from metaclaw_jlab.jupyter.kernel.widgets.ablation_live import AblationWidget

OFTEN, SELDOM, OFTEN_FOR = 1.0, 5.0, 600.0  # seconds between looks, and when they become fewer
PICTURE_SECONDS = GRID_SECONDS = 5.0  # what is large is sent no more often than this
RUNS = 12
NOT_LIVE = (
    'A picture, without buttons: anywidget is not installed. %pip install "metaclaw-jlab[widgets]", '
    "restart the kernel, and open it again."
)
_log = logging.getLogger(__name__)
_follows: AblationBoard | None = None


class AblationBoard:
    """A run of ablations, or the form of a new one, to be shown as the last value of a cell.

    While its run goes on a thread looks at the run's folder and sends what has changed; else it sends nothing.
    """

    def __init__(
        self,
        workspace: Workspace,
        shell: InteractiveShell | None = None,
        number: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """Raises NotFound where there is no run of this number."""
        self._workspace = workspace
        self._shell = shell
        self._clock = clock
        self._ended = threading.Event()
        self._wait = wait or self._ended.wait
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._notice = ""
        self._answered = 0
        self._live: LiveRun | None = None
        self._report: dict[str, Any] | None = None
        self._grid_open = False
        self._grid_of: tuple[int, int] | None = None
        self._grid_at = self._picture_at = float("-inf")
        self._rows: list[dict[str, Any]] = []
        self._pairs = 0
        self._class = f"metaclaw-picture-{secrets.token_hex(6)}"
        self._widget: AblationWidget | None = None
        self._kept: Any = None  # the handle of the picture
        self.open(number)

    def __repr__(self) -> str:
        """The state as text."""
        return self._picture().text

    @property
    def widget(self) -> AblationWidget | None:
        """The live part, once it was shown; None where anywidget is not installed."""
        return self._widget

    @property
    def number(self) -> int | None:
        """The run that is shown; None for the form."""
        return None if self._live is None else self._live.run.number

    def open(self, number: int | None) -> None:
        """Show a run, or the form. Raises NotFound."""
        from metaclaw_jlab.evaluation.ablation.live_run import LiveRun
        from metaclaw_jlab.evaluation.ablation.run_folder import open_run

        with self._lock:
            self._live = None if number is None else LiveRun(open_run(self._workspace.home, number))
            self._report, self._grid_open, self._grid_of = None, False, None
            self._list()
            self._look()

    def refresh(self) -> None:
        """Look again now. Raises MetaclawError."""
        with self._lock:
            self._list()
            self._look()
            self._show(at_once=True)

    def close(self) -> None:
        """Follow no longer; what is shown stays."""
        self._ended.set()

    def _ipython_display_(self) -> None:
        if self._shell is None or not hasattr(self._shell, "kernel"):
            print(self)  # noqa: T201 - a terminal
            return
        from IPython.display import display

        try:
            from metaclaw_jlab.jupyter.kernel.widgets.ablation_live import widget
        except ImportError:
            self._notice = NOT_LIVE
        else:
            from metaclaw_jlab.evaluation.ablation.form import choices

            made = self._widget or widget(choices(self._workspace), self._state(), self._class, self._asked)
            self._widget = made
            display(self._widget)  # type: ignore[no-untyped-call]
        bundle = answer_bundle(self._picture(), self._class)
        if self._kept is None:
            self._kept = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._kept.display(bundle, raw=True)
        self._picture_at = self._clock()
        self._follow()

    def _follow(self) -> None:
        """Look on. One board of a kernel does: the one that was shown last."""
        global _follows
        if _follows is not None and _follows is not self:
            _follows.close()
        _follows = self
        self._ended.clear()
        self._watch()

    def _watch(self) -> None:
        """Have a thread look on while the run goes on."""
        with self._lock:
            if self._goes_on() and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(
                    target=self._beside, name="metaclaw-ablation-view", daemon=True
                )
                self._thread.start()

    def _beside(self) -> None:
        """The thread: look, and show what has changed, until nothing will."""
        began = self._clock()
        try:
            while not self._ended.is_set():
                self._wait(OFTEN if self._clock() - began < OFTEN_FOR else SELDOM)
                with self._lock:
                    before = self._compared()
                    self._look()
                    if not self._goes_on():
                        self._list()
                    if self._compared() != before:
                        self._show(at_once=not self._goes_on())
                    if not self._goes_on():
                        self._thread = None
                        return
        except Exception:  # noqa: BLE001 - a thread's boundary: the run or the output is gone
            _log.debug("The ablation is no longer shown.", exc_info=True)

    def _goes_on(self) -> bool:
        return self._report is not None and self._report["state"] in ("planned", "running")

    def _compared(self) -> object:
        """What a change of is worth a message: how many seconds it has gone on for is not."""
        return {**(self._report or {}), "seconds": None, "eta_seconds": None}

    def _look(self) -> None:
        self._report = None if self._live is None else self._live.report()

    def _asked(self, wanted: Mapping[str, object]) -> None:
        """Do what a button wants, and show how it is then."""
        from metaclaw_jlab.jupyter.kernel.widgets.ablation_acts import act

        with self._lock:
            try:
                self._notice = act(self, wanted)
                self._list()
                self._look()
            except MetaclawError as error:
                self._notice = str(error)
            except OSError as error:
                self._notice = f"That did not work: {error}."
            except Exception as error:  # noqa: BLE001 - a message's boundary: who asked is answered
                _log.exception("An ablation's widget asked for something that failed.")
                self._notice = f"That did not work ({type(error).__name__}: {error})."
            number = wanted.get("asked")
            self._answered = number if isinstance(number, int) else self._answered
            self._show(at_once=wanted.get("do") in {"grid", "start", "open", "new", "stop", "resume"})
        self._watch()

    def _show(self, *, at_once: bool) -> None:
        """Send what has changed; what is large is sent now and then, or `at_once`."""
        now = self._clock()
        if self._widget is not None:
            self._widget.state = self._state()
            if (
                self._grid_open
                and self._live is not None
                and (at_once or now - self._grid_at >= GRID_SECONDS)
            ):
                self._send_grid(self._live, now)
        if self._kept is not None and (at_once or now - self._picture_at >= PICTURE_SECONDS):
            self._picture_at = now
            self._kept.update(answer_bundle(self._picture(), self._class), raw=True)

    def _send_grid(self, live: LiveRun, now: float) -> None:
        known = (live.run.number, len(live.attempts()))
        if self._widget is not None and self._grid_of != known:
            self._grid_of, self._grid_at = known, now
            self._widget.grid = {"number": live.run.number, **live.grid()}

    def _state(self) -> dict[str, object]:
        return {
            "runs": self._rows,
            "number": self.number,
            "report": as_json(self._report),
            "notice": self._notice,
            "answered": self._answered,
        }

    def _list(self) -> None:
        """The newest runs, as the list shows them."""
        from metaclaw_jlab.evaluation.ablation.live_run import run_line
        from metaclaw_jlab.evaluation.ablation.run_folder import list_runs

        self._rows = [run_line(run) for run in list_runs(self._workspace.home)[:RUNS]]

    def _picture(self) -> Shown:
        if self._report is None:
            return runs_picture(self._rows, self._notice)
        return report_picture(self._report, self._notice)

    # What buttons do, in ablation_acts.

    @property
    def workspace(self) -> Workspace:
        """The home that is compared in."""
        return self._workspace

    @property
    def live(self) -> LiveRun | None:
        """The run that is shown."""
        return self._live

    def open_grid(self, *, on: bool) -> None:
        """Have the grid sent from now on, or no longer."""
        self._grid_open = on

    def send_pair(self, pair: Mapping[str, Any]) -> None:
        """Show what the arms did at a task; again, where it was closed meanwhile."""
        if self._widget is not None:
            self._pairs += 1
            self._widget.pair = {**pair, "shown": self._pairs}


def open_board(workspace: Workspace, shell: InteractiveShell | None, number: int | None) -> AblationBoard:
    """A board on this run; without a number on the one that runs, or the form. Raises MetaclawError."""
    if number is None:
        from metaclaw_jlab.evaluation.ablation.run_folder import list_runs

        number = next((run.number for run in list_runs(workspace.home) if run.running()), None)
    return AblationBoard(workspace, shell, number)

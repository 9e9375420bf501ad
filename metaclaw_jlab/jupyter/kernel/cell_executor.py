"""Runs agents' code in the user's kernel, like a cell of theirs: on the main thread, outputs shown as they come."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.task import Check, CheckResult
from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.executors.checks import run_check
from metaclaw_jlab.jupyter.kernel.capture import Capture, replaced

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# More than this of one action's output is kept from the notebook: it would no longer open.
SHOWN_CHARS = 1_000_000


class CellExecutor:
    """Executes in `shell`. Rich results are shown by the kernel itself; the policy sees their plain text."""

    def __init__(self, shell: InteractiveShell, output_chars: int = 8000) -> None:
        self._shell = shell
        self._output_chars = output_chars

    def execute(self, code: str, *, on_output: Callable[[str], None] | None = None) -> Observation:
        """Run one action. Raises ExecutorError off the main thread, KeyboardInterrupt."""
        if threading.current_thread() is not threading.main_thread():
            raise ExecutorError(
                "Agent code runs in the kernel's main thread only.", "Run the cell in the main shell."
            )
        capture = Capture(self._shell, self._output_chars, shown=SHOWN_CHARS, on_output=on_output)

        def show_briefly(*_: object, **__: object) -> None:
            """One line in place of a traceback: the agent may mend the error in its next step. `why` has it whole."""
            error = sys.exc_info()[1]
            if error is not None and not isinstance(error, KeyboardInterrupt):
                sys.stdout.flush()
                with capture.paused():
                    sys.stderr.write(f"{type(error).__name__}: {error}\n")

        with ExitStack() as stack:
            stack.enter_context(_kept_streams())
            stack.callback(capture.stop)
            stack.enter_context(replaced(self._shell, "showtraceback", show_briefly))
            stack.enter_context(replaced(self._shell, "showsyntaxerror", show_briefly))
            stack.enter_context(replaced(self._shell, "ask_exit", _refuse_exit))
            capture.start()
            outcome = self._shell.run_cell(code, store_history=False)  # type: ignore[no-untyped-call]
        error = outcome.error_before_exec or outcome.error_in_exec
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt
        return capture.observation(outcome.result, error)

    def evaluate(self, check: Check) -> CheckResult:
        """Test a check against the user's namespace and working folder."""
        return run_check(check, self._shell.user_ns)

    def protections(self) -> tuple[str, ...]:
        """None: this is the user's own session."""
        return ()

    def close(self) -> None:
        """Nothing is held."""


@contextmanager
def _kept_streams() -> Iterator[None]:
    """The session's streams come back, whatever the code puts in their place."""
    before = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _refuse_exit(*_: object) -> None:
    raise SystemExit("The agent's code may not end your session.")

"""Runs agents' code in the user's kernel, like a cell of theirs: on the main thread, outputs shown as they come."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.task import Check, CheckResult
from metaclaw_jlab.core.trajectory import ExecutionError, Observation
from metaclaw_jlab.executors.checks import run_check
from metaclaw_jlab.executors.observation import Clip, clean, cut

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
        stdout, stderr = Clip(self._output_chars), Clip(self._output_chars)
        started = time.perf_counter()
        with ExitStack() as stack:
            stack.enter_context(_copied("stdout", stdout, on_output))
            stack.enter_context(_copied("stderr", stderr, on_output))
            stack.enter_context(_published(self._shell, stdout))
            stack.enter_context(_replaced(self._shell, "showtraceback", self._show_briefly))
            stack.enter_context(_replaced(self._shell, "showsyntaxerror", self._show_briefly))
            stack.enter_context(_replaced(self._shell, "ask_exit", _refuse_exit))
            outcome = self._shell.run_cell(code, store_history=False)  # type: ignore[no-untyped-call]
        error = outcome.error_before_exec or outcome.error_in_exec
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt
        return self._observation(outcome.result, error, stdout, stderr, time.perf_counter() - started)

    def evaluate(self, check: Check) -> CheckResult:
        """Test a check against the user's namespace and working folder."""
        return run_check(check, self._shell.user_ns)

    def protections(self) -> tuple[str, ...]:
        """None: this is the user's own session."""
        return ()

    def close(self) -> None:
        """Nothing is held."""

    def _observation(
        self, value: object, error: BaseException | None, stdout: Clip, stderr: Clip, seconds: float
    ) -> Observation:
        out, out_left = stdout.finish()
        err, err_left = stderr.finish()
        result, result_left = (None, 0) if value is None else cut(self._plain(value), self._output_chars)
        return Observation(
            stdout=out,
            stderr=err,
            result=result,
            error=None if error is None else _described(error),
            seconds=seconds,
            truncated=out_left + err_left + result_left,
        )

    def _plain(self, value: object) -> str:
        formatter = self._shell.display_formatter
        text = formatter.formatters["text/plain"](value) if formatter is not None else None
        return clean(text if isinstance(text, str) else repr(value))

    def _show_briefly(self, *_: object, **__: object) -> None:
        """One line in place of a traceback: the agent may mend the error in its next step. `why` has it whole."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, KeyboardInterrupt):
            sys.stdout.flush()
            print(f"{type(error).__name__}: {error}", file=_unclipped())


class _Copy:
    """A stream that also feeds a clip. What else is asked of it goes to the stream behind."""

    def __init__(self, stream: Any, clip: Clip, on_output: Callable[[str], None] | None) -> None:
        self.stream = stream
        self._clip = clip
        self._on_output = on_output
        self._shown = 0

    def write(self, text: str) -> int:
        self._clip.feed(text.encode("utf-8", "replace"))
        room = SHOWN_CHARS - self._shown
        self._shown += len(text)
        if room > 0:
            self.stream.write(text[:room])
            if len(text) > room:
                self.stream.write(f"\n[output over {SHOWN_CHARS:,} characters is not shown]\n")
            if self._on_output is not None:
                self._on_output(text[:room])
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _unclipped() -> Any:
    return sys.stderr.stream if isinstance(sys.stderr, _Copy) else sys.stderr


@contextmanager
def _copied(name: str, clip: Clip, on_output: Callable[[str], None] | None) -> Iterator[None]:
    before = getattr(sys, name)
    setattr(sys, name, _Copy(before, clip, on_output))
    try:
        yield
    finally:
        setattr(sys, name, before)


@contextmanager
def _published(shell: InteractiveShell, clip: Clip) -> Iterator[None]:
    """Put the plain text of what the code displays among its output."""
    publish = shell.display_pub.publish

    def publish_and_keep(data: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        text = data.get("text/plain")
        if isinstance(text, str):
            clip.feed((text + "\n").encode("utf-8", "replace"))
        return publish(data, *args, **kwargs)

    with _replaced(shell.display_pub, "publish", publish_and_keep):
        yield


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    own = vars(owner)
    missing = name not in own
    before = own.get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if missing:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def _refuse_exit(*_: object) -> None:
    raise SystemExit("The agent's code may not end your session.")


def _described(error: BaseException) -> ExecutionError:
    lines = traceback.format_exception(error)
    return ExecutionError(type(error).__name__, clean(str(error)), cut(clean("".join(lines)), 8000)[0])

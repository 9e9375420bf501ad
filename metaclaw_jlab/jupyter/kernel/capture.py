"""Takes down what a cell puts out, as text, while the kernel shows it as usual."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.trajectory import ExecutionError, Observation
from metaclaw_jlab.executors.observation import Clip, clean, cut

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

TRACEBACK_CHARS = 8000


class Capture:
    """Streams and displayed objects of one cell, from `start` to `stop`.

    The streams keep their identity, because kernels and users' code test it: only their `write` is replaced.
    `shown` is the most characters of a stream that are let through to the notebook.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        chars: int,
        *,
        shown: int | None = None,
        on_output: Callable[[str], None] | None = None,
    ) -> None:
        self._shell = shell
        self._chars = chars
        self._shown = shown
        self._on_output = on_output
        self._stdout, self._stderr = Clip(chars), Clip(chars)
        self._open = False
        self._paused = False
        self._undo = ExitStack()
        self._thread = threading.get_ident()
        self._started = 0.0
        self._seconds = 0.0

    def start(self) -> None:
        """Begin to listen."""
        self._open = True
        with ExitStack() as stack:
            stack.enter_context(replaced(sys.stdout, "write", self._writer(sys.stdout, self._stdout)))
            stack.enter_context(replaced(sys.stderr, "write", self._writer(sys.stderr, self._stderr)))
            publisher = self._shell.display_pub
            stack.enter_context(replaced(publisher, "publish", self._publish(publisher.publish)))
            self._undo = stack.pop_all()
        self._started = time.perf_counter()

    def stop(self) -> None:
        """Stop listening; references to the streams that the code kept go on working."""
        if self._open:
            self._seconds = time.perf_counter() - self._started
            self._open = False
            self._undo.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is written meanwhile is shown, and not taken down."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def observation(self, value: object, error: BaseException | None) -> Observation:
        """What was taken down, with the cell's last value and what it raised."""
        out, out_left = self._stdout.finish()
        err, err_left = self._stderr.finish()
        result, result_left = (None, 0) if value is None else cut(self._plain(value), self._chars)
        return Observation(
            stdout=out,
            stderr=err,
            result=result,
            error=None if error is None else described(error),
            seconds=self._seconds,
            truncated=out_left + err_left + result_left,
        )

    def _listening(self) -> bool:
        """Whether text is the cell's own. A terminal writes results and tracebacks to the same stream."""
        shell = self._shell
        aside = (
            getattr(shell.displayhook, "is_active", False)
            or getattr(shell.display_pub, "is_publishing", False)
            or getattr(shell, "showing_traceback", False)
        )
        return self._open and not self._paused and not aside

    def _writer(self, stream: Any, clip: Clip) -> Callable[[Any], int]:
        forward = stream.write
        written = 0

        def write(text: Any) -> int:
            nonlocal written
            if not isinstance(text, str) or not self._listening():
                forward(text)  # a stream refuses what is no text in its own words
                return len(text)
            clip.feed(text.encode("utf-8", "replace"))
            let_through = text if self._shown is None else text[: max(0, self._shown - written)]
            within = self._shown is None or written <= self._shown
            written += len(text)
            if let_through:
                forward(let_through)
                if self._on_output is not None:
                    self._on_output(let_through)
            if within and len(let_through) < len(text):
                forward(f"\n[output over {self._shown:,} characters is not shown]\n")
            return len(text)

        return write

    def _publish(self, publish: Callable[..., Any]) -> Callable[..., Any]:
        """Put the plain text of what the code displays among its output."""

        def publish_and_keep(data: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            text = data.get("text/plain")
            # Other threads show what is ours: how the task goes on, what was learnt.
            own = threading.get_ident() == self._thread
            if own and self._open and not self._paused and isinstance(text, str):
                self._stdout.feed((text + "\n").encode("utf-8", "replace"))
            return publish(data, *args, **kwargs)

        return publish_and_keep

    def _plain(self, value: object) -> str:
        formatter = self._shell.display_formatter
        try:
            text = formatter.formatters["text/plain"](value) if formatter is not None else None
            return clean(text if isinstance(text, str) else repr(value))
        except Exception as error:  # noqa: BLE001 - the code of a user's class ends here
            return f"{type(value).__qualname__}, whose repr raised {type(error).__name__}"


def described(error: BaseException) -> ExecutionError:
    """An exception as text."""
    lines = traceback.format_exception(error)
    return ExecutionError(
        type(error).__name__, clean(str(error)), cut(clean("".join(lines)), TRACEBACK_CHARS)[0]
    )


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Give an object another attribute for a while. What others have put in its place meanwhile is left alone."""
    own = vars(owner)
    missing = name not in own
    before = own.get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if vars(owner).get(name) is value:
            if missing:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

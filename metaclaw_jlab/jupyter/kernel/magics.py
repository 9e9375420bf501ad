"""`%metaclaw` and `%%metaclaw`: read the line, call what does it, show what it says."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from metaclaw_jlab.core.errors import ConfigError, MetaclawError, NotFound, UsageMistake

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

TAKE_UP_SECONDS = 1.0
_MISTAKES = (ConfigError, NotFound, UsageMistake)


@magics_class
class MetaclawMagics(Magics):
    """The magics of one kernel. What they need is imported when they are first used."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        from metaclaw_jlab.jupyter.kernel.session import KernelSession

        self.session = KernelSession(shell)

    @no_var_expand
    @line_cell_magic
    def metaclaw(self, line: str, cell: str | None = None) -> None:
        """Hand a task to the agent, or ask about it: %metaclaw help."""
        from metaclaw_jlab.jupyter.kernel.arguments import HelpShown, split

        try:
            if cell is not None:
                from metaclaw_jlab.jupyter.kernel.cell import run_cell

                run_cell(self.session, line, cell)
            else:
                from metaclaw_jlab.jupyter.kernel.commands import run_command

                if told := run_command(self.session, split(line)):
                    self.session.reporter().answer(told)
        except HelpShown:
            return
        except _MISTAKES as mistake:
            raise UsageError(str(mistake)) from None
        except MetaclawError as error:
            raise _in_one_line(error) from None
        except KeyboardInterrupt as stop:
            raise _in_one_line(stop) from None


def register(shell: InteractiveShell) -> None:
    """Add the magics to a shell. Loading twice changes nothing."""
    if "metaclaw" in shell.magics_manager.magics["cell"]:
        return
    magics = MetaclawMagics(shell)
    shell.register_magics(magics)
    shell.events.register("pre_run_cell", magics.session.before_cell)
    shell.events.register("post_run_cell", magics.session.after_cell)
    _later(magics.session.take_up)


def _later(work: Callable[[], None]) -> None:
    """Do something small after the load, which is not to wait for it."""

    def do() -> None:
        try:
            work()
        except Exception:  # a thread's boundary: what it is about shows itself with the first task
            logging.getLogger(__name__).debug("Nothing was taken up", exc_info=True)

    timer = threading.Timer(TAKE_UP_SECONDS, do)
    timer.daemon = True
    timer.start()


def _in_one_line(error: BaseException) -> BaseException:
    """The error as IPython shows it: its sentence, without the frames of this package."""
    sentence = f"{type(error).__name__}: {error}".rstrip(": ")
    error._render_traceback_ = lambda: [sentence]  # type: ignore[attr-defined]
    return error

"""A notebook that asks the agent, for tests of ask mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from metaclaw_jlab.core.feedback import FeedbackKind
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics, register

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.kernel.session import KernelSession
    from tests.loopback.server import ScriptedServer


def reply(code: str, *, done: bool = True) -> str:
    return f"```python\n{code}\n```" + ("\nDone." if done else "")


class Notebook:
    """A connected shell, what it showed, and what is in its store."""

    def __init__(
        self, shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.shell = shell
        self.server = server
        self.capsys = capsys

    @property
    def session(self) -> KernelSession:
        magics = self.shell.magics_manager.registry[MetaclawMagics.__name__]
        assert isinstance(magics, MetaclawMagics)
        return magics.session

    def ask(self, code: str, line: str = "%%metaclaw", *, done: bool = True) -> str:
        """Have a cell proposed; gives the cell."""
        self.server.say(reply(code, done=done))
        self.run(f"{line}\nWork it out")
        self.told()
        return str(self.shell.rl_next_input)

    def run(self, source: str) -> Any:
        return self.shell.run_cell(source, store_history=True)

    def told(self) -> str:
        """What was shown since it was asked last."""
        shown = self.capsys.readouterr()
        return shown.out + shown.err

    def get(self, cell: str) -> Trajectory:
        """The trajectory of a proposed cell."""
        mark = cell.splitlines()[0].removeprefix("# metaclaw:")
        return self.session.workspace().trajectories().get(mark.split("/")[0])

    def feedback(self, cell: str) -> list[tuple[FeedbackKind, str]]:
        said = self.session.feedbacks().of(self.get(cell).id)
        return [(entry.kind, entry.text) for entry in said]

    def restart(self) -> None:
        """Another kernel on the same home and endpoint."""
        self.session.workspace().close()
        InteractiveShell.clear_instance()
        self.shell = InteractiveShell.instance()
        self.shell.history_manager.enabled = False
        register(self.shell)
        self.run(f"%metaclaw connect {self.server.base_url}")
        self.told()

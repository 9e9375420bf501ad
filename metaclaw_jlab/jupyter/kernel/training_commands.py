"""`%metaclaw train ...` and `adapters ...`: the command line's words, for a notebook. Training never blocks it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from IPython.core.error import UsageError

from metaclaw_jlab.inspection.lines import plain
from metaclaw_jlab.jupyter.kernel.arguments import LineParser

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.jupyter.kernel.session import KernelSession
    from metaclaw_jlab.jupyter.kernel.shown import Shown
    from metaclaw_jlab.jupyter.kernel.training_view import TrainingView

TRAIN_EXAMPLES = (
    "%metaclaw train\n  %metaclaw train --now\n  %metaclaw train --now --steps 10 --wait\n"
    "  %metaclaw train stop\n  %metaclaw train resume\n  %metaclaw train pause 90\n  %metaclaw train log"
)
ADAPTER_EXAMPLES = (
    "%metaclaw adapters\n  %metaclaw adapters show 3\n"
    '  %metaclaw adapters promote 3 --reason "a trial"\n  %metaclaw adapters rollback base'
)

_views: WeakKeyDictionary[KernelSession, TrainingView] = WeakKeyDictionary()


def train(session: KernelSession, words: list[str]) -> str | Shown:
    """Training: how it stands, begin, stop, pause. Raises UsageError, HelpShown, MetaclawError, KeyboardInterrupt."""
    from metaclaw_jlab.inspection.training_commands import (
        ABOUT,
        abandon_training,
        add_training_arguments,
        render_training_result,
        stop_training,
        wanted,
        without_training,
    )
    from metaclaw_jlab.jupyter.kernel.answers import training_found

    parser = _parser("train", ABOUT, TRAIN_EXAMPLES)
    add_training_arguments(parser)
    parser.add_argument(
        "--wait", action="store_true", help="wait for the verdict; Ctrl-C stops the training, to be resumed"
    )
    found = parser.parse_args(words)
    what, workspace = wanted(found), session.workspace()
    if found.wait and what not in {"train", "resume"}:
        raise UsageError("--wait is for --now and resume.")
    if (told := without_training(workspace, what, found)) is not None:
        if what == "status":
            _show_again(session, workspace)
        return training_found(told, plain(render_training_result(told)))
    match what:
        case "stop":
            return render_training_result(stop_training(workspace))
        case "abandon":
            return render_training_result(abandon_training(workspace))
    return _begin(session, workspace, what, found)


def adapters(session: KernelSession, words: list[str]) -> Shown:
    """The adapters. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.adapter_commands import (
        ABOUT,
        add_adapter_arguments,
        render_adapter_result,
        run_adapters,
    )
    from metaclaw_jlab.jupyter.kernel.answers import adapters_found

    parser = _parser("adapters", ABOUT, ADAPTER_EXAMPLES)
    add_adapter_arguments(parser)
    result = run_adapters(session.workspace(), parser.parse_args(words))
    return adapters_found(result, plain(render_adapter_result(result)))


def _begin(session: KernelSession, workspace: Workspace, what: str, found: argparse.Namespace) -> str:
    """Start or resume a training in a process of its own, and show it as it goes on."""
    from metaclaw_jlab.inspection.training_commands import start_beside

    if what == "train" and found.model is None:
        found.model = _of_session(workspace)
    begun = start_beside(workspace, what, found)
    number = begun["run"] if isinstance(begun["run"], int) else None
    if found.wait:
        return _wait(session, workspace, number, f"MetaClaw: {begun['told']}")
    _show(session, workspace, number, f"MetaClaw: {begun['told']}")
    return ""


def _of_session(workspace: Workspace) -> str | None:
    """The model that `%metaclaw local` chose for this session: the process reads the configuration alone."""
    chosen = workspace.overrides
    if chosen.get("policy.base_url") is None and (model := chosen.get("policy.local_model")) is not None:
        return str(model)
    return None


def _show(session: KernelSession, workspace: Workspace, number: int | None, told: str) -> None:
    """Show a training beside the user, where the output can be replaced; one output of a session at a time."""
    from metaclaw_jlab.jupyter.kernel.training_view import TrainingView, said

    update = session.reporter().panel(told, said(told))
    if (before := _views.pop(session, None)) is not None:
        before.let_go()
    if update is not None:
        _views[session] = view = TrainingView(workspace, number, update)
        view.start()


def _show_again(session: KernelSession, workspace: Workspace) -> None:
    """Show the training that runs in the output of this cell from now on."""
    from metaclaw_jlab.runtime.training_process import conductor

    if hasattr(session.shell, "kernel") and conductor(workspace.home) is not None:
        _show(session, workspace, None, "MetaClaw: a training runs.")


def _wait(session: KernelSession, workspace: Workspace, number: int | None, told: str) -> str:
    """Show a training until it is over. KeyboardInterrupt stops it, and then what was reached is told."""
    from metaclaw_jlab.inspection.training_commands import stop_training
    from metaclaw_jlab.jupyter.kernel.training_view import TrainingView, said

    reporter = session.reporter()
    update = reporter.panel(told, said(told))

    def show(text: str, markup: str) -> None:
        if update is not None:
            update(text, markup)
        else:
            reporter.progress(text)

    try:
        TrainingView(workspace, number, show).watch()
    except KeyboardInterrupt:
        return f"MetaClaw: {stop_training(workspace)['told']}"
    return ""


def _parser(name: str, about: str, examples: str) -> LineParser:
    return LineParser(
        prog=f"%metaclaw {name}",
        description=about,
        epilog=f"examples:\n  {examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )

"""`adapters ...`, the same for the magic and the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.inspection.adapter_changes import (
    Back,
    Moved,
    delete_by_hand,
    gate_in_words,
    promote_by_hand,
    roll_back_by_hand,
)
from metaclaw_jlab.inspection.adapters import (
    HISTORY,
    describe_adapter,
    gates_of,
    list_adapters,
    render_adapter,
    render_adapters,
    render_history,
    serving_history,
)

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

ABOUT = "The adapters that trainings made: which one serves, what their gates said, and the way back."
LIMIT = 20
BASE = -1
EVERYTHING = 1000  # times that one version came to serve
Confirm = Callable[[str], bool]


def add_adapter_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    parser.add_argument("--limit", type=_number, default=LIMIT, metavar="N", help="how many (default 20)")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list")
    listing = actions.add_parser("list", help="the newest first (the default)")
    listing.add_argument("--limit", type=_number, default=argparse.SUPPRESS, metavar="N", help="how many")
    showing = actions.add_parser("show", help="one adapter: its files, its gates, when it served")
    showing.add_argument("version", type=_version, metavar="N")
    history = actions.add_parser("history", help="what served, and why it changed")
    history.add_argument("--limit", type=_number, default=HISTORY, metavar="N", help="how many")
    promote = actions.add_parser("promote", help="let one serve whatever its gate said; that is recorded")
    promote.add_argument("version", type=_version, metavar="N")
    promote.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")
    promote.add_argument("--yes", action="store_true", help="without a question and without a reason")
    back = actions.add_parser(
        "rollback", help="let what served before, another version or the base serve again"
    )
    back.add_argument(
        "version",
        type=_version_or_base,
        nargs="?",
        metavar="N|base",
        help="what served before, where left out",
    )
    back.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")
    deleting = actions.add_parser("delete", help="delete a candidate or a rejected one, with its files")
    deleting.add_argument("version", type=_version, metavar="N")


def run_adapters(
    workspace: Workspace, arguments: argparse.Namespace, confirm: Confirm | None = None
) -> dict[str, object]:
    """What was asked for. `confirm` asks a person, where one is there.

    Raises NotFound, AdapterRefused, UsageMistake, InvariantViolation.
    """
    match arguments.action:
        case "show":
            return _show(workspace, arguments.version)
        case "history":
            return {"history": serving_history(workspace, arguments.limit)}
        case "promote":
            return _promote(workspace, arguments, confirm)
        case "rollback":
            return _told(roll_back_by_hand(workspace, _back(arguments.version), arguments.reason))
        case "delete":
            return _told(delete_by_hand(workspace, arguments.version))
    return _list(workspace, arguments.limit)


def render_adapter_result(result: Mapping[str, Any]) -> str:
    """The adapters, one of them, or what happened."""
    match result:
        case {"adapter": adapter, "gates": gates, "history": history}:
            return render_adapter(adapter, gates, history)
        case {"history": history}:
            return render_history(history)
        case {"told": told}:
            return str(told)
    return render_adapters(result["adapters"], result["more"])


def _list(workspace: Workspace, limit: int) -> dict[str, object]:
    from metaclaw_jlab.store.adapters import Adapters
    from metaclaw_jlab.store.serving import Serving

    listed = list_adapters(workspace, limit)
    more = Adapters(workspace.database()).count() - len(listed)
    return {"adapters": listed, "more": more, "serving": Serving(workspace.database()).current()}


def _show(workspace: Workspace, version: int) -> dict[str, object]:
    from metaclaw_jlab.store.serving import Serving

    return {
        "adapter": describe_adapter(workspace, version),
        "gates": gates_of(workspace, version),
        "history": Serving(workspace.database()).of(version, EVERYTHING),
    }


def _promote(
    workspace: Workspace, arguments: argparse.Namespace, confirm: Confirm | None
) -> dict[str, object]:
    version = arguments.version
    if not (arguments.yes or arguments.reason.strip()):
        said = gate_in_words(describe_adapter(workspace, version))
        if confirm is None:
            raise UsageMistake(
                f"This lets adapter v{version} serve by hand ({said}).",
                f'Say why, for the record: adapters promote {version} --reason "...", or put --yes.',
            )
        if not confirm(f"Adapter v{version} will serve from now on, by hand ({said})."):
            from metaclaw_jlab.store.serving import Serving

            return {"told": "Nothing was changed.", "serving": Serving(workspace.database()).current()}
    return _told(promote_by_hand(workspace, version, arguments.reason), " Back: adapters rollback.")


def _back(version: int | None) -> Back:
    if version is None:
        return "before"
    return "base" if version == BASE else version


def _told(moved: Moved, more: str = "") -> dict[str, object]:
    return {"told": moved.told + more, "serving": moved.serving}


def _version(text: str) -> int:
    """`7` or `v7`, for argparse."""
    digits = text.removeprefix("v")
    if not digits.isascii() or not digits.isdigit() or int(digits) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no version of an adapter")
    return int(digits)


def _version_or_base(text: str) -> int:
    return BASE if text in {"base", "v0", "0"} else _version(text)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number, 1 or more")
    return int(text)

"""`adapters ...`, the same for the magic and the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import MetaclawError, UsageMistake
from metaclaw_jlab.inspection.adapters import (
    HISTORY,
    describe_adapter,
    gates_of,
    list_adapters,
    name_of,
    render_adapter,
    render_adapters,
    render_history,
    serving_history,
)

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.config import PolicySettings

ABOUT = "The adapters that trainings made: which one serves, what their gates said, and the way back."
LIMIT = 20
BASE = -1
ENDPOINT_SECONDS = 30.0
EVERYTHING = 1000  # changes of what serves that are looked through for one version
_BY_HAND = "Wanted by a person."
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
            return _roll_back(workspace, arguments.version, arguments.reason)
        case "delete":
            return _delete(workspace, arguments.version)
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
    return {
        "adapter": describe_adapter(workspace, version),
        "gates": gates_of(workspace, version),
        "history": tuple(one for one in serving_history(workspace, EVERYTHING) if one.version == version),
    }


def _promote(
    workspace: Workspace, arguments: argparse.Namespace, confirm: Confirm | None
) -> dict[str, object]:
    from metaclaw_jlab.learning.adapters import force

    version = arguments.version
    account = describe_adapter(workspace, version)
    said = (
        f"its gate said: {account.gate.verdict.value}"
        if account.gate is not None
        else "no gate has looked at it"
    )
    if not (arguments.yes or arguments.reason.strip()):
        if confirm is None:
            raise UsageMistake(
                f"This lets adapter v{version} serve by hand ({said}).",
                f'Say why, for the record: adapters promote {version} --reason "...", or put --yes.',
            )
        if not confirm(f"Adapter v{version} will serve from now on, by hand ({said})."):
            return {"told": "Nothing was changed.", "serving": _serving(workspace)}
    force(workspace.home, workspace.database(), version, arguments.reason.strip() or _BY_HAND)
    told = f"Adapter v{version} serves from now on, forced by hand ({said}). Back: adapters rollback."
    return {"told": told + _elsewhere(workspace, version, account.base), "serving": version}


def _roll_back(workspace: Workspace, version: int | None, reason: str) -> dict[str, object]:
    from metaclaw_jlab.learning.adapters import roll_back
    from metaclaw_jlab.store.serving import Serving

    serving = Serving(workspace.database())
    before = serving.current()
    to = serving.previous() if version is None else None if version == BASE else version
    if version is None and to == before:
        raise UsageMistake(
            f"{_subject(to)} serves, which is what served before.",
            "Name another: adapters rollback N, or base. What served: adapters history.",
        )
    made = roll_back(workspace.home, workspace.database(), to, reason.strip() or _BY_HAND)
    told = f"{_subject(to)} serves again, in the place of {name_of(before)}."
    if made is not None:
        told += _elsewhere(workspace, made.version, made.base)
    return {"told": told, "serving": to}


def _delete(workspace: Workspace, version: int) -> dict[str, object]:
    from metaclaw_jlab.learning.adapters import delete

    delete(workspace.home, workspace.database(), version)
    told = f"Adapter v{version} is deleted, with its files; what its gates said is kept."
    return {"told": told, "serving": _serving(workspace)}


def _serving(workspace: Workspace) -> int | None:
    from metaclaw_jlab.store.serving import Serving

    return Serving(workspace.database()).current()


def _subject(version: int | None) -> str:
    return "The base" if version is None else f"Adapter v{version}"


def _elsewhere(workspace: Workspace, version: int, base: str) -> str:
    """A note where another model than the adapter's answers here; a vLLM endpoint is told to load it."""
    policy = workspace.settings().policy
    if not policy.base_url:
        same = policy.local_model == base
        return "" if same else f" It is of {base}, though, and {policy.local_model} answers here."
    return _tell_endpoint(workspace, policy, policy.base_url, version) or (
        f" {policy.base_url} answers here, though: the adapter is of {base}."
    )


def _tell_endpoint(workspace: Workspace, policy: PolicySettings, base_url: str, version: int) -> str:
    """Have a vLLM endpoint load a version, and say how to ask for it; "" where the endpoint is another one."""
    from metaclaw_jlab.learning.adapters import published_folder
    from metaclaw_jlab.policies.lora_endpoint import LoraEndpoint
    from metaclaw_jlab.settings.secrets import key_for

    try:
        endpoint = LoraEndpoint(base_url, key_for(base_url, policy.key_env), timeout=ENDPOINT_SECONDS)
        if not endpoint.is_vllm():
            return ""
        name = endpoint.load(version, published_folder(workspace.home, version))
    except MetaclawError as error:
        return f" {base_url} does not answer with it, though: {error}"
    return f" {base_url} has loaded it: config set policy.model {name}."


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

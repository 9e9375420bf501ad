"""The keys of other agents, as the command line and the notebook make, list and revoke them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.assembly.namespaces import in_home
from metaclaw_jlab.inspection.lines import counted, local_time, table

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.store.client_keys import ClientKey

ABOUT = "Keys for other agents, which work with the skills of this home through its server."
ACTIONS = frozenset({"add", "list", "revoke"})
USUAL = "http://localhost:8888/"  # where a Jupyter server listens by default
_SWITCH = {"on": True, "off": False, None: None}


def add_client_arguments(actions: argparse._SubParsersAction[Any]) -> None:
    """`add`, `list` and `revoke`."""
    new = actions.add_parser("add", help="make a key for another agent; it is shown once")
    new.add_argument("name", metavar="NAME", help="whose it is")
    new.add_argument(
        "--namespace", default="", metavar="NAME", help="a library of its own; the home's where left out"
    )
    for name, told in (("skills", "put skills into its prompts"), ("learn", "learn from its turns")):
        new.add_argument(f"--{name}", choices=["on", "off"], help=f"{told}; as configured where left out")
    listing = actions.add_parser("list", help="which agents have a key")
    listing.add_argument("--all", action="store_true", help="those whose key was revoked too")
    ending = actions.add_parser("revoke", help="end a key for good")
    ending.add_argument("client", metavar="NAME", help="its client, or its id")


def run_clients(workspace: Workspace, arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises UsageMistake, NotFound, InvariantViolation."""
    from metaclaw_jlab.store.client_keys import ClientKeys, ClientSettings

    with in_home(workspace) as home:
        keys = ClientKeys(home.database())
        match arguments.action:
            case "add":
                settings = ClientSettings(skills=_SWITCH[arguments.skills], learn=_SWITCH[arguments.learn])
                client, key = keys.add(arguments.name, arguments.namespace, settings)
                return {"client": client, "key": key, "url": _url(home)}
            case "revoke":
                return {"revoked": keys.revoke(arguments.client)}
        return {"clients": keys.list(revoked=arguments.all)}


def render_clients(result: Mapping[str, Any]) -> str:
    """The key and how it is used; the clients; or what was revoked."""
    match result:
        case {"key": key, "client": client, "url": url}:
            return "\n".join(_told(client, key, url))
        case {"revoked": client}:
            return f"The key of {client.name} ({client.id}) is revoked: its next request is refused."
    clients: tuple[ClientKey, ...] = result["clients"]
    if not clients:
        return "No client has a key. Make one with: keys add NAME"
    heads = ("name", "id", "namespace", "made", "last used", "")
    return "\n".join([f"{counted(len(clients), 'client')}:", *table([heads, *map(_row, clients)], "  ")])


def _told(client: ClientKey, key: str, url: str | None) -> list[str]:
    where = url or USUAL
    guess = [] if url else ["No server of this home runs now: put its address for the one above."]
    return [
        f"The key of {client.name} ({client.id}), shown this once:",
        "",
        f"  {key}",
        "",
        f"OpenAI clients:    base URL {where}metaclaw/v1",
        f"Anthropic clients: base URL {where}metaclaw",
        *guess,
        "It is good for nothing else on that server; a client key starts no kernel and trains nothing.",
    ]


def _row(client: ClientKey) -> tuple[str, ...]:
    settings = client.settings
    wants = [
        f"{name} {'on' if value else 'off'}"
        for name, value in (("skills", settings.skills), ("learn", settings.learn))
        if value is not None
    ]
    if client.revoked_at is not None:
        wants = [f"revoked {local_time(client.revoked_at)}"]
    used = "never" if client.used_at is None else local_time(client.used_at)
    made = local_time(client.created_at)
    return (client.name, client.id, client.namespace or "-", made, used, ", ".join(wants))


def _url(workspace: Workspace) -> str | None:
    """Where the home's server listens, where one runs."""
    from metaclaw_jlab.runtime.host import published

    found = published(workspace.home)
    return found.url if found is not None and found.url else None

"""The keys of other agents: who has one, a new one, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from metaclaw_jlab.core.namespace import LONGEST, PATTERN
from metaclaw_jlab.jupyter.server.operation import Body, Operation
from metaclaw_jlab.store.client_keys import NAME, ClientKey, ClientKeys, ClientSettings

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host


class NewClient(Body):
    """A client that shall have a key. Where `skills` or `learn` is left out, the configuration says it."""

    name: str = Field(min_length=1, max_length=64, pattern=f"^{NAME.pattern}$", description="Its name.")
    namespace: str = Field(
        "", max_length=LONGEST, pattern=PATTERN, description="Whose library it has; the home's where empty."
    )
    skills: bool | None = Field(None, description="Whether skills are put into its prompts.")
    learn: bool | None = Field(None, description="Whether its turns teach.")


@dataclass(frozen=True, slots=True)
class ClientList:
    """The clients whose keys are good, the oldest first."""

    clients: tuple[ClientKey, ...]


@dataclass(frozen=True, slots=True)
class MadeClient:
    """A new client with its key, which cannot be had again."""

    client: ClientKey
    key: str


@dataclass(frozen=True, slots=True)
class RevokedClient:
    """A client whose key is good no longer."""

    client: ClientKey


def clients(host: Host) -> ClientList:
    """Who has a key."""
    return ClientList(ClientKeys(host.workspace.database()).list())


def add_client(
    host: Host, *, name: str, namespace: str, skills: bool | None, learn: bool | None
) -> MadeClient:
    """Make a key. Raises UsageMistake, InvariantViolation where the name is in use."""
    keys = ClientKeys(host.workspace.database())
    return MadeClient(*keys.add(name, namespace, ClientSettings(skills=skills, learn=learn)))


def revoke_client(host: Host, *, id: str) -> RevokedClient:  # noqa: A002
    """End a key for good. Raises NotFound."""
    return RevokedClient(ClientKeys(host.workspace.database()).revoke(id))


OPERATIONS = (
    Operation(
        method="GET",
        path="/clients",
        name="clients",
        about="The clients of the proxy whose keys are good; of a key only its hash is kept.",
        call=clients,
        answer=ClientList,
        counts=False,
    ),
    Operation(
        method="POST",
        path="/clients",
        name="add_client",
        about="Make a key for a client, good for /metaclaw/v1 only. It is shown this once.",
        call=add_client,
        answer=MadeClient,
        body=NewClient,
        status=201,
        errors=(409,),
    ),
    Operation(
        method="DELETE",
        path="/clients/{id}",
        name="revoke_client",
        about="End a key for good, by its id or the name of its client.",
        call=revoke_client,
        answer=RevokedClient,
        errors=(404,),
    ),
)

"""Who asks the proxy: the holder of a client key, or somebody whom Jupyter itself knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaclaw_jlab.store.client_keys import ClientKey


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks. The id is "" for Jupyter's own identity, the namespace None for the one that the host is in, "" for the
    home's own; `skills` and `learn` are what the client wants otherwise than the configuration says, None where it says
    nothing."""

    id: str = ""
    name: str = ""
    namespace: str | None = None
    skills: bool | None = None
    learn: bool | None = None


def credential(headers: Mapping[str, str]) -> str | None:
    """What a request shows: a Bearer token, else `x-api-key`, which Anthropic's clients send."""
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    if given.strip() and scheme.lower() in ("bearer", "token"):
        return given.strip()
    return headers.get("X-Api-Key", "").strip() or None


def looks_like_client_key(credential: str) -> bool:
    """Whether it has the form of a client's key; such a one is never tried as Jupyter's token."""
    from metaclaw_jlab.store.client_keys import PREFIX

    return credential.startswith(f"{PREFIX}-")


def client_of(key: ClientKey) -> Client:
    """The client whose key it is."""
    return Client(key.id, key.name, key.namespace, key.settings.skills, key.settings.learn)

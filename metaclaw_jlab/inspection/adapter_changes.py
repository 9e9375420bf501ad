"""What a person does to adapters: let one serve, go back, delete; with what that comes to, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from metaclaw_jlab.core.errors import MetaclawError, NotNow
from metaclaw_jlab.inspection.adapters import AdapterAccount, describe_adapter, name_of

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.config import PolicySettings

ENDPOINT_SECONDS = 30.0
_BY_HAND = "Wanted by a person."
Back = int | Literal["before", "base"]


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done. `serving` is the version that serves now, None for the base; `undo` is what a rollback has to
    name to take this back, None where nothing can."""

    told: str
    serving: int | None
    undo: int | Literal["base"] | None


def gate_in_words(account: AdapterAccount) -> str:
    """What the last gate of an adapter said, for a question or a record."""
    return (
        f"its gate said: {account.gate.verdict.value}"
        if account.gate is not None
        else "no gate has looked at it"
    )


def promote_by_hand(workspace: Workspace, version: int, reason: str) -> Moved:
    """Let an adapter serve whatever its gate said. Raises NotFound, AdapterRefused, NotNow."""
    from metaclaw_jlab.learning.adapters import force

    account, before = describe_adapter(workspace, version), _serving(workspace)
    force(workspace.home, workspace.database(), version, reason.strip() or _BY_HAND)
    told = f"Adapter v{version} serves from now on, forced by hand ({gate_in_words(account)})."
    return Moved(told + _elsewhere(workspace, version, account.base), version, _undo(before))


def roll_back_by_hand(workspace: Workspace, to: Back, reason: str) -> Moved:
    """Let what served before, a version that served, or the base serve again.

    Raises NotFound, AdapterRefused, NotNow where that serves already.
    """
    from metaclaw_jlab.learning.adapters import roll_back
    from metaclaw_jlab.store.serving import Serving

    before = _serving(workspace)
    match to:
        case "before":
            version = Serving(workspace.database()).previous()
            if version == before:
                raise NotNow(
                    f"{_subject(version)} serves, which is what served before.",
                    "Name another: adapters rollback N, or base. What served: adapters history.",
                )
        case "base":
            version = None
        case _:
            version = to
    made = roll_back(workspace.home, workspace.database(), version, reason.strip() or _BY_HAND)
    told = f"{_subject(version)} serves again, in the place of {name_of(before)}."
    if made is not None:
        told += _elsewhere(workspace, made.version, made.base)
    return Moved(told, version, _undo(before))


def delete_by_hand(workspace: Workspace, version: int) -> Moved:
    """Delete a candidate or a rejected adapter with its files. Raises NotFound, InvariantViolation."""
    from metaclaw_jlab.learning.adapters import delete

    delete(workspace.home, workspace.database(), version)
    told = f"Adapter v{version} is deleted, with its files; what its gates said is kept."
    return Moved(told, _serving(workspace), None)


def _serving(workspace: Workspace) -> int | None:
    from metaclaw_jlab.store.serving import Serving

    return Serving(workspace.database()).current()


def _undo(before: int | None) -> int | Literal["base"]:
    return "base" if before is None else before


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

"""Who writes skills here, and whether they are judged: chosen by the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from metaclaw_jlab.core.config import EMBEDDED_MODEL, Settings

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.workspace import Workspace
    from metaclaw_jlab.core.evolution import Evolver
    from metaclaw_jlab.core.policy import Policy

Kind = Literal["off", "distiller", "model", "both"]


def evolver_kind(settings: Settings) -> Kind:
    """Who writes skills under these settings: what `auto` comes to."""
    if settings.evolver.kind != "auto":
        return settings.evolver.kind
    if settings.evolver.base_url or settings.policy.base_url:
        return "model"
    return "distiller" if settings.policy.local_model == EMBEDDED_MODEL else "both"


def judges_skills(settings: Settings) -> bool:
    """Whether a skill that was tried and does not help is dropped.

    Not where the distiller writes for the embedded policy: it says what was said, and training mends what that policy
    does not follow yet.
    """
    embedded = settings.policy.base_url is None and settings.policy.local_model == EMBEDDED_MODEL
    return not (embedded and evolver_kind(settings) == "distiller")


def make_evolver(workspace: Workspace) -> Evolver | None:
    """The evolver of these settings. Whatever answers at an endpoint is taken for a capable model, a local one for a
    small one, which is asked without its adapter and gives way to the user's tasks."""
    kind = evolver_kind(workspace.settings())
    if kind == "off":
        return None
    if kind == "model":
        return _model_evolver(workspace)
    from metaclaw_jlab.skills.distiller import Distiller

    if kind == "distiller":
        return Distiller()
    from metaclaw_jlab.skills.evolver_pair import EvolverPair

    return EvolverPair(_model_evolver(workspace), Distiller())


def _model_evolver(workspace: Workspace) -> Evolver:
    settings, known = workspace.settings(), workspace.known_secrets()
    base_url = settings.evolver.base_url or settings.policy.base_url
    if base_url is not None:
        from metaclaw_jlab.skills.evolver import ModelEvolver

        return ModelEvolver(_endpoint(settings, base_url), known=known)
    from metaclaw_jlab.skills.small_evolver import SmallModelEvolver

    def opened() -> Policy:
        return workspace.precedence.yielding(workspace.policy(begun=settings.policy.local_model))

    return SmallModelEvolver(opened, known=known)


def _endpoint(settings: Settings, base_url: str) -> Policy:
    from metaclaw_jlab.policies.endpoint import EndpointPolicy
    from metaclaw_jlab.settings.secrets import key_for

    wanted, own = settings.evolver, settings.evolver.base_url is not None
    return EndpointPolicy(
        base_url,
        model=wanted.model or (None if own else settings.policy.model),
        key=key_for(base_url, wanted.key_env or (None if own else settings.policy.key_env)),
        timeout=wanted.timeout,
        retries=settings.policy.retries,
    )

"""Whether the policy sends its answer as it is written, by asking for a short one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import PolicyError
from metaclaw_jlab.inspection.finding import Finding, failed, ok, warn
from metaclaw_jlab.inspection.lines import counted

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.config import PolicySettings
    from metaclaw_jlab.policies.endpoint import EndpointPolicy

NAME = "streaming"
TOKENS = 64
QUESTION = "Count from 1 to 20, one number a line."
FIRST_SECONDS = 30.0  # a model that has to be loaded first takes its time
QUICK_SECONDS = 0.5  # an answer this fast may well come at once
SPREAD = 0.05  # of the whole time: what came closer together was held back on the way


def streaming(
    workspace: Workspace,
    *,
    seconds: float = FIRST_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Finding:
    """Ask for a few words and look when they come. `seconds`: without a byte. Raises ConfigError, SecretError."""
    policy = _policy(workspace, seconds)
    if policy is None:
        return ok(NAME, "Not tried: the local policy server runs when it is needed, and streams.")
    settings = workspace.settings().policy
    try:
        model = policy.model
        arrivals, took = _answer(policy, settings, clock)
        if _held_back(arrivals, took):  # or the model was loaded first: the second answer tells
            arrivals, took = _answer(policy, settings, clock)
    except PolicyError as error:
        return failed(NAME, error, _command(workspace))
    finally:
        policy.close()
    return _judged(arrivals, took, model)


def _answer(
    policy: EndpointPolicy, settings: PolicySettings, clock: Callable[[], float]
) -> tuple[list[float], float]:
    """When each piece of a short answer arrived, and when it ended, in seconds from the request. Raises PolicyError."""
    from metaclaw_jlab.core.policy import Message, Sampling

    started = clock()
    arrivals: list[float] = []
    policy.complete(
        (Message("user", QUESTION),),
        Sampling(settings.temperature, TOKENS, extra=settings.extra),
        on_text=lambda _: arrivals.append(clock() - started),
    )
    return arrivals, clock() - started


def _held_back(arrivals: list[float], took: float) -> bool:
    """Whether several pieces arrived all but at once although the answer took its time."""
    return len(arrivals) > 1 and took > QUICK_SECONDS and arrivals[-1] - arrivals[0] < SPREAD * took


def _policy(workspace: Workspace, seconds: float) -> EndpointPolicy | None:
    from metaclaw_jlab.policies.endpoint import EndpointPolicy
    from metaclaw_jlab.runtime.policy_server import running
    from metaclaw_jlab.settings.secrets import key_for

    settings = workspace.settings().policy
    if settings.base_url:
        key = key_for(settings.base_url, settings.key_env)
        return EndpointPolicy(settings.base_url, settings.model, key, timeout=seconds, retries=0)
    server = running(workspace.home)
    if server is None:
        return None
    return EndpointPolicy(server.base_url, None, server.token, timeout=seconds, retries=0)


def _judged(arrivals: list[float], took: float, model: str) -> Finding:
    """What the times say at which pieces of text arrived."""
    if not arrivals:
        return ok(
            NAME, f"{model} sent no text within {TOKENS} tokens; whether it streams, that does not tell."
        )
    told = f"{counted(len(arrivals), 'piece')} in {took:.1f} s, the first after {arrivals[0]:.1f} s"
    advice = "Tasks work all the same, but nothing shows until they end. Look for a buffer before the server."
    if len(arrivals) == 1:
        return warn(NAME, f"{model} answers in one piece: {told}.", advice)
    if _held_back(arrivals, took):
        return warn(NAME, f"{model} streams, but something holds it back until the end: {told}.", advice)
    return ok(NAME, f"{model} streams: {told}.")


def _command(workspace: Workspace) -> str:
    url = workspace.settings().policy.base_url
    return f"%metaclaw connect {url}" if url else "%metaclaw local"

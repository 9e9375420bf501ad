from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.policies.endpoint import EndpointPolicy

if TYPE_CHECKING:
    from tests.loopback.server import ScriptedServer


@pytest.fixture
def waits() -> list[float]:
    """Seconds that the policy would have slept."""
    return []


@pytest.fixture
def policy(scripted_server: "ScriptedServer", waits: list[float]) -> EndpointPolicy:
    """A policy at the scripted server that does not really sleep."""
    return EndpointPolicy(
        scripted_server.base_url, "m", "sk-secret", timeout=5.0, sleep=waits.append, jitter=lambda: 1.0
    )

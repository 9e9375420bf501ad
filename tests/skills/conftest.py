from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from metaclaw_jlab.policies.endpoint import EndpointPolicy
from metaclaw_jlab.skills.evolver import ModelEvolver

if TYPE_CHECKING:
    from tests.loopback.server import ScriptedServer


@pytest.fixture
def evolver(scripted_server: "ScriptedServer") -> Iterator[ModelEvolver]:
    policy = EndpointPolicy(scripted_server.base_url, "m", timeout=1.0, retries=0)
    yield ModelEvolver(policy)
    policy.close()

from collections.abc import Iterator

import pytest

from tests.loopback.server import ScriptedServer


@pytest.fixture
def scripted_server() -> Iterator[ScriptedServer]:
    """A scripted OpenAI-compatible server of the test's own."""
    server = ScriptedServer()
    yield server
    server.close()

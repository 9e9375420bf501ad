from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback.server import ScriptedServer
from tests.unprivileged import folder_of_nobody


@pytest.fixture
def scripted_server() -> Iterator[ScriptedServer]:
    """A scripted OpenAI-compatible server of the test's own."""
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of an unprivileged user, as whom the test runs."""
    with folder_of_nobody() as folder:
        yield folder

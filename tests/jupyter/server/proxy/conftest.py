from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.jupyter.server.proxy.serving import Served, workspace_of
from tests.loopback.server import ScriptedServer

Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path, scripted_server: ScriptedServer) -> Iterator[Serve]:
    """Starts the proxy before the scripted server, with settings of the test's own."""
    started: list[Served] = []

    def start(*, token: str | None = None, **overrides: object) -> Served:
        workspace = workspace_of(tmp_path / "home", scripted_server, **overrides)
        started.append(Served(workspace) if token is None else Served(workspace, token=token))
        return started[-1]

    yield start
    for served in started:
        served.close()
        served.workspace.close()


@pytest.fixture
def off(serve: Serve) -> Served:
    """A proxy with everything off: what comes passes as it is."""
    return serve(proxy_skills=False, proxy_learn=False)


@pytest.fixture
def served(serve: Serve) -> Served:
    """A proxy as it is configured by default."""
    return serve()

from collections.abc import Iterator

import pytest

from metaclaw_jlab.executors import bubblewrap
from metaclaw_jlab.executors.sandbox import Sandbox, SandboxPool

collect_ignore = [] if bubblewrap.probe() is not None else ["test_walls.py"]


@pytest.fixture(scope="session")
def pool() -> Iterator[SandboxPool]:
    with SandboxPool(1, seconds=20, memory_mb=512, working_folder_mb=4) as opened:
        yield opened


@pytest.fixture
def sandbox(pool: SandboxPool) -> Iterator[Sandbox]:
    with pool.open() as opened:
        yield opened


@pytest.fixture(scope="session")
def hasty_pool() -> Iterator[SandboxPool]:
    """One that gives code half a second."""
    with SandboxPool(1, seconds=0.5, preload=()) as opened:
        yield opened

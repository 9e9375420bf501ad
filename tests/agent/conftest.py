"""A pool of sandboxes with what practice tasks use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from metaclaw_jlab.executors.sandbox import SandboxPool


@pytest.fixture(scope="session")
def arm_pool() -> Iterator[SandboxPool]:
    with SandboxPool(2, preload=("pandas", "matplotlib")) as opened:
        yield opened

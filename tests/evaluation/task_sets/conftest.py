"""A home to load tasks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with closing(open_workspace(tmp_path / "home")) as opened:
        yield opened

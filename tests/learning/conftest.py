from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.learning.homes import Ground, ground


@pytest.fixture
def home_ground(tmp_path: Path) -> Iterator[Ground]:
    """A home with an empty store."""
    made = ground(tmp_path / "home")
    yield made
    made.database.close()

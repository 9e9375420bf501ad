"""Tiny GGUF models, and a home whose store has versions of one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from llama_server import Front, Versions, front
from tiny_gguf import write_model

from metaclaw_jlab.runtime.home import open_home


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that llama.cpp loads in milliseconds."""
    return write_model(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def versions(tmp_path: Path) -> Iterator[Versions]:
    """A home with a store, and a way to publish versions of the tiny model."""
    found = Versions(open_home(tmp_path / "home"))
    yield found
    found.database.close()


@pytest.fixture
def serve(tiny_model: Path, versions: Versions) -> Iterator[Callable[..., Front]]:
    """Starts fronts of the tiny model, or of another file."""
    made = []

    def begin(model: Path = tiny_model, **options: int) -> Front:
        made.append(front(model, versions, **options))
        return next(made[-1])

    yield begin
    for one in made:
        next(one, None)


@pytest.fixture
def server(serve: Callable[..., Front]) -> Front:
    """A front of the tiny model."""
    return serve()

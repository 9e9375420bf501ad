from pathlib import Path

import psutil
import pytest

from metaclaw_jlab.runtime.memory import Memory, memory


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Machine:
        total = 1000
        available = 600

    monkeypatch.setattr(psutil, "virtual_memory", Machine)


def container(folder: Path, limit: str, used: int, cache: int = 0) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")
    return folder


def test_without_a_container_it_is_the_machines(tmp_path: Path) -> None:
    assert memory(tmp_path) == Memory(1000, 600)


def test_a_container_without_a_limit_has_the_machines(tmp_path: Path) -> None:
    assert memory(container(tmp_path, "max", 10)) == Memory(1000, 600)


def test_a_container_with_less_has_that(tmp_path: Path) -> None:
    assert memory(container(tmp_path, "300", 120, 20)) == Memory(300, 200)


def test_a_container_never_has_more_than_the_machine(tmp_path: Path) -> None:
    assert memory(container(tmp_path, "900", 10)) == Memory(900, 600)

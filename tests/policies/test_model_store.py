import errno
import hashlib
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import (
    FetchFailed,
    FetchRefused,
    FetchStopped,
    ModelUnusable,
    NotFound,
    NotNow,
    StoreFull,
    UsageMistake,
)
from metaclaw_jlab.policies.model_request import RequestedModel
from metaclaw_jlab.policies.model_sources.copied_file import CopiedFile
from metaclaw_jlab.policies.model_sources.hub import HubSource
from metaclaw_jlab.policies.model_sources.transfer import Meter, Progress, WantedFile
from metaclaw_jlab.policies.model_sources.web_request import Hub
from metaclaw_jlab.policies.model_store import fetch, find_installed, folder_of, installed, remove
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.leases import lease
from tests.loopback.model_hub import ModelHub

BYTES = b"GGUF" + random.Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(BYTES).hexdigest()
FILE = WantedFile("tiny.gguf", len(BYTES), SHA256)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub here is on loopback; the real one is switched off for all tests."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    hub = ModelHub()
    hub.files["org/tiny/tiny.gguf"] = BYTES
    yield hub
    hub.close()


@dataclass(frozen=True)
class Failing:
    """A source that gives so many bytes and raises."""

    error: Exception
    given: bytes = b""
    name: str = "nowhere"
    room: int = 0

    def fetch(self, file: WantedFile, draft: Path, meter: Meter) -> None:
        with draft.open("ab") as writer:
            writer.write(self.given)
        raise self.error


def at_hub(hub: ModelHub, token: str = "") -> HubSource:
    return HubSource(Hub(hub.url, token), "org/tiny", sleep=lambda seconds: None)


def tiny(*sources: object, file: WantedFile = FILE) -> RequestedModel:
    return RequestedModel("tiny", "gguf", (file,), sources, "org/tiny")  # type: ignore[arg-type]


def after(count: int) -> Callable[[], bool]:
    """A cancel that says yes from the so-manieth question on."""
    left = iter(range(count))
    return lambda: next(left, None) is None


def nothing_but_drafts(home: Home) -> bool:
    return not installed(home) and [entry.name for entry in folder_of(home).iterdir()] == [".drafts"]


def test_a_model_comes_from_the_hub(home: Home, hub: ModelHub) -> None:
    model = fetch(home, tiny(at_hub(hub)))
    assert model.path.read_bytes() == BYTES
    assert model.files == {"tiny.gguf": SHA256}
    assert installed(home) == (model,)


def test_nothing_but_the_model_is_left(home: Home, hub: ModelHub) -> None:
    model = fetch(home, tiny(at_hub(hub)))
    assert sorted(entry.name for entry in model.folder.iterdir()) == ["metaclaw-model.json", "tiny.gguf"]
    assert list((folder_of(home) / ".drafts").iterdir()) == []


def test_what_is_there_is_not_fetched_again(home: Home, hub: ModelHub) -> None:
    fetch(home, tiny(at_hub(hub)))
    hub.requests.clear()
    fetch(home, tiny(at_hub(hub)))
    assert hub.requests == []


@pytest.mark.parametrize("cut", [0, 1, 3, 65_536, len(BYTES) - 1])
def test_a_download_that_is_cut_off_goes_on_there(home: Home, hub: ModelHub, cut: int) -> None:
    hub.cuts = [cut]
    assert fetch(home, tiny(at_hub(hub))).path.read_bytes() == BYTES
    assert hub.requests[1][1] == (f"bytes={cut}-" if cut else "")


def test_a_server_without_ranges_begins_anew(home: Home, hub: ModelHub) -> None:
    hub.cuts, hub.ranges = [1000], False
    assert fetch(home, tiny(at_hub(hub))).path.read_bytes() == BYTES


def test_a_later_call_goes_on_where_an_earlier_one_ended(home: Home, hub: ModelHub) -> None:
    hub.cuts = [100_000, *[0] * 20]
    with pytest.raises(FetchFailed, match="goes on"):
        fetch(home, tiny(at_hub(hub)))
    assert nothing_but_drafts(home)
    hub.cuts.clear()
    hub.requests.clear()
    fetch(home, tiny(at_hub(hub)))
    assert [asked for _, asked, _ in hub.requests] == ["bytes=100000-"]


def test_wrong_bytes_are_never_installed(home: Home, hub: ModelHub) -> None:
    hub.files["org/tiny/tiny.gguf"] = BYTES[:-1] + b"?"
    with pytest.raises(FetchFailed, match="other bytes"):
        fetch(home, tiny(at_hub(hub)))
    assert nothing_but_drafts(home)
    assert not [path for path in folder_of(home).rglob("tiny.gguf") if path.is_file()]


def test_more_bytes_than_there_should_be_are_not_written(home: Home, hub: ModelHub) -> None:
    hub.files["org/tiny/tiny.gguf"] = BYTES * 3
    with pytest.raises(FetchFailed, match="more than"):
        fetch(home, tiny(at_hub(hub)))


def test_spoilt_bytes_of_an_earlier_call_are_fetched_again(home: Home, hub: ModelHub) -> None:
    with pytest.raises(FetchFailed):
        fetch(home, tiny(Failing(FetchFailed("Gone."), b"not these")))
    assert fetch(home, tiny(at_hub(hub))).path.read_bytes() == BYTES


def test_the_next_source_is_tried_where_one_has_wrong_bytes(
    home: Home, hub: ModelHub, tmp_path: Path
) -> None:
    (tmp_path / "tiny.gguf").write_bytes(BYTES)
    hub.files["org/tiny/tiny.gguf"] = b"GGUF" + bytes(len(BYTES) - 4)
    model = fetch(home, tiny(at_hub(hub), CopiedFile(tmp_path)))
    assert (model.source, model.path.read_bytes()) == (str(tmp_path), BYTES)


def test_every_source_that_failed_is_told(home: Home) -> None:
    sources = [
        Failing(FetchFailed("It is closed."), name="a"),
        Failing(FetchFailed("It is empty."), name="b"),
    ]
    with pytest.raises(FetchFailed, match=r"From a: It is closed\. From b: It is empty\."):
        fetch(home, tiny(*sources))


def test_a_hub_that_is_not_there_ends_soon(home: Home, hub: ModelHub) -> None:
    hub.close()
    with pytest.raises(FetchFailed, match="could not be reached"):
        fetch(home, tiny(at_hub(hub)))


def test_a_hub_that_wants_a_login_says_so(home: Home, hub: ModelHub) -> None:
    hub.token = "hf_right"
    with pytest.raises(FetchRefused, match="HF_TOKEN"):
        fetch(home, tiny(at_hub(hub)))
    assert len(hub.requests) == 1


def test_the_token_opens_the_door(home: Home, hub: ModelHub) -> None:
    hub.token = "hf_right"
    assert fetch(home, tiny(at_hub(hub, "hf_right"))).path.read_bytes() == BYTES


def test_the_token_stays_with_the_hub(home: Home, hub: ModelHub) -> None:
    storage = ModelHub()
    storage.files = hub.files
    hub.redirect_to, hub.token = storage.url, "hf_right"
    fetch(home, tiny(at_hub(hub, "hf_right")))
    storage.close()
    assert [authorisation for _, _, authorisation in storage.requests] == [""]


def test_a_missing_file_is_told(home: Home, hub: ModelHub) -> None:
    hub.files.clear()
    with pytest.raises(FetchRefused, match=r"has no tiny\.gguf in org/tiny"):
        fetch(home, tiny(at_hub(hub)))


def test_a_busy_hub_is_asked_again(home: Home, hub: ModelHub) -> None:
    hub.refuse = (503, "")
    hub.on_request.append(lambda: len(hub.requests) == 2 and setattr(hub, "refuse", None))
    assert fetch(home, tiny(at_hub(hub))).size == len(BYTES)


def test_where_the_hub_goes_away_the_next_source_goes_on(home: Home, hub: ModelHub, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(BYTES)
    hub.cuts = [5000, *[0] * 20]
    model = fetch(home, tiny(at_hub(hub), CopiedFile(tmp_path)))
    assert model.path.read_bytes() == BYTES


def test_a_cancelled_fetch_keeps_what_came(home: Home, hub: ModelHub) -> None:
    hub.cuts = [100_000]
    with pytest.raises(FetchStopped):
        fetch(home, tiny(at_hub(hub)), cancelled=after(3))
    assert nothing_but_drafts(home)
    assert fetch(home, tiny(at_hub(hub))).path.read_bytes() == BYTES


def test_progress_tells_bytes_and_total(home: Home, hub: ModelHub) -> None:
    seen: list[Progress] = []
    fetch(home, tiny(at_hub(hub)), report=seen.append)
    assert {state.total for state in seen} == {len(BYTES)}
    assert [state.stage for state in seen][-1] == "checking"


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(home: Home, hub: ModelHub) -> None:
    with pytest.raises(StoreFull, match="needs"):
        fetch(home, tiny(at_hub(hub)), free=lambda folder: 1000)
    assert hub.requests == []


def test_a_disk_that_fills_up_leaves_no_model(home: Home) -> None:
    full = Failing(OSError(errno.ENOSPC, "No space left on device"), BYTES[:10])
    with pytest.raises(StoreFull):
        fetch(home, tiny(full))
    assert nothing_but_drafts(home)


def test_a_file_that_is_no_gguf_is_refused(home: Home, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"<html>")
    with pytest.raises(ModelUnusable, match="no GGUF"):
        fetch(home, tiny(CopiedFile(tmp_path), file=WantedFile("tiny.gguf")))
    assert installed(home) == ()


def test_a_file_cannot_lie_outside_its_model(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable):
        fetch(home, tiny(CopiedFile(tmp_path), file=WantedFile("../../tiny.gguf")))


def test_another_model_of_the_same_name_is_not_replaced(home: Home, hub: ModelHub) -> None:
    fetch(home, tiny(at_hub(hub)))
    with pytest.raises(UsageMistake, match="Another model"):
        fetch(home, tiny(at_hub(hub), file=replace(FILE, sha256="0" * 64)))


def test_a_damaged_model_does_not_count(home: Home, hub: ModelHub) -> None:
    model = fetch(home, tiny(at_hub(hub)))
    model.path.write_bytes(BYTES[:10])
    assert find_installed(home, "tiny") is None
    assert fetch(home, tiny(at_hub(hub))).path.read_bytes() == BYTES


def test_a_damaged_model_can_be_removed(home: Home, hub: ModelHub) -> None:
    model = fetch(home, tiny(at_hub(hub)))
    model.path.write_bytes(BYTES[:10])
    remove(home, "tiny")
    assert not model.folder.exists()


def test_namespaces_share_the_models(home: Home, hub: ModelHub) -> None:
    fetch(home, tiny(at_hub(hub)))
    home.namespaces.mkdir()
    assert find_installed(open_home(home.namespaces / "papers"), "tiny") is not None


def test_two_that_fetch_one_model_fetch_it_once(home: Home, hub: ModelHub) -> None:
    def get() -> None:
        fetch(home, tiny(at_hub(hub)))

    threads = [threading.Thread(target=get) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(hub.requests) == 1
    assert len(installed(home)) == 1


def test_waiting_for_another_can_be_cancelled(home: Home, hub: ModelHub) -> None:
    with lease(home, "model-tiny"), pytest.raises(FetchStopped):
        fetch(home, tiny(at_hub(hub)), cancelled=after(2), sleep=lambda seconds: None)


_CHILD = """
import sys, time
from pathlib import Path
from metaclaw_jlab.policies.model_request import RequestedModel
from metaclaw_jlab.policies.model_sources.copied_file import CopiedFile
from metaclaw_jlab.policies.model_sources.transfer import WantedFile
from metaclaw_jlab.policies.model_store import fetch
from metaclaw_jlab.runtime.home import Home

class Slow:
    name, room = "slow", 0
    def fetch(self, file, draft, meter):
        draft.write_bytes(Path(sys.argv[2]).read_bytes()[:1000])
        print("begun", flush=True)
        time.sleep(600)

wanted = RequestedModel("tiny", "gguf", (WantedFile("tiny.gguf", %d, %r),), (Slow(),), "org/tiny")
fetch(Home(Path(sys.argv[1])), wanted)
"""


def test_a_killed_fetch_leaves_nothing_in_the_way(home: Home, hub: ModelHub, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(BYTES)
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD % (len(BYTES), SHA256), home.path, whole], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"begun\n"
    with pytest.raises(NotNow, match="being fetched"):
        remove(home, "tiny")
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert nothing_but_drafts(home)
    assert fetch(home, tiny(at_hub(hub))).path.read_bytes() == BYTES
    assert hub.requests[0][1] == "bytes=1000-"


def test_a_removed_model_is_gone(home: Home, hub: ModelHub) -> None:
    model = fetch(home, tiny(at_hub(hub)))
    assert remove(home, "tiny") > len(BYTES)
    assert (installed(home), model.folder.exists()) == ((), False)


def test_a_model_that_serves_is_not_removed(home: Home, hub: ModelHub) -> None:
    model = fetch(home, tiny(at_hub(hub)))
    with pytest.raises(NotNow, match="process 7"):
        remove(home, "tiny", serving=lambda asked: "process 7" if asked == model else None)
    assert installed(home) == (model,)


def test_what_was_begun_can_be_removed(home: Home) -> None:
    with pytest.raises(FetchFailed):
        fetch(home, tiny(Failing(FetchFailed("Gone."), BYTES[:1000])))
    assert remove(home, "tiny") >= 1000
    with pytest.raises(NotFound):
        remove(home, "tiny")


@pytest.mark.parametrize("name", ["../tiny", "..", ".drafts", "a/b", ""])
def test_a_name_never_leads_elsewhere(home: Home, name: str) -> None:
    with pytest.raises(NotFound):
        remove(home, name)
    assert find_installed(home, name) is None

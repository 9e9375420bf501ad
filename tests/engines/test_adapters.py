from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory
from metaclaw_jlab.engines import served_versions as module
from metaclaw_jlab.engines.adapter_bank import AdapterBank
from metaclaw_jlab.engines.adapter_card import WEIGHTS, read_card, write_card
from metaclaw_jlab.engines.adapters import ServedAdapters
from metaclaw_jlab.engines.served_versions import SPARE
from metaclaw_jlab.store.serving import ServingCause
from metaclaw_jlab.store.trajectories import Trajectories

WAIT = 20.0


@pytest.fixture
def served(
    shelf: Any, served_model: Callable[[str], Any], model_folder: Callable[[str], Path], tmp_path: Path
) -> Iterator[ServedAdapters]:
    place = shutil.copytree(model_folder("qwen3"), tmp_path / "model")
    found = ServedAdapters(shelf.home, "tiny", place, AdapterBank(served_model("qwen3").model))
    yield found
    found.close()


def refused(served: ServedAdapters, model: str) -> str:
    with pytest.raises(RequestInvalid) as error:
        served.fetched(model)
    assert (error.value.status, error.value.code) == (404, "model_not_found")
    return str(error.value)


def plain(served: ServedAdapters) -> str:
    found = served.chosen("tiny")
    assert found is not None
    return found.name


def test_the_base_answers_while_no_adapter_serves(served: ServedAdapters) -> None:
    served.refresh()
    assert plain(served) == "tiny"


def test_the_store_is_not_opened_before_anything_was_published(
    shelf: Any, served: ServedAdapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServedAdapters, "_pick", lambda self: pytest.fail("looked"))
    served.refresh()
    assert served.report()["wanted"] is None


def test_the_newest_that_serves_in_the_store_answers(shelf: Any, served: ServedAdapters) -> None:
    named = []
    for version in (shelf.publish(), shelf.publish()):
        shelf.serve(version)
        served.refresh()
        named.append(plain(served))
    assert named == ["tiny@v1", "tiny@v2"]


def test_a_rollback_brings_the_older_one_and_the_base_back(shelf: Any, served: ServedAdapters) -> None:
    first, second = shelf.publish(), shelf.publish()
    shelf.serve(first)
    shelf.serve(second)
    served.refresh()
    shelf.serving.put(first, ServingCause.ROLLBACK, "back")
    served.refresh()
    assert plain(served) == "tiny@v1"
    shelf.serve(None)
    served.refresh()
    assert plain(served) == "tiny"


def test_a_watcher_finds_what_is_published(
    shelf: Any, served: ServedAdapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.01)
    served.watch()
    shelf.serve(shelf.publish())
    deadline = time.monotonic() + WAIT
    while plain(served) == "tiny" and time.monotonic() < deadline:
        served._ending.wait(0.005)
    assert plain(served) == "tiny@v1"


def test_a_watcher_outlives_a_store_that_cannot_be_read(
    shelf: Any, served: ServedAdapters, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.01)
    looks: list[None] = []

    def broken() -> None:
        looks.append(None)
        raise OSError("the store is gone")

    monkeypatch.setattr(served, "refresh", broken)
    served.watch()
    deadline = time.monotonic() + WAIT
    while len(looks) < 3 and time.monotonic() < deadline:
        served._ending.wait(0.005)
    served.close()
    assert [record.getMessage() for record in caplog.records] == [
        "cannot look for adapters: the store is gone"
    ]


def test_a_version_is_loaded_when_it_is_asked_for(shelf: Any, served: ServedAdapters) -> None:
    shelf.publish()
    assert served.chosen("tiny@v1") is None
    assert served.fetched("tiny@v1").name == "tiny@v1"
    assert served.chosen("tiny@v1") == served.fetched("tiny@v1")
    assert plain(served) == "tiny"


@pytest.mark.parametrize(
    "name", ["tiny@v01x", "tiny@v", "tiny@v-1", "tiny@v²", "other", "other@v1", "tiny@v9999999999"]
)
def test_other_names_are_unknown(served: ServedAdapters, name: str) -> None:
    assert f"The model {name} is not served here. Ask for tiny." in refused(served, name)


def test_a_version_that_does_not_exist_is_unknown(shelf: Any, served: ServedAdapters) -> None:
    shelf.publish()
    message = refused(served, "tiny@v7")
    assert message == "Version 7 of tiny cannot be served. There is no such version. Ask for tiny or tiny@v1."


def test_a_candidate_serves_nobody(shelf: Any, served: ServedAdapters) -> None:
    version = shelf.candidate()
    assert "is a candidate" in refused(served, f"tiny@v{version}")
    # Not even from the place of those that may.
    shutil.copytree(shelf.home.adapters / "candidates" / f"v{version}", shelf.folder(version))
    served.refresh()
    assert "is a candidate" in refused(served, f"tiny@v{version}")
    assert served.versions == ()


def test_a_corrupt_adapter_leaves_the_old_one_serving(shelf: Any, served: ServedAdapters) -> None:
    good, bad = shelf.publish(), shelf.publish()
    shelf.serve(good)
    served.refresh()
    weights = shelf.folder(bad) / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-10])
    shelf.serve(bad)
    served.refresh()
    report = served.report()
    assert (plain(served), report["serving"], report["wanted"]) == ("tiny@v1", good, bad)
    assert [one["version"] for one in report["refused"]] == [bad]
    assert "another checksum" in refused(served, "tiny@v2")


def test_a_server_that_starts_on_a_corrupt_adapter_serves_the_one_before(
    shelf: Any, served: ServedAdapters
) -> None:
    good, bad = shelf.publish(), shelf.publish()
    shelf.serve(good)
    shelf.serve(bad)
    (shelf.folder(bad) / WEIGHTS).unlink()
    served.refresh()
    assert plain(served) == "tiny@v1"


def test_a_refused_adapter_is_read_again_only_when_its_files_change(
    shelf: Any, served: ServedAdapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = shelf.publish()
    weights = shelf.folder(version) / WEIGHTS
    whole = weights.read_bytes()
    weights.write_bytes(b"")
    shelf.serve(version)
    served.refresh()
    with monkeypatch.context() as patched:
        patched.setattr(ServedAdapters, "_read", lambda *_: pytest.fail("read again"))
        served.refresh()
    weights.write_bytes(whole)
    served.refresh()
    assert (plain(served), served.report()["refused"]) == ("tiny@v1", [])


def test_an_adapter_of_another_base_is_refused(shelf: Any, served: ServedAdapters) -> None:
    version = shelf.publish()
    card = read_card(shelf.folder(version))
    write_card(shelf.folder(version), replace(card, base="other", base_sha256="0" * 64))
    shelf.serve(version)
    served.refresh()
    assert plain(served) == "tiny"
    assert "was trained for other, and tiny is served here" in served.report()["refused"][0]["reason"]


def test_a_base_that_changed_under_the_server_takes_no_adapter(
    shelf: Any, served: ServedAdapters, tmp_path: Path
) -> None:
    shelf.serve(shelf.publish())
    with (tmp_path / "model" / "config.json").open("a") as file:
        file.write(" ")
    served.refresh()
    assert "Restart the policy server" in served.report()["refused"][0]["reason"]


def test_an_adapter_stays_when_its_folder_goes(shelf: Any, served: ServedAdapters) -> None:
    shelf.serve(shelf.publish())
    served.refresh()
    shutil.rmtree(shelf.folder(1))
    served.refresh()
    assert (plain(served), served.fetched("tiny@v1").name) == ("tiny@v1", "tiny@v1")


def test_a_published_version_whose_folder_is_gone_says_so(shelf: Any, served: ServedAdapters) -> None:
    shelf.publish()
    shutil.rmtree(shelf.folder(shelf.publish()))
    assert "v2 is gone" in refused(served, "tiny@v2")


def test_what_nobody_needs_is_unloaded_the_longest_unused_first(shelf: Any, served: ServedAdapters) -> None:
    versions = [shelf.publish() for _ in range(SPARE + 3)]
    for version in versions:
        served.fetched(f"tiny@v{version}")
    served.chosen("tiny@v1")
    shelf.serve(versions[-1])
    served.refresh()
    assert [one["version"] for one in served.report()["loaded"]] == [1, versions[-2], versions[-1]]


def test_a_version_stays_while_a_trajectory_that_it_began_is_open(shelf: Any, served: ServedAdapters) -> None:
    versions = [shelf.publish() for _ in range(SPARE + 3)]
    trajectories = Trajectories(shelf.database)
    begun = Trajectory("t1", Task("a task"), Stamp(0, (), "tiny@v1", 1), created_at=1.0)
    trajectories.begin(begun)
    for version in versions:
        served.fetched(f"tiny@v{version}")
    served.refresh()
    loaded = served.report()["loaded"]
    assert loaded[0] == {"version": 1, "model": "tiny@v1", "pinned": True}
    assert len(loaded) == SPARE + 1
    trajectories.close("t1", StopReason.CANCELLED)
    served.refresh()
    assert [one["version"] for one in served.report()["loaded"]] == versions[-SPARE:]

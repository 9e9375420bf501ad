"""Vectors in Chroma: a folder, and a server."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sysconfig
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import VectorsUnavailable
from metaclaw_jlab.engines.chroma import ChromaVectors, open_client
from tests.skills.vectors import WordVectors

TEXTS = {"d": "a date", "p": "a plot", "b": "a date and a plot"}
OWNER = "0123456789abcdef"


def nearest(vectors: ChromaVectors, text: str, limit: int = 2) -> list[str]:
    return [key for key, _ in vectors.search(vectors.embedder.embed([text]), limit)[0]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "vectors"


@pytest.fixture
def vectors(folder: Path) -> Iterator[ChromaVectors]:
    opened = ChromaVectors(WordVectors(), folder, OWNER)
    yield opened
    opened.close()


def test_the_nearest_come_first_with_their_likeness(vectors: ChromaVectors) -> None:
    assert vectors.synchronise(TEXTS) == 3
    assert nearest(vectors, "the date") == ["d", "b"]
    ((key, likeness), *_) = vectors.search(vectors.embedder.embed(["a plot"]), 1)[0]
    assert (key, likeness) == ("p", pytest.approx(1.0, abs=1e-5))


def test_several_queries_are_answered_each(vectors: ChromaVectors) -> None:
    vectors.synchronise(TEXTS)
    found = vectors.search(vectors.embedder.embed(["date", "plot"]), 1)
    assert [[key for key, _ in each] for each in found] == [["d"], ["p"]]


def test_an_empty_one_finds_nothing(vectors: ChromaVectors) -> None:
    assert nearest(vectors, "date") == []
    assert vectors.search([], 3) == []


def test_one_changed_text_embeds_one_text(vectors: ChromaVectors) -> None:
    vectors.synchronise(TEXTS)
    embedder = vectors.embedder
    assert isinstance(embedder, WordVectors)
    embedder.asked.clear()
    assert vectors.synchronise({"d": "a date", "p": "a plot", "n": "money"}) == 1
    assert embedder.asked == ["money"]
    assert nearest(vectors, "money", 1) == ["n"]


def test_what_is_gone_is_not_found(vectors: ChromaVectors) -> None:
    vectors.synchronise(TEXTS)
    vectors.synchronise({"p": "a plot"})
    assert nearest(vectors, "date", 5) == ["p"]
    assert len(vectors) == 1


def test_what_was_written_is_there_when_it_is_opened_again(vectors: ChromaVectors, folder: Path) -> None:
    vectors.synchronise(TEXTS)
    vectors.close()
    again = ChromaVectors(WordVectors(), folder, OWNER)
    assert again.synchronise(TEXTS) == 0
    assert nearest(again, "plot", 1) == ["p"]
    again.close()


def test_vectors_of_another_embedder_are_made_anew(vectors: ChromaVectors, folder: Path) -> None:
    vectors.synchronise(TEXTS)
    vectors.close()
    other = WordVectors()
    other.name = "others"
    again = ChromaVectors(other, folder, OWNER)
    assert again.synchronise(TEXTS) == 3
    again.close()
    names = [collection.name for collection in open_client(*folder.iterdir()).list_collections()]
    assert names == [f"metaclaw-{OWNER}-others"]


def test_a_text_is_found_before_it_is_written(
    vectors: ChromaVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors.synchronise(TEXTS)
    found: list[list[str]] = []
    collection = vectors._collection
    write = collection.upsert

    def upsert(**what: object) -> None:
        found.append(nearest(vectors, "money", 1))
        write(**what)

    monkeypatch.setattr(collection, "upsert", upsert)
    vectors.synchronise({**TEXTS, "n": "money"})
    assert found == [["n"]]
    assert nearest(vectors, "money", 5).count("n") == 1


def test_a_failed_write_is_said_and_made_good_the_next_time(
    vectors: ChromaVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors.synchronise(TEXTS)

    def upsert(**_: object) -> None:
        raise RuntimeError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(vectors._collection, "upsert", upsert)
        with pytest.raises(VectorsUnavailable, match="disk full"):
            vectors.synchronise({**TEXTS, "n": "money"})
    assert nearest(vectors, "money", 1) != ["n"]
    assert vectors.synchronise({**TEXTS, "n": "money"}) == 1
    assert nearest(vectors, "money", 1) == ["n"]


def test_what_is_closed_stays_closed(vectors: ChromaVectors) -> None:
    vectors.synchronise(TEXTS)
    vectors.close()
    with pytest.raises(VectorsUnavailable, match="closed"):
        vectors.synchronise({})
    with pytest.raises(VectorsUnavailable, match="closed"):
        nearest(vectors, "plot")


def test_closing_ends_what_is_being_written(vectors: ChromaVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metaclaw_jlab.engines.chroma._BATCH", 1)
    vectors.synchronise({"d": "a date"})
    begun = threading.Event()
    write = vectors._collection.upsert

    def upsert(**what: object) -> None:
        begun.set()
        write(**what)

    monkeypatch.setattr(vectors._collection, "upsert", upsert)
    ended: list[type[BaseException]] = []

    def synchronise() -> None:
        with pytest.raises(VectorsUnavailable) as raised:
            vectors.synchronise({str(number): f"plot {number}" for number in range(100_000)})
        ended.append(raised.type)

    writing = threading.Thread(target=synchronise)
    writing.start()
    assert begun.wait(60)
    vectors.close()
    writing.join(60)
    assert ended == [VectorsUnavailable]


def test_a_damaged_folder_is_made_again(folder: Path) -> None:
    (folder / "there").mkdir(parents=True)
    (folder / "there" / "chroma.sqlite3").write_bytes(b"this is no database at all" * 200)
    opened = ChromaVectors(WordVectors(), folder, OWNER)
    assert opened.synchronise(TEXTS) == 3
    assert nearest(opened, "plot", 1) == ["p"]
    opened.close()


def test_a_place_that_cannot_be_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    opened = ChromaVectors(WordVectors(), tmp_path / "file" / "vectors", OWNER)
    with pytest.raises(VectorsUnavailable, match="runtime/vectors"):
        opened.synchronise(TEXTS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("chroma", path=sysconfig.get_path("scripts"))
    assert program is not None
    port = free_port()
    words = [program, "run", "--path", str(tmp_path / "served"), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _await(f"{url}/api/v2/heartbeat")
        yield url
    finally:
        process.kill()
        process.wait(60)


def _await(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, "chroma run does not answer"
            time.sleep(0.05)


def test_a_server_is_used_by_its_url_and_homes_are_kept_apart(server: str) -> None:
    one, other = (ChromaVectors(WordVectors(), server, owner) for owner in ("one", "other"))
    assert one.synchronise(TEXTS) == 3
    assert other.synchronise({"n": "money"}) == 1
    assert nearest(one, "money", 9).count("n") == 0
    assert nearest(other, "date", 9) == ["n"]
    assert one.synchronise({**TEXTS, "n": "money"}) == 1
    assert nearest(one, "money", 1) == ["n"]


def test_a_server_that_is_not_there_is_said() -> None:
    absent = ChromaVectors(WordVectors(), f"http://127.0.0.1:{free_port()}", OWNER)
    with pytest.raises(VectorsUnavailable, match="chroma run"):
        absent.synchronise(TEXTS)

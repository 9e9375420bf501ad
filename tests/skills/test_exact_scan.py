"""The exact scan over vectors."""

from __future__ import annotations

import threading

import pytest

from metaclaw_jlab.skills.exact_scan import ExactScan
from tests.skills.vectors import WordVectors

TEXTS = {"d": "a date", "p": "a plot", "b": "a date and a plot"}


def nearest(scan: ExactScan, text: str, limit: int = 2) -> list[str]:
    return [key for key, _ in scan.search(scan.embedder.embed([text]), limit)[0]]


def test_the_nearest_come_first() -> None:
    scan = ExactScan(WordVectors())
    scan.synchronise(TEXTS)
    assert nearest(scan, "the date") == ["d", "b"]
    assert nearest(scan, "a plot", 10) == ["p", "b", "d"]


def test_the_likeness_of_a_text_to_itself_is_one() -> None:
    scan = ExactScan(WordVectors())
    scan.synchronise(TEXTS)
    ((key, likeness), *_) = scan.search(scan.embedder.embed(["a plot"]), 1)[0]
    assert (key, likeness) == ("p", pytest.approx(1.0, abs=1e-6))


def test_equally_near_ones_keep_their_order() -> None:
    scan = ExactScan(WordVectors())
    scan.synchronise({str(number): "a date" for number in range(5)})
    assert nearest(scan, "date", 5) == ["0", "1", "2", "3", "4"]


def test_one_changed_text_embeds_one_text() -> None:
    embedder = WordVectors()
    scan = ExactScan(embedder)
    assert scan.synchronise(TEXTS) == 3
    embedder.asked.clear()
    assert scan.synchronise({**TEXTS, "n": "money"}) == 1
    assert embedder.asked == ["money"]
    assert scan.synchronise({**TEXTS, "n": "money"}) == 0


def test_what_is_gone_is_not_found() -> None:
    scan = ExactScan(WordVectors())
    scan.synchronise(TEXTS)
    scan.synchronise({"p": "a plot"})
    assert nearest(scan, "the date", 5) == ["p"]
    scan.synchronise({})
    assert nearest(scan, "the date") == []
    assert len(scan) == 0


def test_searches_while_it_changes_see_a_whole_state() -> None:
    scan = ExactScan(WordVectors())
    scan.synchronise(TEXTS)
    vector = scan.embedder.embed(["a date"])
    done = threading.Event()
    seen: set[str] = set()

    def search() -> None:
        while not done.is_set():
            seen.add(scan.search(vector, 1)[0][0][0])

    searching = threading.Thread(target=search)
    searching.start()
    for number in range(100):
        scan.synchronise({**TEXTS, str(number): "money"})
    done.set()
    searching.join(60)
    assert seen <= {"d"}

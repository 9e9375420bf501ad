"""Vectors that follow a library."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pytest

from metaclaw_jlab.core.errors import EmbedderError
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.dense import DenseRetriever
from metaclaw_jlab.skills.exact_scan import ExactScan
from metaclaw_jlab.skills.following import Following, Library
from tests.skills.vectors import WordVectors

DATES = Skill("iso", "Use for a date.", "Write every date as YYYY-MM-DD.")
PLOTS = Skill("svg", "Use for a plot.", "Save a plot or chart as svg.")
LONG = 60.0


class Slow(WordVectors):
    """Embeds skills when a test opens the gate, or fails; queries at once."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.error: EmbedderError | None = None

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if any("\n" in text for text in texts):
            self.begun.set()
            self.gate.wait(LONG)
            if self.error is not None:
                raise self.error
        return super().embed(texts)


def following(embedder: WordVectors, *, at_once: int = 0) -> Following:
    return Following(DenseRetriever(ExactScan(embedder), 0.3), at_once=at_once, close=lambda: None)


def library(*skills: Skill, texts: Mapping[str, Sequence[str]] | None = None) -> Library:
    return Library(skills, texts or {})


def names(followed: Following, query: str) -> list[str]:
    return [match.skill.name for match in followed.retriever.search(query, 3)]


def test_a_little_is_embedded_at_once() -> None:
    embedder = Slow()
    embedder.gate.set()
    followed = following(embedder, at_once=5)
    followed.follow(library(DATES, PLOTS), 0.0)
    assert names(followed, "plot") == ["svg"]


def test_much_is_embedded_beside_and_found_when_it_is_there() -> None:
    embedder = Slow()
    followed = following(embedder)
    both = library(DATES, PLOTS)
    followed.follow(both, 0.0)
    assert names(followed, "plot") == []
    embedder.gate.set()
    assert followed.settle(LONG)
    assert names(followed, "plot") == ["svg"]


def test_who_waits_finds_it() -> None:
    embedder = Slow()
    embedder.gate.set()
    followed = following(embedder)
    followed.follow(library(DATES), LONG)
    assert names(followed, "date") == ["iso"]


def test_what_was_there_is_found_while_more_is_embedded() -> None:
    embedder = Slow()
    embedder.gate.set()
    followed = following(embedder)
    followed.follow(library(DATES), LONG)
    embedder.gate.clear()
    followed.follow(library(DATES, PLOTS), 0.0)
    assert names(followed, "date") == ["iso"]
    embedder.gate.set()
    followed.close()


def test_the_last_of_several_libraries_is_held() -> None:
    embedder = Slow()
    followed = following(embedder)
    followed.follow(library(DATES), 0.0)
    assert embedder.begun.wait(LONG)
    last = library(PLOTS)
    followed.follow(last, 0.0)
    embedder.gate.set()
    assert followed.settle(LONG)
    assert names(followed, "plot") == ["svg"]
    assert names(followed, "date") == []


def test_an_error_is_raised_once_and_then_it_is_tried_again() -> None:
    embedder = Slow()
    embedder.gate.set()
    embedder.error = EmbedderError("It is down.", "Start it.")
    followed = following(embedder)
    wanted = library(DATES)
    with pytest.raises(EmbedderError, match="down"):
        followed.follow(wanted, LONG)
    embedder.error = None
    followed.follow(wanted, LONG)
    assert names(followed, "date") == ["iso"]


def test_a_library_that_is_held_is_not_embedded_again() -> None:
    embedder = WordVectors()
    followed = following(embedder, at_once=9)
    held = library(DATES)
    followed.follow(held, 0.0)
    embedder.asked.clear()
    followed.follow(held, 0.0)
    followed.follow(library(DATES), 0.0)
    assert embedder.asked == []

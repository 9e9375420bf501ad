from __future__ import annotations

from html.parser import HTMLParser

import pytest

from metaclaw_jlab.jupyter.kernel.shown import answer_bundle
from metaclaw_jlab.jupyter.kernel.widgets.picture import picture
from metaclaw_jlab.jupyter.kernel.widgets.snapshot import (
    RunLine,
    ScoreLine,
    SkillLine,
    Snapshot,
    TaskLine,
)


def snapshot(text: str = "Write dates as ISO 8601.", total: int = 1) -> Snapshot:
    return Snapshot(
        version=1,
        package="1.0",
        at=0.0,
        policy=text,
        serving="adapter v3",
        generation=7,
        search="",
        total=total,
        skills=(SkillLine("iso-dates", text, 5, 41, 29, 1, True, False, ("pinned",)),),
        trend=text,
        scores=(ScoreLine(5, 12, 0.5, 0.25, 0.75), ScoreLine(7, 30, 0.9, 0.8, 0.95)),
        tasks=(TaskLine("a1", 0.0, text, False, 2, 7, (text,)),),
        training=text,
        schedule=text,
        paused=False,
        runs=(RunLine(3, "done", 0.0, 3, text),),
        rewards=(0.1, 0.5, 0.3),
    )


class Tags(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_text_says_everything() -> None:
    text = picture(snapshot()).text
    for part in ("adapter v3", "g7", "iso-dates", "pinned", "Scores", "✗ bad", "Training"):
        assert part in text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title></svg><svg onload=a()>"]
)
def test_nothing_from_outside_becomes_markup(text: str) -> None:
    found = Tags(str(answer_bundle(picture(snapshot(text)))["text/html"]))
    assert not found.tags & {"script", "img", "iframe"}
    assert not {name for name in found.attributes if name.startswith("on") or name in {"src", "href"}}


def test_a_cut_list_says_so() -> None:
    assert "10,000 skills, the first 1 of them" in picture(snapshot(total=10_000)).text


def test_a_note_stands_first() -> None:
    assert picture(snapshot(), "It is not live.").text.splitlines()[1] == "  It is not live."


def test_the_trend_is_drawn_with_its_uncertainty() -> None:
    markup = str(answer_bundle(picture(snapshot()))["text/html"])
    assert markup.count("<circle") == 2
    assert "n=30" in markup

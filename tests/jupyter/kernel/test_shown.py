from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from metaclaw_jlab.jupyter.kernel.shown import (
    VEGALITE,
    Block,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Shown,
    Table,
    bundles,
    sections,
)

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></td></table><svg onload=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](http://attacker.example/pixel.png)",
    "a | b\n\n# heading\n```\n<b>",
    "````\n<iframe src=x>\n````",
    "costs $5 and $6, \\(x\\)",
    "\x1b[2J\u202egnp.exe",
    "<!-- ",
    "&lt;script&gt;",
]


class Tags(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> Tags:
    tags = Tags()
    tags.feed(markup)
    return tags


def blocks_of(text: str) -> tuple[Block, ...]:
    return (
        Heading(text),
        Paragraph(text),
        Listing(text),
        Table(((text, "1"),), ("name", "uses")),
        Table((("label", text),)),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_html_has_our_tags_alone(text: str) -> None:
    tags = read(str(bundles(Shown(text, blocks_of(text)))[0]["text/html"]))
    assert set(tags.tags) <= {"div", "p", "strong", "pre", "table", "thead", "tbody", "tr", "th", "td"}
    assert set(tags.attributes) <= {"class", "style", "scope"}


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_renders_to_our_tags_alone(text: str) -> None:
    import mistune

    render = mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough"])
    markdown = str(bundles(Shown(text, blocks_of(text)))[0]["text/markdown"])
    tags = read(str(render(markdown)))
    assert set(tags.tags) <= {"p", "strong", "pre", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert not {"href", "src"} & set(tags.attributes)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_steers_a_terminal_or_turns_a_line_around(text: str) -> None:
    told = bundles(Shown(text, blocks_of(text)))[0]
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "".join(map(str, told.values()))
    )


def test_the_text_of_a_cell_is_whole_in_html() -> None:
    markup = str(bundles(Shown("", (Table((("a <b> & c", "1"),), ("name", "uses")),)))[0]["text/html"])
    assert "a <b> & c" in read(markup).text


def test_a_column_of_nothing_is_left_out() -> None:
    markup = str(bundles(Shown("", (Table((("a", ""), ("b", "")), ("name", "marks")),)))[0]["text/html"])
    assert "marks" not in markup


def test_a_table_without_rows_is_no_error() -> None:
    assert "<table>" in str(bundles(Shown("", (Table(()),)))[0]["text/html"])


def test_paragraphs_of_lines_have_headings() -> None:
    shown = sections("Task 1\n  ended  done\n\nNo skill was in the prompt.")
    assert shown.blocks == (
        Heading("Task 1"),
        Listing("ended  done"),
        Paragraph("No skill was in the prompt."),
    )


def test_a_figure_is_an_output_of_its_own_without_html() -> None:
    figure = Figure({"mark": "line"}, "<svg/>", "It rises.")
    (_, second) = bundles(Shown("text", (), (figure,)))
    assert second == {"text/plain": "It rises.", "image/svg+xml": "<svg/>", VEGALITE: {"mark": "line"}}


def test_a_figure_with_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        bundles(Shown("", (), (Figure({"x": float("nan")}, "", ""),)))

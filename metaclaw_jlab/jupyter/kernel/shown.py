"""What a command shows, in several mime types: plain text for terminals, Markdown, HTML, figures.

Names, tasks and outputs come from anywhere: nothing in them becomes markup, a formula, or steers a terminal.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metaclaw_jlab.inspection.lines import plain

VEGALITE = "application/vnd.vegalite.v5+json"
# Both names: MathJax 2 and 3 must leave a "$" alone.
_CLASSES = "metaclaw-shown tex2jax_ignore mathjax_ignore"
_CELL = ' style="text-align:left;vertical-align:top"'
_SPECIAL = re.compile(r"[\\`*_{}\[\]()#+\-.!|~^=:@]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", '"': "&quot;"})


@dataclass(frozen=True, slots=True)
class Heading:
    """A line over what follows."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A sentence or more."""

    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Text whose lines and blanks matter: a skill, a difference, code."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a head; without one the first cell of a row is its label. A column of nothing is left out."""

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: its Vega-Lite specification, an SVG of the same, and a sentence for those who see neither."""

    vega: Mapping[str, object]
    svg: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG of ours inside the HTML; Markdown has only the sentence."""

    svg: str
    text: str


Block = Heading | Paragraph | Listing | Table | Picture


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer: `text` as a terminal has it, the same as blocks, and figures, each an output of its own."""

    text: str
    blocks: tuple[Block, ...]
    figures: tuple[Figure, ...] = ()


def listing(text: str) -> Shown:
    """A text as it is."""
    return Shown(text, (Listing(text),))


def sections(text: str) -> Shown:
    """Paragraphs of lines, each with its first line as heading where it has more than one."""
    blocks: list[Block] = []
    for part in text.split("\n\n"):
        head, newline, rest = part.strip("\n").partition("\n")
        blocks += [Heading(head), Listing(_outdented(rest))] if newline else [Paragraph(head)]
    return Shown(text, tuple(blocks))


def bundles(shown: Shown) -> tuple[dict[str, object], ...]:
    """One mime bundle for the answer, then one for each figure.

    A figure has no HTML: front ends that know both would take it in place of Vega-Lite.
    """
    return (answer_bundle(shown), *map(figure_bundle, shown.figures))


def answer_bundle(shown: Shown, classes: str = "") -> dict[str, object]:
    """The answer without its figures; `classes` are put on the HTML."""
    named = " ".join(filter(None, (_CLASSES, classes)))
    return {
        "text/plain": plain(shown.text),
        "text/markdown": "\n\n".join(map(_markdown, shown.blocks)),
        "text/html": f'<div class="{named}">{"".join(map(_html, shown.blocks))}</div>',
    }


def figure_bundle(figure: Figure) -> dict[str, object]:
    """A figure in the types that show it."""
    vega = json.loads(json.dumps(figure.vega, allow_nan=False))
    return {"text/plain": plain(figure.text), "image/svg+xml": figure.svg, VEGALITE: vega}


def escaped(text: str) -> str:
    """Text for HTML, between tags or in an attribute."""
    return html.escape(plain(text))


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<p><strong>{escaped(text)}</strong></p>"
        case Paragraph(text):
            return f"<p>{escaped(text)}</p>"
        case Listing(text):
            return f"<pre>{escaped(text)}</pre>"
        case Picture(svg):
            return f"<p>{svg}</p>"
        case Table():
            head, rows = _filled(block)
            cells = "".join(f'<th scope="col"{_CELL}>{escaped(cell)}</th>' for cell in head)
            top = f"<thead><tr>{cells}</tr></thead>" if head else ""
            body = "".join(_row(row, labelled=not head) for row in rows)
            return f"<table>{top}<tbody>{body}</tbody></table>"


def _row(row: Sequence[str], *, labelled: bool) -> str:
    first, *rest = map(escaped, row)
    begin = f'<th scope="row"{_CELL}>{first}</th>' if labelled else f"<td{_CELL}>{first}</td>"
    return f"<tr>{begin}{''.join(f'<td{_CELL}>{cell}</td>' for cell in rest)}</tr>"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"**{_in_markdown(text)}**"
        case Paragraph(text) | Picture(_, text):
            return _in_markdown(text)
        case Listing(text):
            longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
            fence = "`" * max(3, longest + 1)
            return f"{fence}text\n{plain(text)}\n{fence}"
        case Table():
            head, rows = _filled(block)
            width = len(head) if head else max(map(len, rows), default=0)
            if not width:
                return ""
            lines = [head or [""] * width, *rows]
            told = ["| " + " | ".join(_in_markdown(cell) for cell in line) + " |" for line in lines]
            return "\n".join([told[0], "|" + " --- |" * width, *told[1:]])


def _in_markdown(text: str) -> str:
    """One line of text in which nothing is markup."""
    folded = " ".join(plain(text).split())
    return _SPECIAL.sub(r"\\\g<0>", folded).translate(_ENTITIES)


def _filled(table: Table) -> tuple[list[str], list[list[str]]]:
    """Head and rows without the columns in which no row has anything."""
    rows = [list(row) for row in table.rows]
    kept = [number for number, column in enumerate(zip(*rows, strict=True)) if any(column)]
    return (
        [table.head[number] for number in kept] if table.head else [],
        [[row[number] for number in kept] for row in rows],
    )


def _outdented(text: str) -> str:
    import textwrap

    return textwrap.dedent(text)

"""Plain text as the surfaces show it: aligned rows, shortened texts, counted nouns."""

from __future__ import annotations

from collections.abc import Iterable


def rows(pairs: Iterable[tuple[str, str]], indent: str = "") -> list[str]:
    """Lines of label and text, the texts aligned."""
    listed = list(pairs)
    width = max((len(label) for label, _ in listed), default=0)
    return [f"{indent}{label:<{width}}  {text}".rstrip() for label, text in listed]


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def shortened(text: str, lines: int, columns: int) -> list[str]:
    """The first lines of a text, and a last one that says how many were left out."""
    whole = text.rstrip("\n").split("\n") if text.strip() else []
    kept = [line if len(line) <= columns else line[: columns - 1] + "…" for line in whole[:lines]]
    return [*kept, f"… {counted(len(whole) - lines, 'line')} more"] if len(whole) > lines else kept


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: `1 step`, `2 steps`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"

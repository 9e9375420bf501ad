"""Plain text as the surfaces show it: aligned rows, shortened texts, counted nouns, times, nothing that steers."""

from __future__ import annotations

import datetime
import difflib
import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean

# Outputs, replies and skills are shown too: none of them may steer a terminal, nor turn a line of text around.
_STEERING = dict.fromkeys(
    {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    - {ord("\n"), ord("\t")},
    "\ufffd",
)
_BLOCKS = "▁▂▃▄▅▆▇█"


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


def plain(text: str) -> str:
    """The text with control characters replaced."""
    return text.translate(_STEERING)


def table(lines: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """Lines of cells, the columns aligned; a column without any text takes no room."""
    listed = [list(line) for line in lines]
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    kept = [number for number, width in enumerate(widths) if width]
    return [
        indent + "  ".join(f"{line[number]:<{widths[number]}}" for number in kept).rstrip() for line in listed
    ]


def some(names: Sequence[str], most: int, more: int = 0) -> str:
    """The first names, and how many are left out: `a, b and 3 more`; `more` are not among the names."""
    left = max(0, len(names) - most) + more
    return ", ".join(names) if not left else f"{', '.join(names[:most])} and {left} more"


def size(number: int) -> str:
    """A number of bytes as people say it."""
    if number < 1 << 20:
        return f"{number / 1024:.0f} kB"
    return f"{number / (1 << 30):.1f} GB" if number >= 1 << 30 else f"{number / (1 << 20):.0f} MB"


def sparkline(values: Sequence[float], width: int) -> str:
    """Values as a line of at most `width` blocks, from the lowest to the highest; neighbours are averaged to fit.

    What is no number is left out.
    """
    numbers = [value for value in values if math.isfinite(value)]
    if not numbers:
        return ""
    count = min(width, len(numbers))
    cuts = [round(place * len(numbers) / count) for place in range(count + 1)]
    means = [fmean(numbers[begin:end]) for begin, end in pairwise(cuts)]
    low, span = min(means), max(means) - min(means)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round((value - low) / span * top) if span else 0] for value in means)


def local_time(at: float) -> str:
    """Seconds since the epoch as a date and a time of this machine's zone."""
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def unified(before: str, after: str, old: str, new: str) -> tuple[str, ...]:
    """The lines of a unified diff; none where nothing differs. `old` and `new` name the two texts."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
    return tuple(found)


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """A sentence that names the nearest of the known names, or what to do otherwise."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else otherwise


def notebook_name(path: str | None) -> str:
    """A notebook as people call it: its name, without the folders before it."""
    return re.split(r"[/\\]", path)[-1] if path else "no notebook that is known"

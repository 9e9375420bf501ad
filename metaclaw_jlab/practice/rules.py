"""The house rules: their options, their habits, and when each is of use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A house rule. `options` are the listed ones, habit included; a copied rule takes any word besides."""

    name: str
    habit: str
    options: tuple[str, ...]
    copied: bool
    use_when: str


# The order is part of the world: in imperfect demonstrations of compounds the last given rule is the one dropped.
_RULES = (
    Rule(
        "date-format",
        "iso",
        ("iso", "european", "american", "dotted", "compact"),
        False,
        (
            "Use when asked to show or print dates: date, every date, dates in a column of a csv, day, "
            "month, year."
        ),
    ),
    Rule(
        "function-docs",
        "plain",
        ("plain", "docstring", "hints"),
        False,
        (
            "Use when asked to write, define or make a function: adds, multiplies, subtracts, tells or "
            "says if x is above, below."
        ),
    ),
    Rule(
        "figure-format",
        "png",
        ("png", "svg", "pdf"),
        False,
        "Use when asked to make or save a plot of a column in a csv: line plot, bar plot, histogram, figure.",
    ),
    Rule(
        "heading-level",
        "1",
        ("1", "2", "3", "4"),
        False,
        "Use when asked to write, put or save markdown: title, text, a markdown file.",
    ),
    Rule(
        "json-indent",
        "none",
        ("none", "1", "2", "4"),
        False,
        "Use when asked to save, write, put or keep json: values as json, a json file.",
    ),
    Rule(
        "csv-separator",
        "comma",
        ("comma", "semicolon", "pipe", "tab"),
        False,
        (
            "Use when asked to save a csv: filter rows, rows where, with, above, below, less, more; keep "
            "columns, take columns; join on."
        ),
    ),
    Rule(
        "file-naming",
        "snake",
        ("snake", "kebab", "dot", "flat"),
        False,
        (
            "Use when asked to save, write, put or keep a new file called, named, in folder: called two "
            "words, named two words."
        ),
    ),
    Rule(
        "table-order",
        "none",
        ("none", "ascending", "descending"),
        False,
        "Use when asked to group by: group a csv by, for each, sum by, total by, mean by, average by each.",
    ),
    Rule(
        "gap-values",
        "skip",
        ("skip", "zero", "one"),
        False,
        (
            "Use when a column in a csv has gaps: with gaps, some cells are empty, some values are "
            "missing; smallest value, minimum, mean, average."
        ),
    ),
    Rule(
        "rounding",
        "none",
        ("none", "1", "2", "3", "4"),
        False,
        (
            "Use when asked for a mean, average, standard deviation, ratio: mean of a column in a csv, "
            "average of a column, total divided by total, divide sum by sum."
        ),
    ),
    Rule(
        "backup-copy",
        "none",
        ("none",),
        True,
        (
            "Use when asked to edit, change: edit a file, change a csv, a txt; rename to, replace by, "
            "multiply by, add to, subtract from a column and save it."
        ),
    ),
    Rule(
        "done-marker",
        "none",
        ("none",),
        True,
        (
            "Use when asked to move, delete, remove: move to a folder, move into the folder, put into, "
            "delete the file, remove the file."
        ),
    ),
    Rule(
        "value-label",
        "none",
        ("none",),
        True,
        (
            "Use when asked to show or print a number: sum, total, maximum, minimum, largest value, "
            "smallest value, median, mean, standard deviation, ratio in a csv; count lines, how many "
            "lines, number of lines in a txt."
        ),
    ),
    Rule(
        "output-folder",
        "none",
        ("none",),
        True,
        (
            "Use when asked to save, write, put or keep a new file called, named: csv file, json file, "
            "text file, markdown file, png file, figure, called, named."
        ),
    ),
)

RULES: Mapping[str, Rule] = {rule.name: rule for rule in _RULES}
RULE_NAMES: tuple[str, ...] = tuple(RULES)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The rule names, without repeats, in the fixed global order."""
    wanted = set(names)
    return tuple(name for name in RULE_NAMES if name in wanted)


def habits(names: Iterable[str] = RULE_NAMES) -> dict[str, str]:
    """The habit option of each named rule."""
    return {name: RULES[name].habit for name in names}

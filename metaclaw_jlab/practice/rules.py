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
        "Use when a date or a column of dates is shown, from a day, a month and a year.",
    ),
    Rule(
        "function-docs",
        "plain",
        ("plain", "docstring", "hints"),
        False,
        "Use when a function is defined: one that adds, multiplies, subtracts or tells whether x is above or below.",
    ),
    Rule(
        "figure-format",
        "png",
        ("png", "svg", "pdf"),
        False,
        "Use when a column is plotted as a line, bar or histogram plot and the figure is saved.",
    ),
    Rule(
        "heading-level",
        "1",
        ("1", "2", "3", "4"),
        False,
        "Use when a markdown file, page or report with a title and a text is written.",
    ),
    Rule(
        "json-indent",
        "none",
        ("none", "1", "2", "4"),
        False,
        "Use when a json file with keys and values is written or saved.",
    ),
    Rule(
        "csv-separator",
        "comma",
        ("comma", "semicolon", "pipe", "tab"),
        False,
        "Use when rows are filtered, columns selected or tables joined and saved to a new csv file.",
    ),
    Rule(
        "file-naming",
        "snake",
        ("snake", "kebab", "dot", "flat"),
        False,
        "Use when a new file, called or named by two words, is saved or written.",
    ),
    Rule(
        "table-order",
        "none",
        ("none", "ascending", "descending"),
        False,
        "Use when values are grouped: the sum, total, mean or average of a column by or for each group.",
    ),
    Rule(
        "gap-values",
        "skip",
        ("skip", "zero", "one"),
        False,
        "Use when a column has gaps: some cells are empty, some values are missing.",
    ),
    Rule(
        "rounding",
        "none",
        ("none", "1", "2", "3", "4"),
        False,
        "Use when a mean, average, standard deviation, quotient or ratio (divided totals) is computed.",
    ),
    Rule(
        "backup-copy",
        "none",
        ("none",),
        True,
        "Use when a file is edited in place: columns renamed, multiplied, added to, or words replaced.",
    ),
    Rule(
        "done-marker",
        "none",
        ("none",),
        True,
        "Use when a file is moved, deleted or removed.",
    ),
    Rule(
        "value-label",
        "none",
        ("none",),
        True,
        "Use when a number is shown or printed: a sum, total, maximum, minimum, median, ratio or count of lines.",
    ),
    Rule(
        "output-folder",
        "none",
        ("none",),
        True,
        "Use when a new file is saved or written and called or named, but no folder is given.",
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

"""The task families of the practice world."""

from __future__ import annotations

from collections.abc import Mapping

from metaclaw_jlab.practice.families import (
    dates,
    documents,
    edits,
    figures,
    file_moves,
    functions,
    groups,
    numbers,
    tables,
)
from metaclaw_jlab.practice.families.base import Family

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        numbers.STATISTIC,
        numbers.VARIABLE,
        numbers.RATIO,
        numbers.LINES,
        groups.GROUP,
        tables.FILTER,
        tables.SELECT,
        tables.JOIN,
        dates.DATE,
        dates.DATE_COLUMN,
        edits.RENAME,
        edits.SCALE,
        edits.REPLACE,
        documents.NOTE,
        documents.WRITE_JSON,
        documents.REPORT,
        functions.FUNCTION,
        functions.PREDICATE,
        figures.PLOT,
        file_moves.MOVE,
        file_moves.REMOVE,
    )
}

__all__ = ["FAMILIES", "Family"]

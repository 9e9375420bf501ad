"""Natural names for files, columns and folders, and the listed values of the copied rules."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Mapping


def listed(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


NATURAL_FILES: tuple[str, ...] = listed("""
    prices orders customers invoices sales weather stocks students grades rivers cities countries
    flights hotels movies books songs patients samples sensors trips meals recipes products payments
    refunds visits tickets teams players matches rentals loans donations surveys answers machines
    repairs shipments harvest budgets salaries courses libraries museums stations lakes mountains birds
    trees
""")
NATURAL_COLUMNS: tuple[str, ...] = listed("""
    revenue customer quantity discount height weight temperature rainfall score age income cost profit
    distance duration speed stock margin tax fee rent visitors calories population area depth pressure
    humidity region category branch country city product month team grade salary bonus balance deposit
    volume energy voltage length width rating views clicks
""")
NATURAL_WORDS: tuple[str, ...] = listed("""
    summary overview extract monthly weekly yearly final draft clean selected merged chart trend history
    notes memo letter plan agenda update north south east west early late small big new first
""")

COPIED_VALUES: Mapping[str, tuple[str, ...]] = {
    "backup-copy": listed("""
    bak orig prev spare undo safe backup past archived former earlier snapshot original twin reserve
    kept
"""),
    "done-marker": listed("""
    DONE OK READY END Finished Complete CLOSED Moved success STOP Checked over FIN Settled gone filed
"""),
    "value-label": listed("""
    Result Value ANSWER Tally Out Number Figure outcome Output Found Amount FACT Score Reading finding
"""),
    "output-folder": listed("""
    out results outputs build exports reports saved made depot drafts products deliver archive shelf
    vault
"""),
}

# Names that a program could not use as its own, or that the demonstrated code uses itself.
RESERVED = (
    frozenset(keyword.kwlist) | frozenset(dir(builtins)) | frozenset(listed("pd df os json date shutil plt"))
)

"""The family that shows a number for each group of rows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import product
from random import Random
from typing import Any

from metaclaw_jlab.practice.families.base import (
    Draft,
    Family,
    Options,
    Params,
    Reading,
    Variant,
    View,
    parse,
    table_text,
)
from metaclaw_jlab.practice.families.numbers import AGGREGATES, READ, is_long, rounding_options
from metaclaw_jlab.practice.names import Names

ORDERS = {"none": "", "ascending": ".sort_values()", "descending": ".sort_values(ascending=False)"}


def _grouped(params: Params, start: Mapping[str, str]) -> dict[str, float]:
    header, *rows = parse(start[params["file"]])
    key, value = header.index(params["by"]), header.index(params["column"])
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(float(row[value]))
    return {name: AGGREGATES[params["aggregate"]][1](groups[name]) for name in sorted(groups)}


def ordered(pairs: dict[str, float], option: str) -> list[str]:
    """The keys of the groups in the order that the option asks for."""
    if option == "none":
        return sorted(pairs)
    return sorted(pairs, key=lambda key: pairs[key], reverse=option == "descending")


def _draw_group(rng: Random, names: Names, variant: Variant) -> Draft:
    value, by, file = names.column(), names.column(), f"{names.file()}.csv"
    keys = [names.word() for _ in range(3)]
    aggregate = "mean" if "rounding" in variant.rules else rng.choice(("sum", "max", "min"))
    params: dict[str, Any] = {"aggregate": aggregate, "column": value, "by": by, "file": file}
    while True:
        rows = [(rng.randint(5, 99), key) for key in keys for _ in range(3)]
        rng.shuffle(rows)
        start = {file: table_text((value, by), rows)}
        groups = _grouped(params, start)
        distinct = len(set(groups.values())) == 3 and len({tuple(ordered(groups, o)) for o in ORDERS}) == 3
        if distinct and ("rounding" not in variant.rules or any(map(is_long, groups.values()))):
            break
    fields = {"aggregate": rng.choice(AGGREGATES[aggregate][0]), "column": value, "by": by, "file": file}
    return Draft({**params, "rules": list(variant.rules)}, start, fields)


def _pairs(text: str, keys: list[str]) -> list[tuple[str, float]] | None:
    try:
        literal = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        literal = None
    if isinstance(literal, dict):
        good = all(isinstance(k, str) and isinstance(v, (int, float)) for k, v in literal.items())
        return [(key, float(value)) for key, value in literal.items()] if good else None
    any_key = "|".join(map(re.escape, keys))
    # A key and its number may stand in a sentence.
    line = rf"(?m)^(?:.*[^\w\n])?({any_key})[^\w\n](?:[^\d\n]*[ \t:|=,'\"(])?(-?\d+(?:\.\d+)?)[ \t.)]*$"
    found = re.findall(line, text)
    return [(key, float(value)) for key, value in found]


def _read_group(params: Params, view: View) -> Iterator[Reading]:
    groups = _grouped(params, view.start)
    if not 1 <= len(view.lines) <= len(groups) + 3:
        return
    pairs = _pairs("\n".join(view.lines), sorted(groups))
    if pairs is None or sorted(key for key, _ in pairs) != sorted(groups):
        return
    shown = dict(pairs)
    rounding = set("1234") | {"none"}
    for key, exact in groups.items():
        rounding &= set(rounding_options(shown[key], exact))
    orders = [option for option in ORDERS if [key for key, _ in pairs] == ordered(groups, option)]
    for digits, order in product(sorted(rounding), orders):
        if "rounding" in params["rules"]:
            yield Reading({"table-order": order, "rounding": digits})
        elif digits == "none":
            yield Reading({"table-order": order})


def _group_code(params: Params, options: Options) -> str:
    digits = options.get("rounding", "none")
    tail = "" if digits == "none" else f".round({digits})"
    chain = f"df.groupby('{params['by']}')['{params['column']}'].{params['aggregate']}()"
    return READ.format(**params) + f"print({chain}{ORDERS[options['table-order']]}{tail}.to_dict())"


def _group_shown(params: Params, start: Mapping[str, str], options: Options) -> str:
    groups, digits = _grouped(params, start), options.get("rounding", "none")
    values = {key: groups[key] for key in ordered(groups, options["table-order"])}
    if params["aggregate"] != "mean":
        return f"{ {key: int(value) for key, value in values.items()} }\n"
    return f"{ {k: v if digits == 'none' else round(v, int(digits)) for k, v in values.items()} }\n"


GROUP = Family(
    name="group",
    variants=(Variant("whole", ("table-order",)), Variant("long", ("table-order", "rounding"))),
    wordings=(
        "Show the {aggregate} of {column} by {by} in {file}",
        "Group {file} by {by} and show the {aggregate} of {column}",
        "For each {by} in {file} print the {aggregate} of {column}",
        "Print the {aggregate} of {column} for each {by} in {file}",
        "Load {file} and show the {aggregate} of {column} by {by}",
        "In {file} group by {by} and print the {aggregate} of {column}",
        "Group {file} by {by} and print the {aggregate} of {column}",
        "Show the {aggregate} of {column} for each {by} of {file}",
    ),
    draw=_draw_group,
    code=_group_code,
    read=_read_group,
    goal=lambda p: f"the {AGGREGATES[p['aggregate']][0][0]} of {p['column']} for each {p['by']}, as pairs",
    shown=_group_shown,
)

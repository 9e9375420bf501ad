"""Families that write a new csv file: filtered rows, selected columns, joined tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from metaclaw_jlab.practice.families import destinations as to
from metaclaw_jlab.practice.families.base import (
    Draft,
    Family,
    Options,
    Params,
    Reading,
    Table,
    Variant,
    View,
    parse,
    same_rows,
    table_text,
)
from metaclaw_jlab.practice.families.numbers import READ
from metaclaw_jlab.practice.names import Names

SEPARATORS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"}
_KIND = "csv file"


def _saved(params: Params, options: Options) -> str:
    separator = SEPARATORS[options["csv-separator"]].replace("\t", "\\t")
    tail = "" if separator == "," else f", sep='{separator}'"
    return f".to_csv('{to.path(params, options)}', index=False{tail})"


def _reader(
    expected: Callable[[Params, Mapping[str, str]], Table],
) -> Callable[[Params, View], Iterator[Reading]]:
    def read(params: Params, view: View) -> Iterator[Reading]:
        if view.lines:
            return
        table = expected(params, view.start)
        for options, path in to.found(params, view):
            text = view.text(path)
            if text is None:
                continue
            for name, separator in SEPARATORS.items():
                if same_rows(parse(text, separator), table):
                    yield Reading({**options, "csv-separator": name}, frozenset({path}))

    return read


def _filtered(params: Params, start: Mapping[str, str]) -> Table:
    header, *rows = parse(start[params["file"]])
    place, limit = header.index(params["column"]), params["limit"]
    above = params["sign"] == ">"
    return [
        header,
        *(row for row in rows if (float(row[place]) > limit if above else float(row[place]) < limit)),
    ]


def _draw_filter(rng: Random, names: Names, variant: Variant) -> Draft:
    name, other, file = names.column(), names.column(), f"{names.file()}.csv"
    limit, sign = rng.randint(25, 75), rng.choice("<>")
    values = [rng.randint(5, limit - 3), rng.randint(limit + 3, 99), limit]
    values += [rng.choice((rng.randint(5, 99), limit + 7)) for _ in range(4)]
    rng.shuffle(values)
    target, extra = to.draw(rng, names, variant.name, ".csv")
    params = {"column": name, "limit": limit, "sign": sign, "file": file, **target}
    rows = [(value, rng.randint(5, 99)) for value in values]
    words = {"<": ("below", "<", "less than"), ">": ("above", ">", "more than")}[sign]
    fields = {"column": name, "limit": str(limit), "sign": rng.choice(words), "file": file}
    return Draft(
        params, {file: table_text((name, other), rows), **extra}, {**fields, **to.fields(params, _KIND)}
    )


FILTER = Family(
    name="filter",
    variants=to.variants("csv-separator"),
    wordings=(
        "Save the rows of {file} where {column} is {sign} {limit} {to}",
        "Keep the rows of {file} with {column} {sign} {limit} and save them {to}",
        "Filter {file} to {column} {sign} {limit} and save the rows {to}",
        "Load {file} and save the rows with {column} {sign} {limit} {to}",
        "From {file} save the rows where {column} is {sign} {limit} {to}",
        "In {file} keep rows where {column} is {sign} {limit} and save them {to}",
        "Filter {file} to rows with {column} {sign} {limit} and save it {to}",
        "Save the rows with {column} {sign} {limit} of {file} {to}",
    ),
    draw=_draw_filter,
    code=lambda p, o: (
        to.mkdir(p, o) + READ.format(**p) + f"df[df['{p['column']}'] {p['sign']} {p['limit']}]{_saved(p, o)}"
    ),
    read=_reader(_filtered),
    goal=lambda p: f"{to.goal(p)} with the rows of {p['file']} where {p['column']} {p['sign']} {p['limit']}",
)


def _selected(params: Params, start: Mapping[str, str]) -> Table:
    rows = parse(start[params["file"]])
    places = [rows[0].index(params["first"]), rows[0].index(params["second"])]
    return [[row[place] for place in places] for row in rows]


def _draw_select(rng: Random, names: Names, variant: Variant) -> Draft:
    columns = [names.column() for _ in range(3)]
    file = f"{names.file()}.csv"
    rows = [[rng.randint(5, 99) for _ in columns] for _ in range(4)]
    target, extra = to.draw(rng, names, variant.name, ".csv")
    first, second = rng.sample(columns, 2)
    params = {"first": first, "second": second, "file": file, **target}
    fields = {"first": first, "second": second, "file": file}
    return Draft(params, {file: table_text(columns, rows), **extra}, {**fields, **to.fields(params, _KIND)})


SELECT = Family(
    name="select",
    variants=to.variants("csv-separator"),
    wordings=(
        "Save the columns {first} and {second} of {file} {to}",
        "Keep columns {first} and {second} of {file} and save them {to}",
        "From {file} save the columns {first} and {second} {to}",
        "Load {file} and save columns {first} and {second} {to}",
        "Take {first} and {second} from {file} and save them {to}",
        "In {file} keep the columns {first} and {second} and save them {to}",
        "Take the columns {first} and {second} of {file} and save them {to}",
        "Save columns {first} and {second} from {file} {to}",
    ),
    draw=_draw_select,
    code=lambda p, o: (
        to.mkdir(p, o) + READ.format(**p) + f"df[['{p['first']}', '{p['second']}']]{_saved(p, o)}"
    ),
    read=_reader(_selected),
    goal=lambda p: f"{to.goal(p)} with the columns {p['first']} and {p['second']} of {p['file']}",
)


def _joined(params: Params, start: Mapping[str, str]) -> Table:
    left, right = parse(start[params["left"]]), parse(start[params["right"]])
    other = {row[0]: row[1] for row in right}
    return [[*row, other[row[0]]] for row in left if row[0] in other]


def _draw_join(rng: Random, names: Names, variant: Variant) -> Draft:
    key, one, two = names.column(), names.column(), names.column()
    left, right = f"{names.file()}.csv", f"{names.file()}.csv"
    ids = rng.sample(range(10, 99), 6)
    target, extra = to.draw(rng, names, variant.name, ".csv")
    params: dict[str, Any] = {"key": key, "left": left, "right": right, **target}
    files = {
        left: table_text((key, one), [(i, rng.randint(5, 99)) for i in ids[:5]]),
        right: table_text((key, two), [(i, rng.randint(5, 99)) for i in ids[1:]]),
    }
    fields = {"key": key, "left": left, "right": right}
    return Draft(params, {**files, **extra}, {**fields, **to.fields(params, _KIND)})


def _join_code(params: Params, options: Options) -> str:
    tables = (
        f"df = pd.read_csv('{params['left']}').merge(pd.read_csv('{params['right']}'), on='{params['key']}')"
    )
    return f"{to.mkdir(params, options)}import pandas as pd\n{tables}\ndf{_saved(params, options)}"


JOIN = Family(
    name="join",
    variants=to.variants("csv-separator"),
    wordings=(
        "Join {left} and {right} on {key} and save it {to}",
        "Join {left} with {right} by {key} and save the rows {to}",
        "Load {left} and {right}, join them on {key} and save it {to}",
        "Save {left} joined with {right} on {key} {to}",
        "Join the files {left} and {right} by column {key} and save them {to}",
        "Take {left} and {right}, join them by {key} and save the rows {to}",
        "Join {left} and {right} on column {key} and save the rows {to}",
        "Load {left}, join it with {right} on {key} and save it {to}",
    ),
    draw=_draw_join,
    code=_join_code,
    read=_reader(_joined),
    goal=lambda p: f"{to.goal(p)} with {p['left']} and {p['right']} joined on {p['key']}",
)

"""Families that edit a file in place: a column scaled or renamed, words replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

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

_VARIANTS = (Variant("edit", ("backup-copy",)),)


def _backup(params: Params, options: Options) -> str:
    extension, file = options["backup-copy"], params["file"]
    if extension == "none":
        return ""
    return f"import shutil\nshutil.copy('{file}', '{file}.{extension}')\n"


def _copies(params: Params, view: View) -> Iterator[Reading]:
    """Readings of an edited file with the copy beside it, or with none."""
    file: str = params["file"]
    original = view.start[file].encode()
    stems = (f"{file}.", f"{file.rpartition('.')[0]}.")
    found = False
    for path in sorted(view.changed - {file}):
        stem = next((s for s in stems if path.startswith(s)), None)
        if stem and view.files.get(path) == original and "/" not in path:
            found = True
            yield Reading({"backup-copy": path.removeprefix(stem)}, frozenset({file, path}))
    if not found:
        yield Reading({"backup-copy": "none"}, frozenset({file}))


def _table_reader(
    expected: Callable[[Params, Mapping[str, str]], Table],
) -> Callable[[Params, View], Iterator[Reading]]:
    def read(params: Params, view: View) -> Iterator[Reading]:
        text = view.text(params["file"])
        if text is not None and not view.lines and same_rows(parse(text), expected(params, view.start)):
            yield from _copies(params, view)

    return read


_SCALES = {
    "*": ("multiply {column} by {number}", "multiply column {column} by {number}"),
    "+": ("add {number} to {column}", "add {number} to column {column}"),
    "-": ("subtract {number} from {column}", "subtract {number} from column {column}"),
}


def _draw_scale(rng: Random, names: Names, _variant: Variant) -> Draft:
    name, other, file = names.column(), names.column(), f"{names.file()}.csv"
    sign, number = rng.choice("*+-"), rng.randint(2, 20)
    params = {"column": name, "sign": sign, "number": number, "file": file}
    rows = [(rng.randint(5, 99), rng.randint(5, 99)) for _ in range(4)]
    change = rng.choice(_SCALES[sign]).format(**params)
    return Draft(params, {file: table_text((name, other), rows)}, {"change": change, "file": file})


def _scaled(params: Params, start: Mapping[str, str]) -> Table:
    header, *rows = parse(start[params["file"]])
    place, number = header.index(params["column"]), params["number"]
    for row in rows:
        value = int(row[place])
        row[place] = str({"*": value * number, "+": value + number, "-": value - number}[params["sign"]])
    return [header, *rows]


def _scale_code(params: Params, options: Options) -> str:
    cell = f"df['{params['column']}']"
    change = f"{cell} = {cell} {params['sign']} {params['number']}\n"
    return (
        _backup(params, options)
        + READ.format(**params)
        + change
        + f"df.to_csv('{params['file']}', index=False)"
    )


SCALE = Family(
    name="scale",
    variants=_VARIANTS,
    wordings=(
        "In {file} {change}",
        "Edit {file}: {change}",
        "In the file {file} {change}",
        "Change {file}: {change}",
        "Load {file}, {change} and save it",
        "Edit the file {file}: {change}",
        "In {file} {change} and save it",
        "Change the file {file}: {change}",
    ),
    draw=_draw_scale,
    code=_scale_code,
    read=_table_reader(_scaled),
    goal=lambda p: f"{p['file']} with each {p['column']} changed to its value {p['sign']} {p['number']}",
)


def _draw_rename(rng: Random, names: Names, _variant: Variant) -> Draft:
    old, other, new, file = names.column(), names.column(), names.column(), f"{names.file()}.csv"
    params = {"old": old, "new": new, "file": file}
    rows = [(rng.randint(5, 99), rng.randint(5, 99)) for _ in range(3)]
    return Draft(params, {file: table_text((old, other), rows)}, dict(params))


def _renamed(params: Params, start: Mapping[str, str]) -> Table:
    header, *rows = parse(start[params["file"]])
    return [[params["new"] if name == params["old"] else name for name in header], *rows]


def _rename_code(params: Params, options: Options) -> str:
    chain = (
        f"df.rename(columns={{'{params['old']}': '{params['new']}'}}).to_csv('{params['file']}', index=False)"
    )
    return _backup(params, options) + READ.format(**params) + chain


RENAME = Family(
    name="rename",
    variants=_VARIANTS,
    wordings=(
        "Rename column {old} to {new} in {file}",
        "In {file} rename {old} to {new}",
        "Edit {file}: rename the column {old} to {new}",
        "In the file {file} rename column {old} to {new}",
        "Change {file}: rename {old} to {new}",
        "Load {file}, rename {old} to {new} and save it",
        "Rename {old} to {new} in the file {file}",
        "Edit the file {file}: rename column {old} to {new}",
    ),
    draw=_draw_rename,
    code=_rename_code,
    read=_table_reader(_renamed),
    goal=lambda p: f"{p['file']} with its column {p['old']} now called {p['new']}",
)


def _draw_replace(rng: Random, names: Names, _variant: Variant) -> Draft:
    old, new, one, two = names.word(), names.word(), names.word(), names.word()
    while old in one or old in two or old in new:
        old = names.word()
    file = f"{names.file()}.txt"
    text = f"{one} {old} {two}\n{old} {rng.randint(10, 99)}\n"
    params = {"old": old, "new": new, "file": file}
    return Draft(params, {file: text}, dict(params))


def _replace_code(params: Params, options: Options) -> str:
    read = f"with open('{params['file']}') as f:\n    text = f.read()\n"
    write = f"with open('{params['file']}', 'w') as f:\n    f.write(text.replace('{params['old']}', '{params['new']}'))"
    return _backup(params, options) + read + write


def _read_replace(params: Params, view: View) -> Iterator[Reading]:
    text = view.text(params["file"])
    expected = view.start[params["file"]].replace(params["old"], params["new"])
    if text is not None and not view.lines and text.rstrip("\n") == expected.rstrip("\n"):
        yield from _copies(params, view)


REPLACE = Family(
    name="replace",
    variants=_VARIANTS,
    wordings=(
        "Replace {old} with {new} in {file}",
        "In {file} replace {old} with {new}",
        "Edit {file}: replace {old} by {new}",
        "In the file {file} change {old} to {new}",
        "Change {old} to {new} in {file}",
        "Replace every {old} by {new} in {file}",
        "Edit the file {file}: change {old} to {new}",
        "In {file} replace every {old} with {new}",
    ),
    draw=_draw_replace,
    code=_replace_code,
    read=_read_replace,
    goal=lambda p: f"{p['file']} with {p['new']} in place of {p['old']}",
)

"""The family that saves a plot of a column."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from metaclaw_jlab.practice.families import destinations as to
from metaclaw_jlab.practice.families.base import (
    Draft,
    Family,
    Options,
    Params,
    Reading,
    Variant,
    View,
    table_text,
)
from metaclaw_jlab.practice.families.numbers import READ
from metaclaw_jlab.practice.names import Names

_KINDS = {"line": "", "bar": ".bar", "hist": ".hist"}
_WORDS = {"line": ("line plot",), "bar": ("bar plot",), "hist": ("histogram",)}
# A figure without axes is smaller than this, one with the smallest plot is larger.
_LEAST = {"png": 4000, "svg": 4000, "pdf": 3000}


def _draw(rng: Random, names: Names, variant: Variant) -> Draft:
    name, other, file = names.column(), names.column(), f"{names.file()}.csv"
    kind = rng.choice(list(_KINDS))
    given, _, where = variant.name.partition("-")
    target, extra = to.draw(rng, names, where, ".png" if given == "png" else "")
    params: dict[str, Any] = {"column": name, "file": file, "kind": kind, "given": given, **target}
    rows = [(rng.randint(5, 99), rng.randint(5, 99)) for _ in range(4)]
    fields = {"column": name, "file": file, "plot": rng.choice(_WORDS[kind])}
    noun = "png file" if given == "png" else "figure"
    return Draft(
        params, {file: table_text((name, other), rows), **extra}, {**fields, **to.fields(params, noun)}
    )


def figure_format(data: bytes) -> str | None:
    """The format that a figure file really has, None where it is none or nothing is drawn in it."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        found = "png"
    elif data.startswith(b"%PDF-"):
        found = "pdf"
    elif b"<svg" in data[:2000]:
        found = "svg"
    else:
        return None
    return found if len(data) >= _LEAST[found] else None


def _path(params: Params, options: Options) -> str:
    tail = "" if params["given"] == "png" else f".{options['figure-format']}"
    return to.path(params, options) + tail


def _read(params: Params, view: View) -> Iterator[Reading]:
    if view.lines:
        return
    for extension in ("png", "svg", "pdf"):
        named = {**params, "ext": f".{extension}"}
        for options, path in to.found(named, view):
            if figure_format(view.files[path]) != extension:
                continue
            if params["given"] != "png":
                yield Reading({**options, "figure-format": extension}, frozenset({path}))
            elif extension == "png":
                yield Reading(options, frozenset({path}))


PLOT = Family(
    name="plot",
    variants=(*to.variants("figure-format", prefix="any-"), *to.variants(prefix="png-")),
    wordings=(
        "Save a {plot} of {column} in {file} {to}",
        "Make a {plot} of {column} from {file} and save it {to}",
        "Load {file} and save a {plot} of {column} {to}",
        "From {file} save a {plot} of column {column} {to}",
        "In {file} make a {plot} of {column} and save it {to}",
        "Make a {plot} of column {column} of {file} and save it {to}",
        "Load {file}, make a {plot} of {column} and save it {to}",
        "Save a {plot} of column {column} of {file} {to}",
    ),
    draw=_draw,
    code=lambda p, o: (
        to.mkdir(p, o)
        + READ.format(**p)
        + f"df['{p['column']}'].plot{_KINDS[p['kind']]}().figure.savefig('{_path(p, o)}')"
    ),
    read=_read,
    goal=lambda p: f"{to.goal(p)} with a plot of {p['column']}",
)

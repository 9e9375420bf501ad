"""Families that write a new document: a text file, a json file, a markdown file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from metaclaw_jlab.practice.families import destinations as to
from metaclaw_jlab.practice.families.base import Draft, Family, Options, Params, Reading, Variant, View
from metaclaw_jlab.practice.names import Names


def _open(params: Params, options: Options) -> str:
    return f"with open('{to.path(params, options)}', 'w') as f:\n"


def _draw_note(rng: Random, names: Names, variant: Variant) -> Draft:
    text = " ".join(names.word() for _ in range(rng.randint(1, 2)))
    target, extra = to.draw(rng, names, variant.name, ".txt")
    params = {"text": text, **target}
    return Draft(params, extra, {"text": text, **to.fields(params, "text file")})


def _read_note(params: Params, view: View) -> Iterator[Reading]:
    for options, path in to.found(params, view):
        text = view.text(path)
        if text is not None and not view.lines and text.strip() == params["text"]:
            yield Reading(options, frozenset({path}))


NOTE = Family(
    name="note",
    variants=to.variants(),
    wordings=(
        "Write {text} {to}",
        "Save the text {text} {to}",
        "Write the text {text} {to}",
        "Save {text} {to}",
        "Put the text {text} {to}",
        "Keep the text {text} {to}",
        "Put {text} {to}",
        "Keep {text} {to}",
    ),
    draw=_draw_note,
    code=lambda p, o: to.mkdir(p, o) + _open(p, o) + f"    f.write('{p['text']}')",
    read=_read_note,
    goal=lambda p: f"{to.goal(p)} with the text {p['text']}",
)


def _draw_json(rng: Random, names: Names, variant: Variant) -> Draft:
    one, two = names.word(), names.word()
    pairs = [[one, rng.randint(2, 99)], [two, rng.randint(2, 99)]]
    target, extra = to.draw(rng, names, variant.name, ".json")
    params: dict[str, Any] = {"pairs": pairs, **target}
    fields = {"one": one, "two": two, "first": str(pairs[0][1]), "second": str(pairs[1][1])}
    return Draft(params, extra, {**fields, **to.fields(params, "json file")})


def _json_code(params: Params, options: Options) -> str:
    indent = options["json-indent"]
    tail = "" if indent == "none" else f", indent={indent}"
    content = dict(params["pairs"])
    return (
        f"{to.mkdir(params, options)}import json\n{_open(params, options)}    json.dump({content}, f{tail})"
    )


def _indent(text: str) -> str:
    lines = text.strip().split("\n")
    if len(lines) == 1:
        return "none"
    spaces = len(lines[1]) - len(lines[1].lstrip(" "))
    return str(spaces)


def _read_json(params: Params, view: View) -> Iterator[Reading]:
    for options, path in to.found(params, view):
        text = view.text(path)
        try:
            content = json.loads(text or "")
        except (ValueError, RecursionError):
            continue
        if text and not view.lines and content == dict(params["pairs"]):
            yield Reading({**options, "json-indent": _indent(text)}, frozenset({path}))


WRITE_JSON = Family(
    name="write_json",
    variants=to.variants("json-indent"),
    wordings=(
        "Save {one} {first} and {two} {second} as json {to}",
        "Write json with {one} {first} and {two} {second} {to}",
        "Save json with {one} = {first} and {two} = {second} {to}",
        "Write {one} = {first} and {two} = {second} as json {to}",
        "Put {one} {first} and {two} {second} as json {to}",
        "Keep {one} = {first} and {two} = {second} as json {to}",
        "Save {one} = {first} and {two} = {second} as json {to}",
        "Write json with {one} = {first} and {two} = {second} {to}",
    ),
    draw=_draw_json,
    code=_json_code,
    read=_read_json,
    goal=lambda p: f"{to.goal(p)} that holds {dict(p['pairs'])}",
)


def _draw_report(rng: Random, names: Names, variant: Variant) -> Draft:
    title, text = names.word().capitalize(), names.word()
    target, extra = to.draw(rng, names, variant.name, ".md")
    params = {"title": title, "text": text, **target}
    return Draft(params, extra, {"title": title, "text": text, **to.fields(params, "markdown file")})


def _report_code(params: Params, options: Options) -> str:
    title = f"{'#' * int(options['heading-level'])} {params['title']}"
    return (
        f"{to.mkdir(params, options)}{_open(params, options)}    f.write('{title}\\n\\n{params['text']}\\n')"
    )


def _read_report(params: Params, view: View) -> Iterator[Reading]:
    for options, path in to.found(params, view):
        lines = [line.strip() for line in (view.text(path) or "").split("\n") if line.strip()]
        if len(lines) != 2 or view.lines or lines[1] != params["text"]:
            continue
        hashes, _, title = lines[0].partition(" ")
        if title.strip() == params["title"] and 1 <= len(hashes) <= 6 and set(hashes) == {"#"}:
            yield Reading({**options, "heading-level": str(len(hashes))}, frozenset({path}))


REPORT = Family(
    name="report",
    variants=to.variants("heading-level"),
    wordings=(
        "Write markdown with the title {title} and the text {text} {to}",
        "Save markdown with title {title} and text {text} {to}",
        "Write the title {title} and the text {text} as markdown {to}",
        "Save the title {title} and the text {text} as markdown {to}",
        "Put the title {title} and the text {text} as markdown {to}",
        "Write title {title} and text {text} as markdown {to}",
        "Put markdown with title {title} and text {text} {to}",
        "Save markdown with the title {title} and the text {text} {to}",
    ),
    draw=_draw_report,
    code=_report_code,
    read=_read_report,
    goal=lambda p: f"{to.goal(p)} with the title {p['title']} and the text {p['text']}",
)

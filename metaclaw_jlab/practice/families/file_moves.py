"""Families that move or delete a file."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from metaclaw_jlab.practice.families.base import Draft, Family, Options, Params, Reading, Variant, View
from metaclaw_jlab.practice.names import Names

_VARIANTS = (Variant("done", ("done-marker",)),)
_EXTENSIONS = (".txt", ".csv", ".json", ".md")


def _marker(options: Options) -> str:
    marker = options["done-marker"]
    return "" if marker == "none" else f"\nprint('{marker}')"


def _shown(options: Options) -> str:
    marker = options["done-marker"]
    return "" if marker == "none" else f"{marker}\n"


def _said(view: View) -> str | None:
    if len(view.lines) > 1:
        return None
    return view.lines[0].strip() if view.lines else "none"


def _draw_move(rng: Random, names: Names, _variant: Variant) -> Draft:
    file, folder = names.file() + rng.choice(_EXTENSIONS), names.word()
    params = {"file": file, "folder": folder}
    files = {file: f"{names.word()}\n", f"{folder}/{names.word()}.txt": f"{names.word()}\n"}
    return Draft(params, files, dict(params))


def _read_move(params: Params, view: View) -> Iterator[Reading]:
    file, target, said = params["file"], f"{params['folder']}/{params['file']}", _said(view)
    moved = file not in view.files and view.files.get(target) == view.start[file].encode()
    if moved and said is not None:
        yield Reading({"done-marker": said}, frozenset({file, target}))


MOVE = Family(
    name="move",
    variants=_VARIANTS,
    wordings=(
        "Move {file} to the folder {folder}",
        "Move the file {file} to {folder}",
        "Move {file} into {folder}",
        "Move the file {file} into the folder {folder}",
        "Put {file} into the folder {folder}",
        "Move {file} to folder {folder}",
        "Move the file {file} to the folder {folder}",
        "Put the file {file} into {folder}",
    ),
    draw=_draw_move,
    code=lambda p, o: f"import os\nos.rename('{p['file']}', '{p['folder']}/{p['file']}')" + _marker(o),
    read=_read_move,
    goal=lambda p: f"{p['file']} in the folder {p['folder']}",
    shown=lambda _params, _files, o: _shown(o),
)


def _draw_remove(rng: Random, names: Names, _variant: Variant) -> Draft:
    file, other = names.file() + rng.choice(_EXTENSIONS), names.file()
    return Draft(
        {"file": file}, {file: f"{names.word()}\n", f"{other}.txt": f"{names.word()}\n"}, {"file": file}
    )


def _read_remove(params: Params, view: View) -> Iterator[Reading]:
    said = _said(view)
    if params["file"] not in view.files and said is not None:
        yield Reading({"done-marker": said}, frozenset({params["file"]}))


REMOVE = Family(
    name="remove",
    variants=_VARIANTS,
    wordings=(
        "Delete {file}",
        "Delete the file {file}",
        "Remove {file}",
        "Remove the file {file}",
        "Delete the file called {file}",
        "Delete the file named {file}",
        "Remove the file called {file}",
        "Remove the file named {file}",
    ),
    draw=_draw_remove,
    code=lambda p, o: f"import os\nos.remove('{p['file']}')" + _marker(o),
    read=_read_remove,
    goal=lambda p: f"no file {p['file']} any more",
    shown=lambda _params, _files, o: _shown(o),
)

"""Where a new file goes: a full path, or a name that leaves folder or spelling to the house."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from metaclaw_jlab.practice.families.base import Options, Params, Variant, View
from metaclaw_jlab.practice.names import Names

JOINERS = {"snake": "_", "kebab": "-", "dot": ".", "flat": ""}
# A name exactly as it was said is right as well, though no house wants blanks in it.
_READ = {**JOINERS, "as-said": " "}
WORDINGS: dict[str, tuple[str, ...]] = {
    "to-path": (
        "to {path}",
        "in {path}",
        "as {path}",
        "to the file {path}",
        "as the file {path}",
        "in the file {path}",
    ),
    "to-name": (
        "to a {kind} called {words}",
        "as a {kind} called {words}",
        "in a {kind} named {words}",
        "to a {kind} named {words}",
        "as a new {kind} named {words}",
        "in a new {kind} called {words}",
    ),
    "to-folder": (
        "to a {kind} called {words} in folder {folder}",
        "as a {kind} named {words} in folder {folder}",
        "in a {kind} called {words} in the folder {folder}",
        "to folder {folder} as a {kind} named {words}",
        "in the folder {folder} as a {kind} called {words}",
        "as a new {kind} called {words} in folder {folder}",
    ),
}
_GROUPS = {"path": "to-path", "stem": "to-name", "placed": "to-folder", "words": "to-name"}


def variants(*own: str, prefix: str = "", without: tuple[str, ...] = ()) -> tuple[Variant, ...]:
    """The variants of a file-writing family whose own rules always apply."""
    kinds = {
        "path": (),
        "stem": ("output-folder",),
        "placed": ("file-naming",),
        "words": ("file-naming", "output-folder"),
    }
    return tuple(
        Variant(prefix + kind, (*own, *extra))
        for kind, extra in kinds.items()
        if kind not in without and (own or extra)
    )


def wording_group(kind: str) -> str:
    """The group of destination wordings of a kind of destination."""
    return _GROUPS[kind]


def draw(_rng: Random, names: Names, kind: str, extension: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters of a destination, and a start file so that a named folder is there."""
    words = [names.word()] + ([names.word()] if kind in ("placed", "words") else [])
    if kind not in ("path", "placed"):
        return {"to": kind, "words": words, "ext": extension}, {}
    folder = names.word()
    params = {"to": kind, "words": words, "ext": extension, "folder": folder}
    return params, {f"{folder}/{names.word()}.txt": f"{names.word()}\n"}


def fields(params: Params, kind: str) -> dict[str, str]:
    """Words for the destination wordings."""
    return {
        "kind": kind,
        "words": " ".join(params["words"]),
        "folder": params.get("folder", ""),
        "path": f"{params.get('folder', '')}/{params['words'][0]}{params['ext']}",
    }


def path(params: Params, options: Options) -> str:
    """The path of the new file under the options."""
    stem = JOINERS[options.get("file-naming", "snake")].join(params["words"])
    folder = params.get("folder") or options.get("output-folder", "none")
    return f"{stem}{params['ext']}" if folder == "none" else f"{folder}/{stem}{params['ext']}"


def mkdir(params: Params, options: Options) -> str:
    """Code that makes the output folder where the house has one."""
    folder = options.get("output-folder", "none")
    if params["to"] not in ("stem", "words") or folder == "none":
        return ""
    return f"import os\nos.makedirs('{folder}', exist_ok=True)\n"


def found(params: Params, view: View) -> Iterator[tuple[dict[str, str], str]]:
    """Changed files that may be the new one, each with the options that its path shows."""
    namings = list(_READ.items()) if len(params["words"]) > 1 else [("", "")]
    for naming, joiner in namings:
        base = joiner.join(params["words"]) + params["ext"]
        options = {"file-naming": naming} if naming else {}
        for candidate in sorted(view.changed):
            folder, _, name = candidate.rpartition("/")
            if name != base or candidate not in view.files:
                continue
            if "folder" in params:
                if folder == params["folder"]:
                    yield options, candidate
            else:
                yield {**options, "output-folder": folder or "none"}, candidate


def goal(params: Params) -> str:
    """The new file in words."""
    where = f" in {params['folder']}" if "folder" in params else ""
    return f"a new {params['ext'] or 'figure'} file named after {' '.join(params['words'])}{where}"

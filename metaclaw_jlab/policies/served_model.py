"""What the name of a local model stands for on this machine: the form that serves, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import ModelUnusable
from metaclaw_jlab.policies.catalogue import CatalogueModel, Form, find
from metaclaw_jlab.policies.model_store import find_installed
from metaclaw_jlab.runtime.home import Home

WantedForm = Literal["auto", "gguf", "safetensors"]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model to serve as `name`: a GGUF file on llama.cpp, or a folder or hub id of safetensors in torch.

    `place` is None for the embedded model, which lies in the package.
    """

    name: str
    form: Form
    place: Path | str | None
    known: CatalogueModel | None = None


def resolve(home: Home, name: str, form: WantedForm = "auto") -> ServedModel:
    """The model of a short name that is in this home, of a path, or of a hub id. Nothing is fetched or read.

    Of a model that is here in both forms `auto` takes the GGUF file, which decodes faster. A short name is never a
    path, whatever lies in the working folder. Raises ModelUnusable.
    """
    if name == EMBEDDED_MODEL:
        return ServedModel(name, "safetensors", None)
    path, known = Path(name).expanduser(), find(name)
    if known is None and find_installed(home, name) is None:
        if path.is_file() or name.lower().endswith(".gguf"):
            return _file(path, name, form)
        if path.is_dir():
            return ServedModel(name, "safetensors", path.absolute())
    here = find_installed(home, name, None if form == "auto" else form)
    if here is not None:
        return ServedModel(here.name, here.form, here.path, known)
    if known is not None:
        wanted = "" if form == "auto" else f" --form {form}"
        what = known.name if form == "auto" else f"{known.name} as {form}"
        raise ModelUnusable(
            f"{what} is not on this machine yet.",
            f"Get it: metaclaw models get {known.name}{wanted}, or %metaclaw local {known.name}.",
        )
    return ServedModel(name, "safetensors", name)


def _file(path: Path, name: str, form: WantedForm) -> ServedModel:
    if not path.is_file():
        raise ModelUnusable(f"There is no file {name}.", "Check the path.")
    if form == "safetensors":
        raise ModelUnusable(
            f"{name} is a file, and safetensors are a folder.", "Leave policy.local_form out."
        )
    return ServedModel(str(path.absolute()), "gguf", path.absolute())

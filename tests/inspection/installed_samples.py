"""Models that lie in a home as if they had been fetched: a few bytes under a real name."""

import json
from pathlib import Path

from metaclaw_jlab.policies.catalogue import Form
from metaclaw_jlab.policies.model_request import MANIFEST
from metaclaw_jlab.policies.model_store import InstalledModel, find_installed, folder_of
from metaclaw_jlab.runtime.home import Home

GGUF = b"GGUF" + bytes(1000)


def install(home: Home, name: str, form: Form = "gguf", *, origin: str = "org/repository") -> InstalledModel:
    """A model of this name and form."""
    folder = folder_of(home) / name / form
    folder.mkdir(parents=True)
    file = f"{name}.gguf" if form == "gguf" else "model.safetensors"
    (folder / file).write_bytes(GGUF)
    if form == "safetensors":
        (folder / "config.json").touch()
    told = {
        "name": name,
        "form": form,
        "files": {file: "0" * 64},
        "size": len(GGUF),
        "origin": origin,
        "source": "the hub",
        "licence": "mit",
        "context": 512,
        "fetched_at": 1.0,
    }
    (folder / MANIFEST).write_text(json.dumps(told))
    model = find_installed(home, name, form)
    assert model is not None
    return model


def gguf_file(folder: Path, name: str = "mine.gguf") -> Path:
    """A file of the user's own that begins as a GGUF file does."""
    path = folder / name
    path.write_bytes(GGUF)
    return path

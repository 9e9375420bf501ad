"""The model that answers: in which form, from where, whether it runs, what it can and cannot do."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import MissingExtra, ModelUnusable
from metaclaw_jlab.inspection.lines import size
from metaclaw_jlab.policies.catalogue import USUAL_TOKENS, CatalogueModel, Form
from metaclaw_jlab.policies.model_store import find_installed
from metaclaw_jlab.policies.served_model import ServedModel, resolve
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.memory import Memory, memory
from metaclaw_jlab.settings.address import is_loopback

if TYPE_CHECKING:
    from metaclaw_jlab.runtime.policy_server import Endpoint

RUNTIMES: dict[Form, str] = {"gguf": "llama.cpp", "safetensors": "torch"}
EXTRAS: dict[Form, str] = {"gguf": "local", "safetensors": "train"}
LIBRARIES: dict[Form, tuple[str, ...]] = {
    "gguf": ("xllamacpp", "starlette", "uvicorn"),
    "safetensors": ("torch", "transformers", "safetensors", "starlette", "uvicorn"),
}
PRACTICE_ONLY = "It knows only the practice tasks."
TINY, SMALL, MIDDLE = 300_000_000, 1_000_000_000, 4_000_000_000  # parameters


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """Who answers. `form` and `runtime` are those of a model on this machine, `source` its path or the endpoint's URL;
    `running`: it is loaded now; `context` in tokens, `memory` in bytes as far as they are known; `abilities` are
    sentences; `problem` says why it cannot answer, "" where it can.
    """

    name: str
    kind: Literal["embedded", "local", "endpoint"]
    form: Literal["gguf", "safetensors"] | None
    runtime: str | None
    source: str
    running: bool
    context: int | None
    memory: int | None
    trains: bool
    abilities: tuple[str, ...]
    problem: str = ""


def answering_model(home: Home, settings: Settings, server: Endpoint | None) -> AnsweringModel:
    """The model that these settings choose; `server` is the policy server that runs, where one does."""
    wanted = settings.policy
    if wanted.base_url:
        return _elsewhere(wanted.base_url, wanted.model)
    try:
        served = resolve(home, wanted.local_model, wanted.local_form)
    except ModelUnusable as error:
        return AnsweringModel(
            wanted.local_model, "local", None, None, "", False, None, None, False, (), str(error)
        )
    served = loaded(home, served, server) if wanted.local_form == "auto" else served
    return describe(home, served, running=server is not None and serves(server, served))


def loaded(home: Home, served: ServedModel, server: Endpoint | None) -> ServedModel:
    """The model in the form in which a server has it already: that one answers where no form is asked for."""
    form: Form = "gguf" if server is not None and server.form == "gguf" else "safetensors"
    if server is None or form == served.form or not serves(server, replace(served, form=form)):
        return served
    try:
        return resolve(home, served.name, form)
    except ModelUnusable:
        return served  # its files are gone, and it will not start again in that form


def describe(home: Home, served: ServedModel, *, running: bool) -> AnsweringModel:
    """A model of this machine."""
    if served.place is None:
        return AnsweringModel(
            served.name,
            "embedded",
            served.form,
            RUNTIMES[served.form],
            "the package",
            running,
            None,
            None,
            True,
            (PRACTICE_ONLY, "It learns here, on a CPU too."),
        )
    here = find_installed(home, served.name, served.form)
    context = served.known.context if served.known else here.context if here else None
    if served.form == "gguf":
        context = min(
            context or USUAL_TOKENS, USUAL_TOKENS
        )  # of each request: llama.cpp keeps it for every slot
    trains = trainable(served)
    return AnsweringModel(
        served.name,
        "local",
        served.form,
        RUNTIMES[served.form],
        _source(served),
        running,
        context,
        serving_memory(served),
        trains,
        _abilities(served.known, context, trains),
    )


def policy_in_words(model: AnsweringModel, otherwise: str) -> str:
    """Who answers, for the card; `otherwise` where it is no model of the user's choice on this machine."""
    if model.kind != "local" or model.form is None:
        return otherwise
    return f"{model.name} on this machine ({form_in_words(model.form)})"


def form_in_words(form: Form) -> str:
    """A form and what runs it."""
    return "GGUF on llama.cpp" if form == "gguf" else "safetensors in torch"


def serves(server: Endpoint, served: ServedModel) -> bool:
    """Whether this server has this model loaded, in this form."""
    named = server.model.lower() == served.name.lower() or server.model == str(served.place)
    return named and server.form == served.form


def trainable(served: ServedModel) -> bool:
    """Whether the slow loop could train it here; nothing is measured of the memory."""
    if served.known is not None:
        return bool(served.known.trains_from)
    return served.form == "safetensors"


def serving_memory(served: ServedModel) -> int | None:
    """Bytes of memory that serving takes, about; None where nothing is known of it."""
    if served.known is not None:
        return served.known.memory(served.form)
    if not isinstance(served.place, Path):
        return None
    files = [served.place] if served.place.is_file() else served.place.glob("*.safetensors")
    return sum(file.stat().st_size for file in files)


def check_runtime(form: Form) -> None:
    """Raise MissingExtra where what runs this form is not installed."""
    for library in missing_libraries(form):
        raise MissingExtra(library, EXTRAS[form])


def check_place(served: ServedModel) -> None:
    """Raise ModelUnusable where what lies there is no model, before a server that runs makes room for it."""
    if not isinstance(served.place, Path):
        return
    if served.form == "gguf":
        from metaclaw_jlab.engines.llama_cpp.gguf_header import read_header

        read_header(served.place)
    elif not (served.place / "config.json").is_file():
        raise ModelUnusable(
            f"{served.place} has no config.json.",
            "Give a folder as save_pretrained writes it, or a GGUF file.",
        )


def missing_libraries(form: Form) -> list[str]:
    """What is not installed of what runs this form."""
    return [name for name in LIBRARIES[form] if importlib.util.find_spec(name) is None]


def check_memory(name: str, needed: int | None, there: Memory | None = None) -> None:
    """Raise ModelUnusable where this machine cannot hold the model."""
    found = there or memory()
    if needed is not None and needed > found.total:
        raise ModelUnusable(
            f"{name} takes about {size(needed)} of memory to serve; this machine has {size(found.total)}.",
            "Take a smaller model (metaclaw models), or connect to an endpoint.",
        )


def _elsewhere(url: str, model: str | None) -> AnsweringModel:
    where = "It runs on this machine." if is_loopback(url) else "What you ask is sent there."
    return AnsweringModel(
        model or "the first model",
        "endpoint",
        None,
        None,
        url,
        False,
        None,
        None,
        False,
        (where, "It is not trained here; skills help it all the same."),
    )


def _source(served: ServedModel) -> str:
    if isinstance(served.place, str):
        return f"{served.place} of the hub"
    return str(served.place)


def _abilities(known: CatalogueModel | None, context: int | None, trains: bool) -> tuple[str, ...]:
    told = [] if known is None else [_size_in_words(known.parameters)]
    if context is not None:
        told.append(f"A task and its answer share {context:,} tokens.")
    told.append("It can be trained here." if trains else "It is not trained here; skills help it.")
    return tuple(told)


def _size_in_words(parameters: int) -> str:
    """What to expect of a model of this size: see docs/local-models.md."""
    count = f"{parameters / 1e9:.1f} billion" if parameters >= 1e9 else f"{parameters / 1e6:.0f} million"
    if parameters < TINY:
        return f"Tiny ({count} parameters): few tasks go right before it is trained."
    if parameters < SMALL:
        return f"Very small ({count} parameters): single simple steps; look at what it proposes."
    if parameters < MIDDLE:
        return f"Small ({count} parameters): ordinary notebook work on few files; look at what it proposes."
    return f"{count} parameters: ordinary notebook work; quick only on a GPU."

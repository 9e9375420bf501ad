"""Fetching a local model for somebody who waits: what it takes is told first, then how far it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from metaclaw_jlab.core.errors import FetchFailed, FetchRefused
from metaclaw_jlab.inspection.lines import size
from metaclaw_jlab.policies.catalogue import Form, find
from metaclaw_jlab.policies.model_request import request
from metaclaw_jlab.policies.model_sources.transfer import Progress
from metaclaw_jlab.policies.model_store import InstalledModel, fetch, find_installed, installed
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.memory import Memory, memory

STOPPED = "What has arrived is kept: the same command goes on with it."
Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model takes and what this machine has, in bytes; None where it is not known.

    `size` is of its files, `free` is on the disk, `serving` is the memory that it takes to answer.
    """

    name: str
    form: Form
    licence: str
    size: int | None
    free: int
    serving: int | None
    memory: Memory

    @property
    def sentence(self) -> str:
        """What is about to be fetched, and whether it fits."""
        what = ", ".join(filter(None, (FORMS_IN_WORDS[self.form], self.licence)))
        bytes_told = "size not known" if self.size is None else size(self.size)
        told = f"{self.name} ({what}): {bytes_told}, {size(self.free)} free on the disk"
        if self.serving is None:
            return f"{told}."
        return f"{told}; about {size(self.serving)} of memory to serve, {size(self.memory.total)} here."


FORMS_IN_WORDS: dict[Form, str] = {"gguf": "GGUF", "safetensors": "safetensors"}


def fetch_model(
    home: Home,
    text: str,
    form: Form | None = None,
    *,
    path: Path | None = None,
    begins: Callable[[Needs], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
    report: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> InstalledModel:
    """The model of a short name, path or hub id, fetched where it is not there.

    `begins` is called before anything is fetched, and may refuse by raising. Where the hub does not answer, safetensors
    are made from the GGUF file of the same name, and `tell` gets a sentence about it. Raises as model_store.fetch does.
    """
    if path is None and (present := find_here(home, text, form)) is not None:
        return present
    made = form == "safetensors" and _has_gguf(home, text)
    if made and find(text) is None:
        return _made(home, text, begins, report, cancelled)
    try:
        return _fetched(home, text, form, path, begins, report, cancelled)
    except FetchRefused:
        raise
    except FetchFailed as failure:
        if (kept := _of_origin(home, text, form)) is not None:
            return kept
        if not made:
            raise
        tell(f"{failure.cause} The safetensors form is made from the GGUF file instead.")
        return _made(home, text, begins, report, cancelled)


def find_here(home: Home, text: str, form: Form | None) -> InstalledModel | None:
    """The model of a name that is here; of a short name without a form the GGUF file is meant."""
    known = find(text)
    if known is not None:
        return find_installed(home, known.name, form or "gguf")
    return None if Path(text).expanduser().exists() else find_installed(home, text, form)


def needs_of(home: Home, name: str, form: Form, files: int | None, licence: str = "") -> Needs:
    """What a model of `files` bytes takes here."""
    known = find(name)
    serving = files if known is None else known.memory(form)
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    free = shutil.disk_usage(home.root).free
    return Needs(name, form, licence, files, free, serving, memory())


def progress_in_words(name: str, state: Progress) -> str:
    """How far a fetch is, with rate and remaining time."""
    total = "" if state.total is None else f" of {size(state.total)}"
    if state.stage == "waiting":
        return f"{name}: another process fetches it, {size(state.done)}{total}"
    if state.stage == "making":  # all of it is written at the end
        return f"{name}: made from the GGUF file"
    doing = "checking the hash" if state.stage == "checking" else f"from {state.source}"
    rate = "" if state.rate is None else f", {size(round(state.rate))}/s"
    left = "" if state.remaining is None else f", {_duration(state.remaining)} left"
    return f"{name}, {doing}: {size(state.done)}{total}{rate}{left}"


def _fetched(
    home: Home,
    text: str,
    form: Form | None,
    path: Path | None,
    begins: Callable[[Needs], None],
    report: Report | None,
    cancelled: Callable[[], bool] | None,
) -> InstalledModel:
    wanted = request(text, form, path=path)
    present = find_installed(home, wanted.name, wanted.form)
    if present is None:
        begins(needs_of(home, wanted.name, wanted.form, wanted.size, wanted.licence))
    return fetch(home, wanted, report=report, cancelled=cancelled)


def _has_gguf(home: Home, text: str) -> bool:
    """Whether the GGUF file of a name is here or can be had."""
    return find(text) is not None or (
        not Path(text).expanduser().exists() and find_installed(home, text, "gguf") is not None
    )


def _made(
    home: Home,
    name: str,
    begins: Callable[[Needs], None],
    report: Report | None,
    cancelled: Callable[[], bool] | None,
) -> InstalledModel:
    """The safetensors form, made from the GGUF file, which is fetched where it is not here."""
    from metaclaw_jlab.engines.gguf_conversion import to_safetensors

    known = find(name)
    gguf = find_installed(home, name, "gguf")
    files = None if known is None else 2 * known.parameters
    begins(needs_of(home, gguf.name if gguf else name, "safetensors", files))
    if gguf is None:
        gguf = fetch(home, request(name, "gguf"), report=report, cancelled=cancelled)
    return to_safetensors(home, gguf, report=report, cancelled=cancelled)


def _of_origin(home: Home, text: str, form: Form | None) -> InstalledModel | None:
    """What was fetched of a repository before, for when its hub does not answer."""
    owner, _, rest = text.partition("/")
    repository, _, file = rest.partition("/")
    found = [
        model
        for model in installed(home)
        if model.origin == f"{owner}/{repository}"
        and form in (None, model.form)
        and (not file or file.rsplit("/", 1)[-1] in {name.rsplit("/", 1)[-1] for name in model.files})
    ]
    return found[0] if len(found) == 1 else None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"

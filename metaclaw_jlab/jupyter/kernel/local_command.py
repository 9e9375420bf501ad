"""`%metaclaw local`: have a model of this machine answer, fetched first where it is not here."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from IPython.core.error import UsageError

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import MetaclawError, ModelUnusable, ServerStartFailed
from metaclaw_jlab.jupyter.kernel.arguments import LineParser
from metaclaw_jlab.jupyter.kernel.chart import panel
from metaclaw_jlab.policies.served_model import ServedModel, WantedForm

if TYPE_CHECKING:
    from metaclaw_jlab.inspection.model_fetch import Needs
    from metaclaw_jlab.jupyter.kernel.display import Reporter
    from metaclaw_jlab.jupyter.kernel.session import KernelSession
    from metaclaw_jlab.policies.model_sources.transfer import Progress
    from metaclaw_jlab.runtime.home import Home
    from metaclaw_jlab.runtime.policy_server import Endpoint

ABOUT = (
    "Let a model of this machine answer, for this session unless --save; it is fetched where it is not here."
)
EXAMPLES = (
    "%metaclaw local                          the embedded practice model\n"
    "  %metaclaw local qwen2.5-coder-1.5b       a short name: metaclaw models lists them\n"
    "  %metaclaw local ~/models/mine.gguf       a file or folder of your own\n"
    "  %metaclaw local org/name --save          a repository of the hub, kept in config.toml\n"
    "  %metaclaw local smollm2-135m --form safetensors"
)
LINE_SECONDS = 5.0  # between lines of progress where they do not replace each other
FORMS: tuple[WantedForm, ...] = ("auto", "gguf", "safetensors")
_PATHS = ("/", ".", "~", "\\")


def local(session: KernelSession, words: list[str]) -> str:
    """Serve a model here. Where anything fails who answered before goes on. Raises UsageError, MetaclawError."""
    found = _parser().parse_args(words)
    form = cast(WantedForm, found.form)
    workspace = session.workspace()
    wanted: dict[str, object] = {
        "policy.base_url": None,
        "policy.model": None,
        "policy.local_model": found.model,
    }
    if workspace.settings().policy.local_form != form:
        wanted["policy.local_form"] = form
    workspace.configuration(wanted)  # what the administrator has set is told before gigabytes are fetched
    view = FetchView(session.reporter(), found.model)
    try:
        served = _had(workspace.home, found.model, form, view)
        wanted["policy.local_model"] = _name(workspace.home, served)
        with (
            workspace.precedence.first()
        ):  # what this kernel learns beside the user would keep the server busy
            endpoint = workspace.serve(workspace.configuration(wanted).settings, view.line)
        view.loaded()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(view.stopped()) from None
    except ServerStartFailed as error:
        raise view.in_one_line(error) from None
    except MetaclawError:
        view.stopped()
        raise
    if found.save:
        _save(workspace.home.config, str(wanted["policy.local_model"]), form)
    workspace.overrides.update(wanted)
    kept = "saved to config.toml" if found.save else "for this session (--save keeps it)"
    return _told(workspace.home, served, endpoint, kept)


class FetchView:
    """Shows what is waited for: a bar in a notebook, lines elsewhere. At its end it says how far it came."""

    def __init__(self, reporter: Reporter, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reporter = reporter
        self._name = name
        self._clock = clock
        self._begun = False
        self._update: Callable[[str, str], None] | None = None
        self._told_at = float("-inf")
        self._last: Progress | None = None
        self._said = ""

    def in_one_line(self, error: ServerStartFailed) -> ServerStartFailed:
        """The error without the log that was shown already: what a server says last is why it ended."""
        if not self._said:
            return error
        return ServerStartFailed(f"{error.cause} {self._said}", "Who answered before goes on.")

    def fetched(self) -> None:
        """It is whole."""
        if self._last is not None:
            self._last = None
            self._show(f"{self._name} is here.", 1.0, now=True)

    def loaded(self) -> None:
        """It answers: nothing is waited for any more."""
        if self._begun:
            self._show(f"{self._name} is loaded.", None, now=True)

    def stopped(self) -> str:
        """Show no more that something goes on; what to say of a stop."""
        from metaclaw_jlab.inspection.lines import size
        from metaclaw_jlab.inspection.model_fetch import STOPPED

        if self._last is None:
            return "Stopped. Who answered before goes on."
        of = "" if self._last.total is None else f" of {size(self._last.total)}"
        self._show(f"{self._name}: stopped at {size(self._last.done)}{of}.", self._share(), now=True)
        return f"Stopped. {STOPPED} Who answered before goes on."

    def line(self, sentence: str) -> None:
        """A sentence of what goes on."""
        self._said = sentence
        self._show(sentence, None, now=True)

    def begins(self, needs: Needs) -> None:
        """What is about to be fetched. Raises MissingExtra, ModelUnusable where it could not be served."""
        from metaclaw_jlab.inspection.answering import check_memory, check_runtime

        self._name = needs.name
        self._show(f"MetaClaw: {needs.sentence}", None, now=True)
        check_runtime(needs.form)
        check_memory(needs.name, needs.serving, needs.memory)

    def report(self, state: Progress) -> None:
        """How far it is."""
        from metaclaw_jlab.inspection.model_fetch import progress_in_words

        self._last = state
        self._show(progress_in_words(self._name, state), self._share())

    def _share(self) -> float | None:
        state = self._last
        return state.done / state.total if state is not None and state.total else None

    def _show(self, sentence: str, share: float | None, *, now: bool = False) -> None:
        if not self._begun:
            self._begun = True
            self._update = self._reporter.panel(sentence, panel(sentence, share, (), ""))
        elif self._update is not None:
            self._update(sentence, panel(sentence, share, (), ""))
        elif now or self._clock() - self._told_at >= LINE_SECONDS:
            self._told_at = self._clock()
            self._reporter.progress(sentence)


def _had(home: Home, text: str, form: WantedForm, view: FetchView) -> ServedModel:
    """What the text stands for, fetched where it is not here; one that cannot run is told before that."""
    from metaclaw_jlab.inspection.answering import (
        check_memory,
        check_place,
        check_runtime,
        serving_memory,
    )
    from metaclaw_jlab.inspection.model_fetch import fetch_model
    from metaclaw_jlab.policies.served_model import resolve

    served = _present(home, text, form)
    if served is None:
        wanted = None if form == "auto" else form
        model = fetch_model(home, text, wanted, begins=view.begins, tell=view.line, report=view.report)
        served = resolve(home, model.name, model.form)
        view.fetched()
    if form not in ("auto", served.form):
        raise UsageError(f"{text} is here as {served.form} only: leave --form out.")
    check_runtime(served.form)
    check_place(served)
    check_memory(served.name, serving_memory(served))
    return served


def _present(home: Home, text: str, form: WantedForm) -> ServedModel | None:
    """What the text stands for, where that is on this machine; None where it has to be fetched."""
    from metaclaw_jlab.policies.catalogue import find
    from metaclaw_jlab.policies.model_request import HUB_ID
    from metaclaw_jlab.policies.served_model import resolve

    on_disk = text.startswith(_PATHS) or Path(text).expanduser().exists()
    if not on_disk and HUB_ID.match(text) and text.lower().endswith(".gguf"):
        return None
    if on_disk and not Path(text).expanduser().exists():
        raise ModelUnusable(f"There is no file or folder {text}.", "Check the path.")
    try:
        served = resolve(home, text, form)
    except ModelUnusable:
        if find(text) is None:
            raise
        return None
    if isinstance(served.place, str):
        return served if form != "gguf" and _in_cache(served.place) else None
    return served


def _in_cache(repository: str) -> bool:
    """Whether the hub's own cache holds the repository: transformers loads it from there."""
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
    snapshots = cache / f"models--{repository.replace('/', '--')}" / "snapshots"
    return any(snapshots.glob("*/*.safetensors"))


def _name(home: Home, served: ServedModel) -> str:
    """As the configuration keeps it: a path whole, since another kernel works in another folder."""
    from metaclaw_jlab.policies.model_store import find_installed

    if not isinstance(served.place, Path):
        return served.name
    here = find_installed(home, served.name, served.form)
    return served.name if here is not None and here.path == served.place else str(served.place)


def _save(config: Path, model: str, form: WantedForm) -> None:
    from metaclaw_jlab.settings.configuration import load, set_value, unset

    set_value(config, "policy.local_model", model)
    if form == "auto" != load(config).settings.policy.local_form:
        unset(config, "policy.local_form")
    elif form != "auto":
        set_value(config, "policy.local_form", form)
    unset(config, "policy.base_url")
    unset(config, "policy.model")


def _told(home: Home, served: ServedModel, endpoint: Endpoint, kept: str) -> str:
    """Who answers from now on, what it can, and the way back."""
    from metaclaw_jlab.inspection.answering import describe, form_in_words, loaded

    served = loaded(home, served, endpoint)
    model = describe(home, served, running=True)
    first = f"{model.name} answers from now on at {endpoint.base_url}, {kept}"
    if model.kind == "embedded":
        return f"{first}. {' '.join(model.abilities)}"
    return "\n".join(
        [
            f"{first}: {form_in_words(served.form)}, from {model.source}.",
            " ".join(model.abilities),
            f"Back: %metaclaw local {EMBEDDED_MODEL}. A stronger one: %metaclaw connect URL.",
        ]
    )


def _parser() -> LineParser:
    parser = LineParser(
        prog="%metaclaw local",
        description=ABOUT,
        epilog=f"examples:\n  {EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("model", nargs="?", default=EMBEDDED_MODEL, help="a short name, a path or a hub id")
    parser.add_argument(
        "--form",
        choices=FORMS,
        default="auto",
        help="gguf (llama.cpp, quicker) or safetensors (torch, where it is trained); auto takes what is here",
    )
    parser.add_argument("--save", action="store_true", help="write it to config.toml")
    return parser

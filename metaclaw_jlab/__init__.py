"""A notebook agent for Jupyter that keeps learning. `dashboard()` shows what it knows; the hooks are Jupyter's. All of
them load late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.jupyter.kernel.widgets.dashboard import Dashboard

__all__ = ["dashboard"]


def dashboard() -> Dashboard:
    """Skills, scores and training as an output of a notebook, with buttons where anywidget is installed.

    Raises MetaclawError where the home cannot be read.
    """
    from metaclaw_jlab.jupyter.kernel.widgets.dashboard import open_dashboard

    return open_dashboard()


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "../labextension", "dest": "metaclaw-jlab"}]


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from metaclaw_jlab.jupyter.server.app import MetaclawApp

    return [{"module": "metaclaw_jlab.jupyter.server.app", "app": MetaclawApp}]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: ``%load_ext metaclaw_jlab``."""
    from metaclaw_jlab.jupyter.kernel.magics import register

    register(shell)

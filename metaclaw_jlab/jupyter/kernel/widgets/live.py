"""The dashboard as a widget: heavy by nature, so that only who finds anywidget imports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

_FOLDER = files(__package__)


class DashboardWidget(anywidget.AnyWidget):
    """What a front end draws. `state` is all that it is sent; `picture` is the class of the output that says the same
    without a kernel."""

    _esm = (_FOLDER / "dashboard.js").read_text(encoding="utf-8")
    _css = (_FOLDER / "dashboard.css").read_text(encoding="utf-8")
    state = traitlets.Dict().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)


def widget(
    state: Mapping[str, object], picture: str, on_asked: Callable[[Mapping[str, object]], None]
) -> DashboardWidget:
    """A widget that shows this; `on_asked` gets what its buttons want."""
    made = DashboardWidget(state=dict(state), picture=picture)

    def hear(_widget: object, content: Any, _buffers: object) -> None:
        if isinstance(content, Mapping):
            on_asked(content)

    made.on_msg(hear)
    return made

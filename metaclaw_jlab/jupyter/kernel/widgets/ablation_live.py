"""The ablation widget: heavy by nature, so that only who finds anywidget imports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from metaclaw_jlab.jupyter.kernel.widgets.page_code import page_code, page_text


class AblationWidget(anywidget.AnyWidget):
    """What a front end draws. What is large has a trait of its own, so that it is sent only when it has changed:
    `choices` what a plan can be made of, `grid` the tasks, `pair` what the arms did at one of them. `picture` is the
    class of the output that says the same without a kernel."""

    _esm = page_code("ablation")
    _css = page_text("ablation.css")
    choices = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    grid = traitlets.Dict().tag(sync=True)
    pair = traitlets.Dict().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)


def widget(
    choices: Mapping[str, object],
    state: Mapping[str, object],
    picture: str,
    on_asked: Callable[[Mapping[str, object]], None],
) -> AblationWidget:
    """A widget that shows this; `on_asked` gets what its buttons want."""
    made = AblationWidget(choices=dict(choices), state=dict(state), grid={}, pair={}, picture=picture)

    def hear(_widget: object, content: Any, _buffers: object) -> None:
        if isinstance(content, Mapping):
            on_asked(content)

    made.on_msg(hear)
    return made

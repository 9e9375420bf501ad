"""The user's leave to keep what tasks start from: asked once, given and taken back with `%metaclaw learn starts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclaw_jlab.inspection.lines import one_line

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.jupyter.kernel.start_state import Captured

SETTING = "training.keep_starts"
ASKED = "starts.asked"
_NAMES = 60  # characters


def question(captured: Captured, workspace: Workspace) -> str:
    """What a task would have had kept, where, and how to say yes or no; "" where that was asked before, ever."""
    from metaclaw_jlab.store.events import Events

    events = Events(workspace.database())
    if events.seen(ASKED):
        return ""
    events.append(ASKED)
    named = one_line(", ".join(captured.named), _NAMES)
    return (
        f"MetaClaw: may it keep what such a task starts from (here {named}), on this machine in {workspace.home.path}, "
        "so that your local policy can be trained on it? %metaclaw learn starts on, or off; this is asked once"
    )


def switch(workspace: Workspace, wanted: str | None) -> str:
    """Switch it on or off in config.toml, or say how it is. Raises ConfigError."""
    from metaclaw_jlab.settings.configuration import set_value

    if wanted is None:
        kept = workspace.settings().training.keep_starts
        asked = "" if kept is not None else " (nobody has said yet: %metaclaw learn starts on, or off)"
        return f"What tasks start from is {'kept' if kept else 'not kept'}{asked}."
    set_value(workspace.home.config, SETTING, "true" if wanted == "on" else "false")
    workspace.overrides.pop(SETTING, None)
    training = workspace.settings().training
    if wanted == "off":
        return "What tasks start from is no longer kept, saved to config.toml. What was kept stays with its task."
    return (
        "From the next task on the objects and files that a task names are kept, "
        f"up to {training.start_mb:g} MB a task, in {workspace.home.path}, saved to config.toml."
    )

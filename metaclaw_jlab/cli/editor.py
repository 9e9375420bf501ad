"""A skill in the user's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import MetaclawError, UsageMistake
from metaclaw_jlab.inspection.skill_changes import adopt_edit, editable

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace


def edit_skill(workspace: Workspace, name: str) -> dict[str, object]:
    """Open the skill's file in $VISUAL or $EDITOR, wait for its end, and make a generation of what was changed.

    Raises NotFound, UsageMistake without an editor, MetaclawError where it fails, SkillInvalid.
    """
    file = editable(workspace, name)
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        words = shlex.split(wanted)
    except ValueError as error:
        raise UsageMistake(f"The editor {wanted!r} cannot be read: {error}.", "Set $EDITOR anew.") from None
    if not words:
        raise UsageMistake(
            "No editor is set.", f"Set $EDITOR; or edit {file.path}: the next prompt has what it says."
        )
    try:
        ended = subprocess.run([*words, str(file.path)], check=False)
    except OSError as error:
        raise UsageMistake(
            f"{words[0]} cannot be started: {error.strerror}.", "Set $EDITOR to another."
        ) from None
    if ended.returncode != 0:
        raise MetaclawError(
            f"The editor ended with {ended.returncode}.", f"What it wrote is in {file.path}, in use or not."
        )
    return {"done": adopt_edit(workspace, file)}

"""Reads a policy's reply: the code to run, and whether the policy says that the task is then finished."""

from __future__ import annotations

import re
from dataclasses import dataclass

DONE = "Done."
_FENCE = re.compile(r"^(?P<ticks>`{3,}|~{3,})[ \t]*(?P<language>[\w+.-]*)[^\n]*\n", re.MULTILINE)
_PYTHON = {"", "python", "py", "python3", "ipython"}


@dataclass(frozen=True, slots=True)
class Reply:
    """`action` is "" where the reply has no code, `foreign` where its blocks are of other languages alone; `done`
    where the policy says that nothing follows."""

    action: str
    done: bool
    foreign: bool = False


def parse_reply(text: str) -> Reply:
    """The first Python block of a reply. A block that the reply cuts off is taken as far as it goes."""
    position = 0
    while opening := _FENCE.search(text, position):
        closing = re.compile(rf"^{re.escape(opening['ticks'])}[ \t]*$", re.MULTILINE).search(
            text, opening.end()
        )
        end = closing.start() if closing else len(text)
        position = closing.end() if closing else len(text)
        if opening["language"].lower() in _PYTHON:
            action = text[opening.end() : end].strip("\n")
            if action.strip():
                return Reply(action, bool(closing) and _says_done(text[position:]))
    return Reply("", True, foreign=position > 0)


def render_reply(action: str, *, done: bool) -> str:
    """The reply that `parse_reply` reads back as this action."""
    return f"```python\n{action}\n```" + (f"\n{DONE}" if done else "")


def _says_done(rest: str) -> bool:
    return any(line.strip().strip("*`").rstrip(".!").lower() == "done" for line in rest.splitlines())

"""The names of namespaces: a client or a project with a library and a query set of its own."""

from __future__ import annotations

import re

from metaclaw_jlab.core.errors import UsageMistake

PATTERN = r"^([a-z0-9]+(-[a-z0-9]+)*)?$"  # the empty one is the home itself
LONGEST = 64


def checked(name: str) -> str:
    """The name, fit for a folder. Raises UsageMistake."""
    if len(name) > LONGEST or not re.fullmatch(PATTERN.removesuffix("$"), name):
        raise UsageMistake(
            f"{name[: LONGEST + 1]!r} cannot be the name of a namespace.",
            f"Use lower-case letters, digits and single hyphens, at most {LONGEST}.",
        )
    return name

"""What of an ablation may leave the house: numbers, ids, names; no folders of its computer, no secrets, no prompts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from metaclaw_jlab.core.ablation import Attempt

# A folder's name says whose computer it was; a file's own name may stay. A slash behind a letter, a dot or another
# slash is part of a relative path or of a URL.
_NAME = r"[^\s'\"<>|:;,()/\\]"
_PATH = re.compile(rf"(?<![\w/\\.~])(?:file://|~|[A-Za-z]:)?(?:/|\\\\?)(?:{_NAME}+(?:/|\\\\?))+({_NAME}*)")


def public_name(text: str) -> str:
    """The text with every absolute path cut to its last name: an id stays the same wherever it stands."""
    return _PATH.sub(lambda match: match.group(1) or "folder", text)


def public(value: Any) -> Any:
    """The value with its texts as they may be shown to anybody."""
    from metaclaw_jlab.redaction.text import redact

    if isinstance(value, str):
        return redact(public_name(value)).text
    if isinstance(value, Mapping):
        return {key: public(item) for key, item in value.items()}
    return [public(item) for item in value] if isinstance(value, list | tuple) else value


def public_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as it may lie in a notebook for others: how many attempts failed, and not in which words of the policy
    or of the task's own code."""
    found: dict[str, Any] = public(report)
    for arm in found["arms"].values():
        arm["failures"]["example"] = None
    return found


def public_attempt(attempt: Attempt) -> Attempt:
    """The attempt without what it says of the computer: ids and groups of a user's own tasks may name files."""
    return replace(
        attempt,
        task=public_name(attempt.task),
        group=public_name(attempt.group),
        failure=None,
        trace=None,
    )

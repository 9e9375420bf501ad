"""Why a policy server refused to serve, in its own sentence: what it leaves for whoever started it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from metaclaw_jlab.core.errors import MetaclawError, ModelUnusable, ServerStartFailed
from metaclaw_jlab.runtime.home import Home, replace_private


def refusal_file(home: Home) -> Path:
    """Where it lies, from a start that was refused to the next one."""
    return home.runtime / "policy.refused.json"


def leave_refusal(home: Home, error: MetaclawError) -> None:
    """Called by the server at its end. A home that is gone gets none."""
    told = {
        "unusable": isinstance(error, ModelUnusable),
        "cause": error.cause,
        "next_step": error.next_step,
    }
    with suppress(OSError):
        replace_private(refusal_file(home), json.dumps(told))


def forget_refusal(home: Home) -> None:
    """Called before a start."""
    refusal_file(home).unlink(missing_ok=True)


def refusal(home: Home) -> MetaclawError | None:
    """ModelUnusable or ServerStartFailed as the server told it, None where it ended without a word."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(refusal_file(home).read_text(encoding="utf-8"))
        kind = ModelUnusable if told["unusable"] else ServerStartFailed
        return kind(str(told["cause"]), str(told["next_step"]))
    return None

"""What a request to the proxy asks for: its body, and what its headers and its client want of the proxy itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.core.exchange import MAIN, SIDE
from metaclaw_jlab.jupyter.server.proxy.identity import Client

SESSION_CHARS = 200
STAGE_CHARS = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request and its client want: skills, learning, and what its headers say of its session and of the stage of
    a pipeline that it belongs to."""

    skills: bool
    learn: bool
    session: str | None = None
    kind: str = MAIN
    done: bool = False
    stage: str = ""


def read_body(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises RequestInvalid."""
    try:
        body = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise RequestInvalid(f"The body is not JSON: {why}.", "Send a JSON object.") from error
    if not isinstance(body, dict):
        raise RequestInvalid("The body is not a JSON object.", "Send one with model and messages.")
    return body


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def wanted_by(headers: Mapping[str, str], client: Client, *, skills: bool, learn: bool) -> Wanted:
    """What holds for a request: the client's own settings before the configuration's (`skills`, `learn`), and its
    headers before both; a header can turn learning off, never on. Raises RequestInvalid."""
    skills = skills if client.skills is None else client.skills
    said = _switch(headers, "X-MetaClaw-Skills")
    learn = learn if client.learn is None else client.learn
    kind = headers.get("X-Turn-Type", MAIN).strip().lower()
    if kind not in (MAIN, SIDE):
        raise RequestInvalid(f"X-Turn-Type is {kind[:40]!r}.", f"Send {MAIN} or {SIDE}, or leave it out.")
    session = headers.get("X-Session-Id", "").strip() or None
    if session is not None and len(session) > SESSION_CHARS:
        raise RequestInvalid(
            "X-Session-Id is too long.", f"Send at most {SESSION_CHARS} characters, or leave it out."
        )
    return Wanted(
        skills if said is None else said,
        learn and _switch(headers, "X-MetaClaw-Learn") is not False,
        session,
        kind,
        _switch(headers, "X-Session-Done") is True,
        _stage(headers),
    )


def _stage(headers: Mapping[str, str]) -> str:
    """The stage that the client names, on one line."""
    stage = " ".join(headers.get("X-AutoRC-Stage", "").split())
    if len(stage) > STAGE_CHARS:
        raise RequestInvalid(
            "X-AutoRC-Stage is too long.", f"Send at most {STAGE_CHARS} characters, or leave it out."
        )
    return stage


def _switch(headers: Mapping[str, str], name: str) -> bool | None:
    said = headers.get(name, "").strip().lower()
    if not said:
        return None
    if said in ("off", "false", "0", "no"):
        return False
    if said in ("on", "true", "1", "yes"):
        return True
    raise RequestInvalid(f"{name} is {said[:40]!r}.", "Send on or off, or leave it out.")

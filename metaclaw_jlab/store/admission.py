"""How a trajectory becomes query, and which of them are held out for the gates."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, func, insert, select, update

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.schema import generations, trajectories
from metaclaw_jlab.store.training_schema import starts, task_shares
from metaclaw_jlab.store.trigger_sql import LEARNABLE_PURPOSES

HELD_OUT_SHARE = 0.2
NO_START = "What it started from was not kept."

_TABLE = trajectories.c
_ADMISSION = select(
    _TABLE.role,
    _TABLE.stop,
    _TABLE.learn,
    _TABLE.purpose.in_(LEARNABLE_PURPOSES).label("learnable"),
    _TABLE.skill_generation,
    _TABLE.notebook,
    _TABLE.cell_id,
    _TABLE.task,
    select(func.max(generations.c.number)).scalar_subquery().label("current"),
    exists().where(starts.c.trajectory == _TABLE.id).label("has_start"),
).where(_TABLE.id == bindparam("key"))

_QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|`[^`]*`|“[^”]*”|‘[^’]*’|«[^»]*»")
_DIGITS = re.compile(r"\d+")


def admit(connection: Connection, trajectory_id: str, held_out_share: float = HELD_OUT_SHARE) -> bool:
    """Make it query, where it may be; else False, and `role_reason` says why not. Raises NotFound."""
    row = connection.execute(_ADMISSION, {"key": trajectory_id}).first()
    if row is None:
        raise NotFound(f"There is no trajectory {trajectory_id!r}.", "%metaclaw why names the last one.")
    if row.role != Role.NEITHER.value:
        return bool(row.role == Role.QUERY.value)
    refusal = _refusal(row)
    values: dict[str, object] = {"role_reason": refusal}
    if not refusal:
        values |= {"role": Role.QUERY.value, "held_out": _held_out(connection, row, held_out_share)}
    connection.execute(update(trajectories).where(_TABLE.id == trajectory_id).values(**values))
    return not refusal


def masked(text: str) -> str:
    """A task's text in the form in which near-duplicates are the same: without quoted names and digits."""
    normal = " ".join(text.split()).casefold()
    return _DIGITS.sub("0", _QUOTED.sub('""', normal))


def _refusal(row: Row[Any]) -> str:
    """Why a trajectory of no role may not become query; "" where it may."""
    if row.stop is None:
        return "It has not ended."
    if not row.learn:
        return "Learning is off in its notebook."
    if not row.learnable:
        return "It only measures: it was run to compare, not to learn from."
    if row.skill_generation != row.current:
        return f"It ran under skill generation {row.skill_generation}; the current one is {row.current}."
    return "" if row.has_start else NO_START


def _held_out(connection: Connection, row: Row[Any], share: float) -> int:
    """Where the first task of this text went, else the first of this place; a hash decides on the first."""
    text = _hash("text", masked(encoding.task_text(row.task)))
    place = text if row.cell_id is None else _hash("place", row.notebook or "", row.cell_id)
    known = select(task_shares).where(task_shares.c.sha256.in_({text, place}))
    went = {found.sha256: found.held_out for found in connection.execute(known)}
    decided: int = went.get(text, went.get(place, int(int(place[:16], 16) < share * 2**64)))
    for new in {text, place} - went.keys():
        connection.execute(insert(task_shares).values(sha256=new, held_out=decided))
    return decided


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode(errors="surrogatepass")).hexdigest()

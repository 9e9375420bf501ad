"""Filling the query set: the fast loop settles, older tasks are attempted again, what may be query is admitted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from metaclaw_jlab.core.errors import EvolverError, LeaseHeld, PolicyError
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.learning.admission import admit_settled
from metaclaw_jlab.learning.reattempts import Reattempts, attempt_again
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.query import Query

MOST_ATTEMPTS = 400
_ROUNDS = 3  # attempts that fail may evolve the library, which outdates the attempts
_PASSES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """What filling works with. `settle` is one pass of the fast loop, true while it finds something to do;
    `reattempts` is asked anew each round, because the library may have changed; `on_attempted` gets pairs of an older
    trajectory and its new attempt."""

    database: Database
    held_out_share: float
    generation: Callable[[], int]
    settle: Callable[[], bool]
    rooms: Callable[[], AbstractContextManager[Rooms]]
    reattempts: Callable[[Rooms], Reattempts]
    on_attempted: Callable[[tuple[tuple[str, str], ...]], None] = field(default=lambda _: None)


def collect(collecting: Collecting, on_attempt: Callable[[int, int], None] = lambda _done, _of: None) -> int:
    """Fill the query set of the current generation; how many were admitted in the end."""
    query = Query(collecting.database, held_out_share=collecting.held_out_share)
    for _ in range(_ROUNDS):
        _settle(collecting)
        before = collecting.generation()
        older = query.older(MOST_ATTEMPTS)
        if older:
            with collecting.rooms() as rooms:
                made = attempt_again(older, collecting.reattempts(rooms), on_attempt)
            collecting.on_attempted(made)
            _settle(collecting)
        if collecting.generation() == before:
            break
    return admit_settled(collecting.database, None)


def _settle(collecting: Collecting) -> None:
    """Let the fast loop decide on every failure that it can; one that fails leaves them waiting."""
    try:
        for _ in range(_PASSES):
            if not collecting.settle():
                return
    except (PolicyError, EvolverError, LeaseHeld):
        return

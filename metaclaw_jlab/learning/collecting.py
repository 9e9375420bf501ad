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
    trajectory and its new attempt, of which a round makes `most`; `admit_more` takes in what is not the user's own, and
    says how many."""

    database: Database
    held_out_share: float
    generation: Callable[[], int]
    settle: Callable[[], bool]
    rooms: Callable[[], AbstractContextManager[Rooms]]
    reattempts: Callable[[Rooms], Reattempts]
    admit_more: Callable[[], int] = field(default=lambda: 0)
    on_attempted: Callable[[tuple[tuple[str, str], ...]], None] = field(default=lambda _: None)
    most: int = MOST_ATTEMPTS


def collect(collecting: Collecting, on_attempt: Callable[[int, int], None] = lambda _done, _of: None) -> int:
    """Fill the query set of the current generation; how many were admitted in the end."""
    database, share = collecting.database, collecting.held_out_share
    query = Query(database, held_out_share=share)
    admitted = 0
    for left in reversed(range(_ROUNDS)):
        _settle(collecting)
        before = collecting.generation()
        made: tuple[tuple[str, str], ...] = ()
        if older := query.older(collecting.most):
            with collecting.rooms() as rooms:
                made = attempt_again(older, collecting.reattempts(rooms), on_attempt)
            collecting.on_attempted(made)
        if not left:
            # One skill more would outdate every attempt again: what still fails is for the weights to mend.
            admitted = admit_settled(database, [new for _, new in made], pending=True, held_out_share=share)
            break
        _settle(collecting)
        if collecting.generation() == before:
            break
    return admitted + admit_settled(database, None, held_out_share=share) + collecting.admit_more()


def _settle(collecting: Collecting) -> None:
    """Let the fast loop decide on every failure that it can; one that fails leaves them waiting."""
    try:
        for _ in range(_PASSES):
            if not collecting.settle():
                return
    except (PolicyError, EvolverError, LeaseHeld):
        return

"""What a home makes of the failures of a stream: the inner loop as it is, with replays of practice tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.replay import Replayer
from metaclaw_jlab.learning.credit import verify_uses
from metaclaw_jlab.learning.inner_loop import evolve_once
from metaclaw_jlab.learning.rewording import reword

VERIFIED = 8  # uses that are looked at after each round of a stream
_VERIFY_SECONDS = 30.0
_MOST_PASSES = 20


class Learner(Protocol):
    """What learns from a stream, in a home of its own."""

    @property
    def workspace(self) -> Workspace:
        """That home."""


def learn_from(
    stream: Learner,
    replayer: Replayer | None,
    *,
    verified: int = VERIFIED,
    on_notice: Callable[[str], None] = lambda _: None,
) -> None:
    """Take up every pending failure, decide wordings that were left over, and look at what skills did; the latter two
    need a replayer.

    Raises PolicyError and EvolverError where the evolver fails.
    """
    loop = stream.workspace.inner_loop(replayer=replayer, on_notice=on_notice)
    for _ in range(_MOST_PASSES):
        if evolve_once(loop).idle:
            break
    reword(loop)
    if verified and replayer is not None:
        verify_uses(stream.workspace.database(), replayer, limit=verified, seconds=_VERIFY_SECONDS)

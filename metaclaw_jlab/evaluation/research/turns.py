"""The turns that a run's model calls left in its arm's home: of which stage, what they cost, which skills they had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.evaluation.research.stages import Execution

if TYPE_CHECKING:
    from metaclaw_jlab.core.trajectory import Trajectory
    from metaclaw_jlab.store.database import Database

APART_SECONDS = 5.0  # a call that far from every execution of a stage belongs to none
HEADER, TIME = "header", "time"


@dataclass(frozen=True, slots=True)
class StageTurn:
    """A turn. `stage` is "" where nothing tells it; `told_by` header or time, "" likewise."""

    id: str
    at: float
    stage: str
    told_by: str
    skills: tuple[str, ...]
    generation: int
    calls: int
    prompt_tokens: int
    completion_tokens: int


def read_turns(
    database: Database, clients: Sequence[str], executions: Sequence[Execution]
) -> tuple[StageTurn, ...]:
    """The turns of these clients (ids of keys), the oldest first. Their stage is what their header said, else the one
    that was carried out when they were asked. Raises StoreError."""
    from sqlalchemy import select

    from metaclaw_jlab.store.host_schema import turns
    from metaclaw_jlab.store.schema import trajectories
    from metaclaw_jlab.store.trajectories import Trajectories

    query = (
        select(trajectories.c.id)
        .join(turns, turns.c.trajectory == trajectories.c.id)
        .where(turns.c.client.in_(tuple(clients)))
        .order_by(trajectories.c.number)
    )
    with database.read() as connection:
        ids = tuple(connection.execute(query).scalars())
    store = Trajectories(database)
    return tuple(_turn(store.get(one), executions) for one in ids)


def stage_at(at: float, executions: Iterable[Execution]) -> str:
    """The stage that was carried out at this time, "" where none was near. When a stage ended is known to the second:
    where two come into question, it is the one whose middle is nearest."""
    nearest: tuple[float, float, str] | None = None
    for one in executions:
        end = one.ended_at + 0.5
        begin = end - one.seconds
        apart = max(begin - at, at - end, 0.0)
        found = (round(apart, 1), abs(at - (begin + end) / 2), one.name)
        if apart <= APART_SECONDS and (nearest is None or found < nearest):
            nearest = found
    return nearest[2] if nearest is not None else ""


def skills_by_stage(turns: Iterable[StageTurn]) -> dict[str, dict[str, int]]:
    """In how many turns of each stage each skill was in the prompt."""
    counts: dict[str, Counter[str]] = {}
    for turn in turns:
        counts.setdefault(turn.stage or "?", Counter()).update(turn.skills)
    return {stage: dict(sorted(found.items())) for stage, found in counts.items() if found}


def cost_of(turns: Sequence[StageTurn]) -> Mapping[str, int]:
    """What the model calls of turns came to."""
    return {
        "calls": sum(turn.calls for turn in turns),
        "prompt_tokens": sum(turn.prompt_tokens for turn in turns),
        "completion_tokens": sum(turn.completion_tokens for turn in turns),
    }


def _turn(trajectory: Trajectory, executions: Sequence[Execution]) -> StageTurn:
    from metaclaw_jlab.learning.turn_keeping import STAGE

    said = next((one.text for one in trajectory.task.references if one.name == STAGE), "")
    # Its header may give the number too, or another spelling of the name.
    stage = said.strip().lower().replace("-", "_").replace(" ", "_").lstrip("0123456789_")
    by_time = "" if stage else stage_at(trajectory.created_at, executions)
    return StageTurn(
        trajectory.id,
        trajectory.created_at,
        stage or by_time,
        HEADER if stage else (TIME if by_time else ""),
        tuple(skill.name for skill in trajectory.stamp.skills),
        trajectory.stamp.skill_generation,
        len(trajectory.steps),
        sum(step.usage.prompt_tokens for step in trajectory.steps),
        sum(step.usage.completion_tokens for step in trajectory.steps),
    )

"""Pages of tasks, the newest first: what a list shows of a trajectory, without its steps."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from metaclaw_jlab.core.score import Scoring
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import Exact, trajectories

_SHOWN = tuple(
    trajectories.c[name]
    for name in (
        "number",
        "id",
        "notebook",
        "cell_id",
        "task",
        "skill_generation",
        "model",
        "adapter",
        "purpose",
        "created_at",
        "role",
        "stop",
        "seconds",
        "score",
    )
)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A trajectory in a list. Numbers grow in the order in which tasks began; `stop` is None while it is open."""

    number: int
    id: str
    text: str
    notebook: str | None
    cell_id: str | None
    skill_generation: int
    model: str
    adapter: int | None
    purpose: str
    role: str
    stop: str | None
    score: Scoring | None
    created_at: float
    seconds: float


def page_of_tasks(
    database: Database, limit: int, *, before: int | None = None, notebook: str | None = None
) -> tuple[TaskRow, ...]:
    """At most `limit` tasks, the newest first: those with numbers under `before`, and of one notebook, where given."""
    query = select(*_SHOWN).order_by(trajectories.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(trajectories.c.number < before)
    if notebook is not None:
        query = query.where(func.coalesce(trajectories.c.notebook, "", type_=Exact) == notebook)
    with database.read() as connection:
        rows = connection.execute(query).all()
    return tuple(
        TaskRow(
            number=row.number,
            id=row.id,
            text=encoding.task_text(row.task),
            notebook=row.notebook,
            cell_id=row.cell_id,
            skill_generation=row.skill_generation,
            model=row.model,
            adapter=row.adapter,
            purpose=row.purpose,
            role=row.role,
            stop=row.stop,
            score=encoding.load_score(row.score),
            created_at=row.created_at,
            seconds=row.seconds,
        )
        for row in rows
    )

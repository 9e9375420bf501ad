"""Pages of tasks, the newest first: what a list shows of a trajectory, and the marks of its steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, ScalarSelect, Select, func, or_, select, text, union_all

from metaclaw_jlab.core.score import Score, ScoreSource, Scoring
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import UNTEACHING, steps, trajectories, uses

_SHOWN = tuple(
    trajectories.c[name]
    for name in (
        "number",
        "id",
        "notebook",
        "cell_id",
        "task",
        "skill_generation",
        "skills",
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
_RAISED = func.coalesce(func.json_type(steps.c.observation, "$.error"), "null") != "null"
_NAMED = text(
    "EXISTS (SELECT 1 FROM json_each(trajectories.skills) WHERE json_extract(value, '$[0]') = :named)"
)


@dataclass(frozen=True, slots=True)
class StepMark:
    """A step in a list: its score, None where nobody scored it, who gave that, and whether its code raised."""

    score: float | None
    source: ScoreSource | None
    error: bool


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A trajectory in a list. Numbers grow in the order in which tasks began; `stop` is None while it is open. `said`
    is the user's word on it, `skills` the names of those in its prompt."""

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
    skills: tuple[str, ...] = ()
    steps: tuple[StepMark, ...] = ()
    said: Literal["good", "bad"] | None = None


def page_of_tasks(
    database: Database,
    limit: int,
    *,
    before: int | None = None,
    notebook: str | None = None,
    skill: str | None = None,
    generation: int | None = None,
) -> tuple[TaskRow, ...]:
    """At most `limit` tasks, the newest first: those with numbers under `before`, of one notebook ("" for none), with
    one skill in their prompt, of one skill generation, where given."""
    query = select(*_SHOWN).order_by(trajectories.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(trajectories.c.number < before)
    if generation is not None:
        query = query.where(trajectories.c.skill_generation == generation)
    with database.read() as connection:
        rows = connection.execute(among(query, notebook=notebook, skill=skill)).all()
        marks = _marks(connection, [row.id for row in rows])
    return tuple(_loaded(row, tuple(marks.get(row.id, ()))) for row in rows)


def among(query: Select[Any], *, notebook: str | None, skill: str | None) -> Select[Any]:
    """The query of trajectories, of one notebook ("" for those without one) and with one skill in the prompt, where
    given."""
    if notebook is not None:
        column = trajectories.c.notebook
        query = query.where(column == notebook if notebook else or_(column.is_(None), column == ""))
    return query if skill is None else query.where(trajectories.c.number.in_(_with_skill(skill)))


def step_score(scores: Sequence[Scoring]) -> Score | None:
    """Of the scores of a step the one that counts: the user's word, else the outcome, else the judge's; the last of
    each. None where there is none."""
    found = {score.source: score for score in scores if isinstance(score, Score)}
    order = (ScoreSource.USER, ScoreSource.OUTCOME, ScoreSource.JUDGE)
    return next((found[source] for source in order if source in found), None)


def word_of(score: Scoring | None) -> Literal["good", "bad"] | None:
    """The user's word, where the score of a task is one."""
    if not isinstance(score, Score) or score.source is not ScoreSource.USER:
        return None
    return "good" if score.value > 0 else "bad"


def _with_skill(name: str) -> ScalarSelect[Any]:
    """Numbers of the trajectories that had a skill in their prompt. The uses know those that may teach; the others are
    few, and looked into."""
    others = select(trajectories.c.number).where(text(f"({UNTEACHING})"), _NAMED.bindparams(named=name))
    return union_all(select(uses.c.number).where(uses.c.name == name), others).scalar_subquery()


def _marks(connection: Connection, ids: Sequence[str]) -> dict[str, list[StepMark]]:
    query = (
        select(steps.c.trajectory, steps.c.scores, _RAISED.label("raised"))
        .where(steps.c.trajectory.in_(ids))
        .order_by(steps.c.trajectory, steps.c.position)
    )
    found: dict[str, list[StepMark]] = {}
    for row in connection.execute(query) if ids else ():
        score = step_score(encoding.load_scores(row.scores))
        mark = StepMark(score.value if score else None, score.source if score else None, bool(row.raised))
        found.setdefault(row.trajectory, []).append(mark)
    return found


def _loaded(row: Row[Any], marks: tuple[StepMark, ...]) -> TaskRow:
    score = encoding.load_score(row.score)
    return TaskRow(
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
        score=score,
        created_at=row.created_at,
        seconds=row.seconds,
        skills=tuple(str(injected[0]) for injected in json.loads(row.skills)),
        steps=marks,
        said=word_of(score),
    )

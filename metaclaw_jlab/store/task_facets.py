"""By what a list of tasks can be narrowed: the notebooks, skills and generations that there are, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select, text

from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import UNTEACHING, trajectories, uses

_OTHERS = text(
    "SELECT json_extract(value, '$[0]') AS name, count(*) AS times FROM trajectories, json_each(trajectories.skills)\n"
    f"WHERE ({UNTEACHING}) GROUP BY name"
)


@dataclass(frozen=True, slots=True)
class Named:
    """A notebook ("" for none) or a skill, and how many tasks are of it."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Numbered:
    """A skill generation, and how many tasks ran under it."""

    number: int
    count: int


@dataclass(frozen=True, slots=True)
class TaskFacets:
    """The notebooks and skills with the most tasks, the most first, and the newest generations that have any."""

    notebooks: tuple[Named, ...]
    skills: tuple[Named, ...]
    generations: tuple[Numbered, ...]


def facets_of_tasks(database: Database, most: int) -> TaskFacets:
    """At most `most` of each."""
    times = func.count().label("times")
    notebook = func.coalesce(trajectories.c.notebook, "", type_=trajectories.c.notebook.type).label("name")
    by_notebook = select(notebook, times).group_by(trajectories.c.notebook)
    number = trajectories.c.skill_generation
    by_generation = select(number, times).group_by(number).order_by(number.desc()).limit(most)
    with database.read() as connection:
        notebooks = _added_up(connection.execute(by_notebook).all())
        skills = _added_up(connection.execute(select(uses.c.name, times).group_by(uses.c.name)).all())
        skills.update(_added_up(connection.execute(_OTHERS).all()))
        generations = connection.execute(by_generation).all()
    return TaskFacets(
        _first(notebooks, most),
        _first(skills, most),
        tuple(Numbered(generation, count) for generation, count in generations),
    )


def _added_up(rows: Iterable[Row[Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row.name] += row.times
    return found


def _first(counts: Counter[str], most: int) -> tuple[Named, ...]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Named(name, count) for name, count in ordered[:most])

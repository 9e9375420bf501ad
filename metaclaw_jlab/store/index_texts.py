"""What the index knows of a skill besides itself: masked texts of tasks that it answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, delete, func, select, text, update

from metaclaw_jlab.core.errors import NotFound
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import Exact, counters, index_texts

# A text that is there already stays as it is, with its tally.
ADD_TEXT = text(
    "INSERT INTO index_texts (name, text, trajectory, hits, misses, at)"
    " SELECT :name, :text, :trajectory, 0, 0, :at"
    " WHERE NOT EXISTS (SELECT 1 FROM index_texts WHERE name = :name AND text = :text)"
).bindparams(bindparam("text", type_=Exact))
_VERSION = select(counters.c.value).where(counters.c.name == "index_texts")


@dataclass(frozen=True, slots=True)
class IndexText:
    """A masked task text, the trajectory it is of, and how often finding the skill by it led to help or to none."""

    text: str
    trajectory: str
    hits: int = 0
    misses: int = 0


class IndexTexts:
    """The texts of all skills, whether the current generation has them or not."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def of_all(self, names: Collection[str] | None = None) -> Mapping[str, tuple[IndexText, ...]]:
        """Every text by the name of its skill, the oldest first; of the named skills only, where names are given."""
        query = select(index_texts).order_by(index_texts.c.name, index_texts.c.at, index_texts.c.text)
        if names is not None:
            query = query.where(index_texts.c.name.in_(names))
        found: dict[str, list[IndexText]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.name, []).append(
                    IndexText(row.text, row.trajectory, row.hits, row.misses)
                )
        return {name: tuple(texts) for name, texts in found.items()}

    def count(self, name: str) -> int:
        """How many texts a skill has."""
        query = select(func.count()).select_from(index_texts).where(index_texts.c.name == name)
        with self._database.read() as connection:
            number: int = connection.execute(query).scalar_one()
        return number

    def add(self, name: str, text: str, trajectory: str) -> None:
        """Take up a text; one that is there already stays as it is. Raises InvariantViolation."""
        values = {"name": name, "text": text, "trajectory": trajectory, "at": self._clock()}
        with self._database.write() as connection:
            connection.execute(ADD_TEXT, values)

    def remove(self, name: str, text: str) -> None:
        """Take a text out, where it is there."""
        with self._database.write() as connection:
            connection.execute(delete(index_texts).where(*_is(name, text)))

    def tally(self, name: str, text: str, hit: bool) -> None:
        """Count what finding a skill by this text led to. Raises NotFound."""
        column = index_texts.c.hits if hit else index_texts.c.misses
        with self._database.write() as connection:
            changed = connection.execute(
                update(index_texts).where(*_is(name, text)).values({column: column + 1})
            )
            if changed.rowcount == 0:
                raise NotFound(f"The index has no such text of skill {name!r}.")

    def version(self) -> int:
        """A number that grows whenever a text comes or goes; a tally does not change it."""
        with self._database.read() as connection:
            version: int = connection.execute(_VERSION).scalar_one()
        return version


def _is(name: str, masked: str) -> tuple[ColumnElement[bool], ...]:
    return (index_texts.c.name == name, index_texts.c.text == masked)

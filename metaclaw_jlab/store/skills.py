"""Skills by content hash, and the generations that are made of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from metaclaw_jlab.core.errors import GenerationMoved, InvariantViolation, NotFound, StoreDamaged
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.generation import Cause, SkillGeneration
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.generation_steps import GenerationStep, generation_steps
from metaclaw_jlab.store.index_texts import ADD_TEXT
from metaclaw_jlab.store.schema import generation_members, generations, lineage, skills

_AT_ONCE = 500  # hashes of a query


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a skill was learnt from. `text` is the task's, masked, for the skill's index; "" for none."""

    skill: str
    source: Source
    text: str = ""


class Skills:
    """The skill library of the store. Nothing in it ever changes; it only gets further generations."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def current_generation(self) -> SkillGeneration:
        """The newest generation; number 0 without members in a new store."""
        with self._database.read() as connection:
            return _current(connection)

    def current_number(self) -> int:
        """The number of the newest generation, without its members."""
        with self._database.read() as connection:
            number: int = connection.execute(select(func.max(generations.c.number))).scalar_one()
        return number

    def size(self) -> int:
        """How many skills the current generation has."""
        current = select(func.max(generations.c.number)).scalar_subquery()
        query = select(func.count()).where(generation_members.c.generation == current)
        with self._database.read() as connection:
            number: int = connection.execute(query).scalar_one()
        return number

    def steps(self, first: int, last: int) -> tuple[GenerationStep, ...]:
        """What the generations `first` to `last` changed, in order."""
        return generation_steps(self._database, first, last)

    def hash_of(self, name: str, number: int) -> str | None:
        """The content hash that a skill has in a generation; None where it is not in it."""
        members = generation_members.c
        query = select(members.sha256).where(members.generation == number, members.name == name)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def first_members(self, number: int, limit: int) -> tuple[tuple[str, str], ...]:
        """The first members of a generation by name, each with its content hash."""
        members = generation_members.c
        query = (
            select(members.name, members.sha256)
            .where(members.generation == number)
            .order_by(members.name)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple((name, sha256) for name, sha256 in connection.execute(query))

    def contents(self, hashes: Collection[str]) -> Iterator[tuple[str, str, str, str]]:
        """Hash, name, description and body of the contents with these hashes, in no order; nothing is verified."""
        wanted = sorted(hashes)
        for place in range(0, len(wanted), _AT_ONCE):
            query = select(skills.c.sha256, skills.c.name, skills.c.content).where(
                skills.c.sha256.in_(wanted[place : place + _AT_ONCE])
            )
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            for sha256, name, content in rows:
                value = json.loads(content)
                yield sha256, name, value["description"], value["body"]

    def keep(self, skill: Skill) -> str:
        """Store a content that no generation has, for a skill that is put aside; its hash. Raises StoreError."""
        with self._database.write(durable=True) as connection:
            _store(connection, [skill], self._clock())
        return skill.sha256

    def generation(self, number: int) -> SkillGeneration:
        """A generation by number. Raises NotFound."""
        with self._database.read() as connection:
            row = connection.execute(select(generations).where(generations.c.number == number)).first()
        if row is None:
            raise NotFound(f"There is no skill generation {number}.")
        return _generation(row)

    def generations(self, limit: int) -> tuple[SkillGeneration, ...]:
        """At most `limit` generations, the newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(generations).order_by(generations.c.number.desc()).limit(limit)
            ).all()
        return tuple(_generation(row) for row in rows)

    def commit_generation(
        self,
        cause: Cause,
        members: Sequence[Skill],
        evidence: Sequence[str] = (),
        *,
        parent: int | None = None,
        lessons: Sequence[Lesson] = (),
    ) -> SkillGeneration:
        """Make the next generation, of exactly these skills; its evidence becomes support with it, settled as evolved.

        Each lesson says which support a member came from, and may add a text to its index. Where the members are those
        of the current generation nothing is made, consumed or learnt, and that one is returned. With `parent` the
        change was worked out on that generation: raises GenerationMoved where it is not the current one any more.
        Raises InvariantViolation.
        """
        hashes = dict(sorted((skill.name, skill.sha256) for skill in members))
        if len(hashes) < len(members):
            raise InvariantViolation(
                "Two skills of a generation have the same name.", "Rename or merge them."
            )
        with self._database.write(durable=True) as connection:
            current = _current(connection)
            if parent is not None and parent != current.number:
                raise GenerationMoved(
                    f"The library is at generation {current.number}, not {parent} any more.",
                    "Work the change out again on the current one.",
                )
            if tuple(hashes.items()) == current.members:
                return current
            now = self._clock()
            _store(connection, members, now)
            made = SkillGeneration(
                current.number + 1, current.number, cause, tuple(hashes.items()), tuple(evidence), now
            )
            connection.execute(
                insert(generations).values(
                    number=made.number,
                    parent=made.parent,
                    cause=cause.value,
                    members=encoding.dump(hashes),
                    evidence=encoding.dump(made.evidence),
                    created_at=now,
                )
            )
            _teach(connection, made, lessons)
        return made

    def get_skill(self, sha256: str) -> Skill:
        """A skill by content hash, whether a generation still has it or not. Raises NotFound, StoreDamaged."""
        with self._database.read() as connection:
            row = connection.execute(select(skills).where(skills.c.sha256 == sha256)).first()
        if row is None:
            raise NotFound(f"There is no skill with the content hash {sha256!r}.")
        return _skill(row)

    def members(self, number: int, names: Collection[str] | None = None) -> tuple[Skill, ...]:
        """The skills of a generation, in order of their names; of those named only, where names are given. Raises
        NotFound, StoreDamaged."""
        query = (
            select(skills)
            .join(generation_members, generation_members.c.sha256 == skills.c.sha256)
            .where(generation_members.c.generation == number)
            .order_by(generation_members.c.name)
        )
        if names is not None:
            query = query.where(generation_members.c.name.in_(names))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            self.generation(number)
        return tuple(_skill(row) for row in rows)


def _current(connection: Connection) -> SkillGeneration:
    return _generation(
        connection.execute(select(generations).order_by(generations.c.number.desc()).limit(1)).one()
    )


def _store(connection: Connection, members: Sequence[Skill], now: float) -> None:
    wanted = {skill.sha256: skill for skill in members}
    known = set(
        connection.execute(select(skills.c.sha256).where(skills.c.sha256.in_(list(wanted)))).scalars()
    )
    rows = [
        {"sha256": sha256, "name": skill.name, "content": encoding.dump_skill(skill), "created_at": now}
        for sha256, skill in wanted.items()
        if sha256 not in known
    ]
    if rows:
        connection.execute(insert(skills), rows)


def _teach(connection: Connection, made: SkillGeneration, lessons: Sequence[Lesson]) -> None:
    origins = [
        {
            "generation": made.number,
            "position": position,
            "name": lesson.skill,
            "trajectory": lesson.source.trajectory,
            "said": lesson.source.said,
        }
        for position, lesson in enumerate(lessons)
    ]
    texts = [
        {
            "name": lesson.skill,
            "text": lesson.text,
            "trajectory": lesson.source.trajectory,
            "at": made.created_at,
        }
        for lesson in lessons
        if lesson.text
    ]
    if origins:
        connection.execute(insert(lineage), origins)
    if texts:
        connection.execute(ADD_TEXT, texts)


def _generation(row: Row[Any]) -> SkillGeneration:
    return SkillGeneration(
        number=row.number,
        parent=row.parent,
        cause=Cause(row.cause),
        members=tuple(json.loads(row.members).items()),
        evidence=tuple(json.loads(row.evidence)),
        created_at=row.created_at,
    )


def _skill(row: Row[Any]) -> Skill:
    skill = encoding.load_skill(row.name, row.content)
    if skill.sha256 != row.sha256:
        raise StoreDamaged(
            f"The stored skill {row.name!r} is not what its content hash {row.sha256} says.",
            "Look at the database with: metaclaw doctor.",
        )
    return skill

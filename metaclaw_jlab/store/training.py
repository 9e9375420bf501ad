"""Training runs, and what was reported of their steps."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from metaclaw_jlab.core.errors import GenerationMoved, InvariantViolation, NotFound
from metaclaw_jlab.core.training import RunState, StepReport, TrainingRun
from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import generations
from metaclaw_jlab.store.training_schema import training_runs, training_steps

_LIVE = training_runs.c.state.not_in([state.value for state in RunState if state.over])


class Training:
    """The training runs that ever began. At most one of them is not over."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def begin(
        self,
        *,
        skill_generation: int,
        base: str,
        base_sha256: str,
        seed: int,
        steps: int,
        parent: int | None = None,
    ) -> TrainingRun:
        """Begin a run, which collects first.

        Raises GenerationMoved where that is not the current skill generation, and InvariantViolation where another run
        is not over, or there is no adapter `parent`.
        """
        with self._database.write(durable=True) as connection:
            current = connection.execute(select(func.max(generations.c.number))).scalar_one()
            if skill_generation != current:
                raise GenerationMoved(
                    f"The library is at generation {current}, not {skill_generation}.",
                    "Begin again with the query set of the current one.",
                )
            busy = connection.execute(select(training_runs).where(_LIVE)).first()
            if busy is not None:
                raise InvariantViolation(
                    f"Training run {busy.number} is not over ({busy.state}).", "Go on with it, or abandon it."
                )
            last = connection.execute(select(func.max(training_runs.c.number))).scalar_one()
            now = self._clock()
            row = connection.execute(
                insert(training_runs)
                .values(
                    number=(last or 0) + 1,
                    skill_generation=skill_generation,
                    base=base,
                    base_sha256=base_sha256,
                    seed=seed,
                    steps=steps,
                    state=RunState.COLLECTING.value,
                    reason="",
                    created_at=now,
                    changed_at=now,
                    steps_done=0,
                    prompts=0,
                    parent=parent,
                )
                .returning(training_runs)
            ).one()
        return _run(row)

    def change(
        self,
        number: int,
        state: RunState,
        reason: str,
        *,
        steps_done: int | None = None,
        prompts: int | None = None,
        adapter: int | None = None,
    ) -> TrainingRun:
        """Say where a run stands, and why; what is None stays. Raises InvariantViolation, NotFound.

        It collects, trains, gates and is done; it may pause, be abandoned or fail at any time, and over is for ever.
        """
        given = {"steps_done": steps_done, "prompts": prompts, "adapter": adapter}
        values = {name: value for name, value in given.items() if value is not None}
        change = update(training_runs).where(training_runs.c.number == number)
        change = change.values(state=state.value, reason=reason, changed_at=self._clock(), **values)
        with self._database.write(durable=True) as connection:
            row = connection.execute(change.returning(training_runs)).first()
            if row is None:
                raise _missing(number)
        return _run(row)

    def get(self, number: int) -> TrainingRun:
        """A run by number. Raises NotFound."""
        with self._database.read() as connection:
            row = connection.execute(select(training_runs).where(training_runs.c.number == number)).first()
        if row is None:
            raise _missing(number)
        return _run(row)

    def recent(self, limit: int, before: int | None = None) -> tuple[TrainingRun, ...]:
        """At most `limit` runs, the newest first, of numbers under `before`."""
        query = select(training_runs).order_by(training_runs.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(training_runs.c.number < before)
        with self._database.read() as connection:
            return tuple(_run(row) for row in connection.execute(query))

    def current(self) -> TrainingRun | None:
        """The run that is not over."""
        with self._database.read() as connection:
            row = connection.execute(select(training_runs).where(_LIVE)).first()
        return None if row is None else _run(row)

    def report(self, number: int, report: StepReport) -> None:
        """Keep what a step saw, in place of what was reported of it before a resume. Raises InvariantViolation."""
        text = encoding.dump(asdict(report))
        new = upsert(training_steps).values(run=number, step=report.step, report=text)
        with self._database.write() as connection:
            connection.execute(
                new.on_conflict_do_update(index_elements=["run", "step"], set_={"report": text})
            )

    def reports(self, number: int, after: int = -1) -> tuple[StepReport, ...]:
        """What was reported of the steps of a run that come after step `after`, in order."""
        query = (
            select(training_steps.c.report)
            .where(training_steps.c.run == number, training_steps.c.step > after)
            .order_by(training_steps.c.step)
        )
        with self._database.read() as connection:
            return tuple(StepReport(**json.loads(text)) for text in connection.execute(query).scalars())

    def last_rewards(self, numbers: Sequence[int]) -> dict[int, float]:
        """The reward of the newest step of each of these runs, by number; those without one are left out."""
        last = (
            select(training_steps.c.run, func.max(training_steps.c.step).label("step"))
            .where(training_steps.c.run.in_(numbers))
            .group_by(training_steps.c.run)
            .subquery()
        )
        query = select(training_steps.c.run, training_steps.c.report).join(
            last, (training_steps.c.run == last.c.run) & (training_steps.c.step == last.c.step)
        )
        with self._database.read() as connection:
            return {row.run: json.loads(row.report)["reward"] for row in connection.execute(query)}


def _run(row: Row[Any]) -> TrainingRun:
    return TrainingRun(**(dict(row._mapping) | {"state": RunState(row.state)}))


def _missing(number: int) -> NotFound:
    return NotFound(f"There is no training run {number}.")

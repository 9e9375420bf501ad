"""The pulse of a home: a few numbers that move when something has happened in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

if TYPE_CHECKING:
    from metaclaw_jlab.store.database import Database


@dataclass(frozen=True, slots=True)
class Pulse:
    """Numbers of the newest task, skill generation, training run and window, 0 where there is none; how many tasks are
    open; the steps done by that run; the version that serves, 0 for the base."""

    task: int
    open_tasks: int
    generation: int
    run: int
    run_step: int
    adapter: int
    window: int


def pulse(database: Database) -> Pulse:
    """The numbers as they are. Raises StoreError."""
    from metaclaw_jlab.store.host_schema import windows
    from metaclaw_jlab.store.schema import generations, trajectories
    from metaclaw_jlab.store.serving import Serving
    from metaclaw_jlab.store.training_schema import training_runs

    run = select(training_runs.c.number, training_runs.c.steps_done).order_by(training_runs.c.number.desc())
    with database.read() as connection:
        task, generation, window = (
            connection.execute(select(func.max(column))).scalar_one() or 0
            for column in (trajectories.c.number, generations.c.number, windows.c.number)
        )
        waiting = connection.execute(select(func.count()).where(trajectories.c.stop.is_(None))).scalar_one()
        newest = connection.execute(run.limit(1)).first()
    return Pulse(
        task=task,
        open_tasks=waiting,
        generation=generation,
        run=newest.number if newest is not None else 0,
        run_step=newest.steps_done if newest is not None else 0,
        adapter=Serving(database).current() or 0,
        window=window,
    )

"""What is set for one notebook: whether its tasks may teach."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.schema import notebooks


class Notebooks:
    """The notebooks that somebody has set something for."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def set_learn(self, notebook: str, on: bool) -> None:
        """Switch learning on or off for the tasks that begin from now on in a notebook."""
        values = {"learn": int(on), "at": self._clock()}
        new = insert(notebooks).values(notebook=notebook, **values)
        with self._database.write(durable=True) as connection:
            connection.execute(new.on_conflict_do_update(index_elements=["notebook"], set_=values))

    def learn(self, notebook: str) -> bool | None:
        """The switch of a notebook; None where nobody has set it."""
        query = select(notebooks.c.learn).where(notebooks.c.notebook == notebook)
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else bool(found)

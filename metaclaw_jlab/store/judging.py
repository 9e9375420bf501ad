"""Whether a judge may be used for training, as it was tested last."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, insert, select

from metaclaw_jlab.store import encoding
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.training_schema import judge_tests


@dataclass(frozen=True, slots=True)
class JudgeTest:
    """What testing a judge showed. `auc` is against outcomes, None where there were too few; `reason` says in a
    sentence why it may be used or not; `canaries_failed` are the names of those that it let through."""

    model: str
    usable: bool
    auc: float | None
    canaries_failed: tuple[str, ...]
    reason: str
    at: float


class Judging:
    """The tests of judges; each is kept."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def record(
        self,
        judge_model: str,
        usable: bool,
        auc: float | None,
        canaries_failed: tuple[str, ...],
        reason: str,
    ) -> None:
        """Keep what a test of a judge showed."""
        with self._database.write() as connection:
            last = connection.execute(select(func.max(judge_tests.c.number))).scalar_one()
            connection.execute(
                insert(judge_tests).values(
                    number=(last or 0) + 1,
                    model=judge_model,
                    usable=int(usable),
                    auc=auc,
                    canaries_failed=encoding.dump(canaries_failed),
                    reason=reason,
                    at=self._clock(),
                )
            )

    def latest(self, judge_model: str | None = None) -> JudgeTest | None:
        """The last test of a judge; of any where no model is named."""
        query = select(judge_tests).order_by(judge_tests.c.number.desc()).limit(1)
        if judge_model is not None:
            query = query.where(judge_tests.c.model == judge_model)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        failed = tuple(json.loads(row.canaries_failed))
        return JudgeTest(row.model, bool(row.usable), row.auc, failed, row.reason, row.at)

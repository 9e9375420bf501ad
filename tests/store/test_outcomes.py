from metaclaw_jlab.core.task import CheckResult
from metaclaw_jlab.core.trajectory import Purpose, Stamp, StopReason
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.outcomes import Outcomes
from metaclaw_jlab.store.serving import Serving, ServingCause
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import TASK, ended, opened, promoted


def user_task(database: Database, adapter: int | None, *passed: bool, **changes: object) -> None:
    checks = tuple(CheckResult(TASK.checks[0], one) for one in passed)
    stamp = Stamp(0, (), "m", adapter)
    Trajectories(database).record(ended(stamp=stamp, checks=checks, **changes))  # type: ignore[arg-type]


def test_outcomes_come_in_order_with_their_adapter(database: Database) -> None:
    user_task(database, None, True)
    user_task(database, 1, True, False)
    user_task(database, 1, True, True, stop=StopReason.OUT_OF_STEPS)
    assert Outcomes(database).by_adapter() == ((None, True), (1, False), (1, True))


def test_only_checked_tasks_of_the_user_that_have_ended_count(database: Database) -> None:
    user_task(database, 1)
    user_task(database, 1, True, purpose=Purpose.RETRY)
    user_task(database, 1, True, purpose=Purpose.GATE)
    user_task(database, 1, True, learn=False)
    Trajectories(database).begin(opened())
    assert Outcomes(database).by_adapter() == ()


def test_those_since_the_newest_promotion_count(database: Database) -> None:
    serving = Serving(database)
    user_task(database, None, True)
    serving.put(promoted(database), ServingCause.PROMOTE, "")
    user_task(database, 1, False)
    serving.put(None, ServingCause.ROLLBACK, "")
    user_task(database, None, False)
    assert Outcomes(database).by_adapter() == ((1, False), (None, False))
    assert Outcomes(database).by_adapter(since=0) == ((None, True), (1, False), (None, False))
    assert Outcomes(database).by_adapter(since=2) == ((None, False),)

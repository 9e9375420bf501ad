"""Records for the tests of the store."""

from collections.abc import Callable
from dataclasses import replace

from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.trajectory import Observation, Stamp, Step, StopReason, Trajectory, new_trajectory_id
from metaclaw_jlab.store.database import Database

Attack = Callable[[str], None]  # runs a statement that has to be refused

TASK = Task("Count the rows", checks=(Check(CheckKind.FILE, "out.csv"),), origin=Origin("a.ipynb", "c1"))


def opened(id: str | None = None, **changes: object) -> Trajectory:  # noqa: A002
    trajectory = Trajectory(id or new_trajectory_id(), TASK, Stamp(0, (), "tiny"), created_at=1.0)
    return replace(trajectory, **changes)  # type: ignore[arg-type]


def ended(id: str | None = None, **changes: object) -> Trajectory:  # noqa: A002
    failed = CheckResult(TASK.checks[0], False, "There is no out.csv.")
    return opened(
        id,
        **{
            "stop": StopReason.CHECK_FAILED,
            "checks": (failed,),
            "score": Score(-0.8, ScoreSource.OUTCOME, "a check failed"),
            "seconds": 2.5,
            **changes,
        },
    )


def step(index: int, *, observed: bool = True) -> Step:
    messages = [Message("system", "Be terse."), Message("user", "Count the rows")]
    for earlier in range(index):
        messages += [Message("assistant", f"reply {earlier}"), Message("user", f"output {earlier}")]
    return Step(
        index,
        tuple(messages),
        f"reply {index}",
        f"len(df) + {index}",
        Observation(stdout=f"output {index}", seconds=0.1) if observed else None,
        usage=Usage(100, 10),
        policy_seconds=0.25,
    )


def skill(name: str, body: str = "Do it.") -> Skill:
    return Skill(name, "Says how.", body)


def dump(database: Database, *tables: str) -> list[object]:
    with database.read() as connection:
        return [
            tuple(row) for table in tables for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        ]

"""Records for the tests of the store."""

from collections.abc import Callable
from dataclasses import replace

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.estimate import Interval
from metaclaw_jlab.core.gate import Comparison, GateReport, Verdict
from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.training import TrainingRun
from metaclaw_jlab.core.trajectory import Observation, Stamp, Step, StopReason, Trajectory, new_trajectory_id
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.trajectories import Trajectories

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


START = StartState(files={"in.csv": b"a,b"}, objects={"df": b"pickled"})


def queried(
    database: Database, trajectory: Trajectory, *, held_out: bool = False, start: StartState = START
) -> str:
    """Record it, keep its start and admit it, on the side that is asked for; its id."""
    Trajectories(database).record(trajectory)
    StartStates(database).keep(trajectory.id, start)
    assert Trajectories(database).admit(trajectory.id, held_out_share=float(held_out))
    return trajectory.id


def begun(database: Database, generation: int = 0, **changes: int) -> TrainingRun:
    """A training run that begins."""
    values = {"seed": 1, "steps": 9, **changes}
    return Training(database, clock=lambda: 1.0).begin(
        skill_generation=generation, base="tiny", base_sha256="bb", **values
    )


def report(verdict: Verdict = Verdict.PROMOTE, **changes: object) -> GateReport:
    gain = Comparison("gain", 9, 0.7, 0.5, Interval(0.2, 0.1, 0.3), True, "It gained 0.2 over 9 tasks.")
    return replace(GateReport(verdict, "It gained.", (gain,), look=1), **changes)  # type: ignore[arg-type]


def promoted(database: Database, sha256: str = "aa") -> int:
    """The version of an adapter that passed its gate."""
    adapters = Adapters(database, clock=lambda: 1.0)
    version = adapters.add("tiny", sha256, Skills(database).current_generation().number).version
    Gates(database, clock=lambda: 1.0).record(version, report())
    return adapters.decide(version, AdapterStatus.PROMOTED, "It gained.").version


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

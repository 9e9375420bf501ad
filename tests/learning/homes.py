"""A home with failures in its store, and an evolver that says what it is told to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from metaclaw_jlab.core.evolution import Draft, Failure, Proposal, Source
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.trajectory import (
    InjectedSkill,
    Observation,
    Stamp,
    Step,
    StopReason,
    Trajectory,
    new_trajectory_id,
)
from metaclaw_jlab.learning.inner_loop import InnerLoop
from metaclaw_jlab.reward_models.outcome import trajectory_score
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories

SAID = "the csv was expected to have semicolons between its values"
CHECK = Check(CheckKind.EXPRESSION, "';' in open('dear.csv').read()", SAID)


def failed(text: str = "Save the dear rows of prices.csv in dear.csv", **changes: object) -> Trajectory:
    """A trajectory whose check failed."""
    checks = (CheckResult(CHECK, False, SAID),)
    steps = (Step(0, (), "reply", "df.to_csv('dear.csv')", Observation(stdout="ok")),)
    trajectory = Trajectory(
        new_trajectory_id(),
        Task(text, checks=(CHECK,), origin=Origin("report.ipynb", "cell-1")),
        Stamp(0, (), "tiny"),
        steps=steps,
        stop=StopReason.CHECK_FAILED,
        stop_detail=SAID,
        checks=checks,
        score=trajectory_score(steps, checks),
        created_at=1.0,
    )
    return replace(trajectory, **changes)  # type: ignore[arg-type]


def passed(text: str = "Save the dear rows of prices.csv in dear.csv", **changes: object) -> Trajectory:
    """A trajectory whose check passed."""
    good = failed(text)
    checks = (CheckResult(CHECK, True),)
    score = trajectory_score(good.steps, checks)
    return replace(good, stop=StopReason.DONE, stop_detail="", checks=checks, score=score, **changes)  # type: ignore[arg-type]


def with_skill(trajectory: Trajectory, skill: Skill, generation: int) -> Trajectory:
    """The trajectory as if this skill had been in its prompt."""
    injected = (InjectedSkill(skill.name, skill.sha256, 1.0),)
    return replace(trajectory, stamp=replace(trajectory.stamp, skills=injected, skill_generation=generation))


def semicolons(failures: Sequence[Failure], *wordings: str, name: str = "csv-semicolons") -> Draft:
    """A skill that answers these failures."""
    return Draft(
        name,
        "Use when a csv is saved.",
        wordings or ("Use semicolons in csv files",),
        tuple(Source(failure.trajectory, SAID) for failure in failures),
    )


@dataclass
class ScriptedEvolver:
    """An evolver that answers with a function, and keeps what it was asked."""

    answer: Callable[[Sequence[Failure], Sequence[Skill]], Proposal] = lambda failures, _: Proposal(
        (semicolons(failures),)
    )
    asked: list[tuple[Sequence[Failure], Sequence[Skill]]] = field(default_factory=list)

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        self.asked.append((failures, library))
        return self.answer(failures, library)


@dataclass
class Ground:
    """A home, its store, and a loop on it whose notices are kept."""

    home: Home
    database: Database
    evolver: ScriptedEvolver = field(default_factory=ScriptedEvolver)
    notices: list[str] = field(default_factory=list)

    @property
    def trajectories(self) -> Trajectories:
        return Trajectories(self.database)

    @property
    def skills(self) -> Skills:
        return Skills(self.database)

    def loop(self, **changes: object) -> InnerLoop:
        loop = InnerLoop(
            home=self.home, database=self.database, evolver=self.evolver, on_notice=self.notices.append
        )
        return replace(loop, **changes)  # type: ignore[arg-type]

    def record(self, *trajectories: Trajectory) -> tuple[str, ...]:
        for trajectory in trajectories:
            self.trajectories.record(trajectory)
        return tuple(trajectory.id for trajectory in trajectories)

    def bodies(self) -> dict[str, str]:
        current = self.skills.current_generation().number
        return {skill.name: skill.body for skill in self.skills.members(current)}


def ground(path: Path) -> Ground:
    """A new home at `path`."""
    home = open_home(path)
    return Ground(home, open_database(home.database))

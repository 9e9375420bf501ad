"""A home at one moment, as far as the dashboard shows it: skills, scores, training. No prompt, code or output."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.inspection.lines import one_line

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.inspection.library_pages import LibraryRow
    from metaclaw_jlab.inspection.training import RunAccount
    from metaclaw_jlab.inspection.trend import Trend
    from metaclaw_jlab.store.task_pages import TaskRow

SKILLS, TASKS, RUNS, REWARDS = 25, 8, 3, 60
COLUMNS = 160
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class SkillLine:
    """A skill. `since` is the generation of the version that it has."""

    name: str
    description: str
    since: int | None
    uses: int
    helped: int
    hurt: int
    pinned: bool
    disabled: bool
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A skill generation: the share of `n` tasks done right, with its 95 % interval."""

    generation: int
    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task without its text: `well` is None where nothing tells how it went."""

    id: str
    at: float
    outcome: str
    well: bool | None
    steps: int
    generation: int
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A training run."""

    number: int
    state: str
    at: float
    adapter: int | None
    result: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A home at the time `at`. `total` skills have the words of `search`; `skills` are the first of them by name.
    `rewards` are of the newest training, a number a step."""

    version: int
    package: str
    at: float
    policy: str
    serving: str
    generation: int
    search: str
    total: int
    skills: tuple[SkillLine, ...]
    trend: str
    scores: tuple[ScoreLine, ...]
    tasks: tuple[TaskLine, ...]
    training: str
    schedule: str
    paused: bool
    runs: tuple[RunLine, ...]
    rewards: tuple[float, ...]


def take(workspace: Workspace, search: str = "") -> Snapshot:
    """Look at a home. Raises MetaclawError."""
    from metaclaw_jlab.assembly import policy_name
    from metaclaw_jlab.inspection.library_pages import library_rows
    from metaclaw_jlab.inspection.scheduler import schedule
    from metaclaw_jlab.inspection.status import version
    from metaclaw_jlab.inspection.training import training
    from metaclaw_jlab.inspection.trend import trend
    from metaclaw_jlab.store.skills import Skills
    from metaclaw_jlab.store.task_pages import page_of_tasks

    database = workspace.database()
    library = library_rows(workspace, search=search, limit=SKILLS)
    trained, planned, better = (
        training(workspace, recent=RUNS),
        schedule(workspace, recent=0),
        trend(database),
    )
    newest = trained.run or (trained.recent[0] if trained.recent else None)
    runs = (*([trained.run] if trained.run else []), *trained.recent)
    return Snapshot(
        version=SCHEMA_VERSION,
        package=version(),
        at=time.time(),
        policy=policy_name(workspace.settings()),
        serving="the base model" if trained.serving is None else f"adapter v{trained.serving}",
        generation=Skills(database).current_generation().number,
        search=search,
        total=library.total,
        skills=tuple(map(_skill, library.rows)),
        trend=better.sentence,
        scores=_scores(better),
        tasks=tuple(map(_task, page_of_tasks(database, TASKS))),
        training=trained.sentence,
        schedule=planned.sentence,
        paused=planned.pause is not None,
        runs=tuple(map(_run, runs)),
        rewards=() if newest is None else newest.curves.reward[-REWARDS:],
    )


def _skill(row: LibraryRow) -> SkillLine:
    return SkillLine(
        name=row.name,
        description=one_line(row.description, COLUMNS),
        since=row.generation,
        uses=row.uses,
        helped=row.helped,
        hurt=row.hurt,
        pinned="pinned" in row.marks,
        disabled="disabled" in row.marks,
        marks=row.marks,
    )


def _scores(found: Trend) -> tuple[ScoreLine, ...]:
    return tuple(ScoreLine(one.generation, one.n, one.mean, one.low, one.high) for one in found.generations)


def _task(row: TaskRow) -> TaskLine:
    from metaclaw_jlab.core.score import Score
    from metaclaw_jlab.core.trajectory import StopReason
    from metaclaw_jlab.inspection.why import STOPS

    return TaskLine(
        id=row.id,
        at=row.created_at,
        outcome="open" if row.stop is None else STOPS[StopReason(row.stop)],
        well=row.score.value > 0 if isinstance(row.score, Score) else None,
        steps=len(row.steps),
        generation=row.skill_generation,
        skills=row.skills,
    )


def _run(run: RunAccount) -> RunLine:
    from metaclaw_jlab.inspection.training import verdict_in_words

    return RunLine(
        number=run.number,
        state=run.state.value,
        at=run.changed_at,
        adapter=run.adapter,
        result=one_line(verdict_in_words(run) or run.reason, COLUMNS),
    )

"""Where a skill came from and what it has been worth: the tasks that failed, its versions, its uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.generations import CAUSES
from metaclaw_jlab.inspection.lines import counted, local_time, notebook_name, one_line

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.store.marks import Mark
    from metaclaw_jlab.store.uses import SkillUse

COLUMNS = 110
FAILURES = 5
USE_MEANS = (
    "used: in the prompts of so many tasks; helped, hurt: done again without it the task failed, passed"
)


@dataclass(frozen=True, slots=True)
class Version:
    """A content of a skill and the generation that brought it. `sha256` is None where that took the skill out."""

    sha256: str | None
    generation: int
    cause: str
    at: float


@dataclass(frozen=True, slots=True)
class LearntFrom:
    """A failed task that a skill came from, and the sentence that told what was wrong. What is None is not known any
    more."""

    generation: int
    trajectory: str
    said: str
    task: str | None = None
    notebook: str | None = None
    cell_id: str | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Whence:
    """Where a skill came from. `failures` are the newest `FAILURES` of `failure_count`; `history` is in order of its
    generations; `marks` are words."""

    name: str
    history: tuple[Version, ...] = ()
    failures: tuple[LearntFrom, ...] = ()
    failure_count: int = 0
    use: SkillUse | None = None
    marks: tuple[str, ...] = ()

    @property
    def current(self) -> Version | None:
        """The version in the current generation; None where it is not in it."""
        return self.history[-1] if self.history and self.history[-1].sha256 is not None else None

    def version(self, sha256: str, by: int) -> Version | None:
        """The version of this content that was current in generation `by`."""
        return version_of([step for step in self.history if step.generation <= by], sha256)


def whence(workspace: Workspace, name: str, by: int | None = None) -> Whence:
    """Where the skill `name` came from; `by` leaves out the failures that later generations took up."""
    from metaclaw_jlab.store.lineage import Lineage
    from metaclaw_jlab.store.uses import Uses

    database = workspace.database()
    lineage = Lineage(database)
    sources = [source for source in lineage.sources(name) if by is None or source.generation <= by]
    sources.sort(key=lambda source: -source.generation)
    named = [(source.generation, source.trajectory, source.said) for source in sources[:FAILURES]]
    return Whence(
        name=name,
        history=history_of(workspace, name),
        failures=_learnt_from(workspace, named),
        failure_count=len(sources),
        use=Uses(database).of(name),
        marks=marks_of_skill(workspace, name),
    )


def history_of(workspace: Workspace, name: str) -> tuple[Version, ...]:
    """The versions of a skill, in order of the generations that brought them or took the skill out."""
    from metaclaw_jlab.store.lineage import Lineage

    found = Lineage(workspace.database()).history(name)
    return tuple(Version(step.sha256, step.generation, step.cause.value, step.at) for step in found)


def version_of(history: Sequence[Version], sha256: str) -> Version | None:
    """The last version of this content."""
    return next((step for step in reversed(history) if step.sha256 == sha256), None)


def evidence_of(workspace: Workspace, number: int, evidence: tuple[str, ...]) -> tuple[LearntFrom, ...]:
    """The failures that generation `number` took up; each sentence that a skill answers is one."""
    from metaclaw_jlab.store.lineage import Lineage

    said = Lineage(workspace.database()).of_generation(number)
    told = {trajectory for trajectory, _ in said}
    unsaid = [(trajectory, "") for trajectory in evidence if trajectory not in told]
    each = dict.fromkeys((*said, *unsaid))
    return _learnt_from(workspace, [(number, *failure) for failure in each])


def failure_lines(found: Whence, most: int) -> list[str]:
    """The failures that a skill came from, a line for each, and how many are left out."""
    lines = [learnt_in_words(failure) for failure in found.failures[:most]]
    left = found.failure_count - len(lines)
    return [*lines, f"and {counted(left, 'more failure')}"] if left > 0 else lines


def learnt_in_words(failure: LearntFrom) -> str:
    """When and where it failed, and what was said."""
    if failure.at is None:
        place = f"task {failure.trajectory}, which is forgotten"
    else:
        where = notebook_name(failure.notebook)
        cell = f", cell {failure.cell_id}" if failure.cell_id else ""
        place = f"{local_time(failure.at)} in {where}{cell}, task {failure.trajectory}"
    said = f': "{one_line(failure.said, COLUMNS)}"' if failure.said.strip() else ""
    return place + said


def version_in_words(version: Version) -> str:
    """`g3, learnt from failures, 2026-01-31 10:00:00`."""
    return f"g{version.generation}, {CAUSES[Cause(version.cause)]}, {local_time(version.at)}"


def use_in_words(use: SkillUse) -> str:
    """How often it was used and how that went."""
    if not use.uses:
        return "not used yet"
    ends = [(use.passed, "passed"), (use.failed, "failed"), (use.unchecked, "unchecked")]
    told = f"used {counted(use.uses, 'time')}"
    if parts := [f"{count} {end}" for count, end in ends if count]:
        told += f": {', '.join(parts)}"
    return f"{told}; helped {use.helped}, hurt {use.hurt}" if use.helped or use.hurt else told


def marks_of(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """The marks of all skills, in words, by name; one that is of another content than the current is left out."""
    from metaclaw_jlab.store.marks import Marks
    from metaclaw_jlab.store.skills import Skills

    database = workspace.database()
    skills, found = Skills(database), Marks(database).all()
    number = skills.current_number() if found else 0
    return {
        name: in_force(marks, skills.hash_of(name, number) if any(marks.values()) else None)
        for name, marks in found.items()
    }


def marks_of_skill(workspace: Workspace, name: str) -> tuple[str, ...]:
    """The marks of one skill, as `marks_of` has them."""
    from metaclaw_jlab.store.marks import Marks
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(workspace.database())
    marks = Marks(workspace.database()).all().get(name, {})
    return in_force(marks, skills.hash_of(name, skills.current_number()) if marks else None)


def in_force(marks: Mapping[Mark, str | None], current: str | None) -> tuple[str, ...]:
    """The marks in words, but for those that are of another content than the current one, None where there is none."""
    return tuple(mark.value for mark, sha256 in marks.items() if current is None or sha256 in {None, current})


def _learnt_from(workspace: Workspace, failures: Sequence[tuple[int, str, str]]) -> tuple[LearntFrom, ...]:
    from metaclaw_jlab.store.attempts import Attempts

    known = Attempts(workspace.database()).places([trajectory for _, trajectory, _ in failures])
    told = []
    for generation, trajectory, said in failures:
        place = known.get(trajectory)
        if place is None:
            told.append(LearntFrom(generation, trajectory, said))
        else:
            text = place.text.strip()
            told.append(
                LearntFrom(generation, trajectory, said, text, place.notebook, place.cell_id, place.at)
            )
    return tuple(told)

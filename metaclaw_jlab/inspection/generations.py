"""The generations of the skill library: what each changed, of what cause, and what a rollback would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import NotFound, SkillInvalid
from metaclaw_jlab.core.generation import Cause, SkillGeneration
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.inspection.lines import counted, local_time, some, table, unified

if TYPE_CHECKING:
    from metaclaw_jlab.store.generation_steps import GenerationStep
    from metaclaw_jlab.store.skills import Skills

NAMES = 4
NAMED = 100  # of each kind of change in an account
DIFF_LINES = 120
CAUSES = {
    Cause.INITIAL: "the beginning",
    Cause.EVOLVER: "learnt from failures",
    Cause.USER: "by hand",
    Cause.IMPORT: "import",
    Cause.ROLLBACK: "rollback",
}
EMPTY = (
    "The library has not changed yet. A generation is made when a failure is learnt from (a check that fails, "
    '%metaclaw bad "why"), when a skill is edited or imported, and by a rollback.'
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many more names there are of each kind."""

    added: int = 0
    removed: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of skills that one library has more, less, or otherwise than another, in order; where they are very many
    the first of each kind."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    left_out: LeftOut = LeftOut()

    @property
    def any(self) -> bool:
        """Whether there is a difference."""
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class GenerationAccount:
    """A generation and what it changed against its parent. `skills` counts its members."""

    number: int
    parent: int | None
    cause: str
    created_at: float
    skills: int
    changes: Changes
    evidence: tuple[str, ...]
    current: bool


@dataclass(frozen=True, slots=True)
class SkillDiff:
    """How the text of a skill differs; the lines of a unified diff of its SKILL.md."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GenerationDiff:
    """What generation `after` has otherwise than `before`. `more` texts are left out."""

    before: int
    after: int
    changes: Changes
    texts: tuple[SkillDiff, ...]
    more: int = 0


def list_generations(skills: Skills, limit: int, before: int | None = None) -> tuple[GenerationAccount, ...]:
    """At most `limit` generations, the newest first; those with numbers under `before` where it is given."""
    current = skills.current_number()
    last = current if before is None else min(current, before - 1)
    steps = skills.steps(max(0, last - limit + 1), last)
    return tuple(_account(step, current) for step in reversed(steps))


def describe_generation(skills: Skills, number: int) -> GenerationAccount:
    """One generation. Raises NotFound."""
    current = _known(skills, number)
    (step,) = skills.steps(number, number)
    return _account(step, current)


def existing(skills: Skills, number: int) -> SkillGeneration:
    """The generation of this number. Raises NotFound with the numbers that there are."""
    _known(skills, number)
    return skills.generation(number)


def changes_between(before: Mapping[str, str], after: Mapping[str, str], most: int | None = NAMED) -> Changes:
    """What differs between two libraries, given as content hashes by name; at most so many names of each kind."""
    added, removed = sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys())
    changed = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    left = (max(0, len(names) - most) if most is not None else 0 for names in (added, removed, changed))
    return Changes(tuple(added[:most]), tuple(removed[:most]), tuple(changed[:most]), LeftOut(*left))


def compare_generations(skills: Skills, before: int, after: int, most: int | None = None) -> GenerationDiff:
    """The texts that differ between two generations, at most `most` of them. Raises NotFound."""
    old, new = (dict(existing(skills, number).members) for number in (before, after))
    whole = changes_between(old, new, None)
    names = sorted((*whole.added, *whole.removed, *whole.changed))
    texts = (
        SkillDiff(name, skill_diff(skills, old.get(name), new.get(name), before, after))
        for name in names[:most]
    )
    found = tuple(texts)
    return GenerationDiff(before, after, changes_between(old, new), found, len(names) - len(found))


def skill_diff(skills: Skills, before: str | None, after: str | None, old: int, new: int) -> tuple[str, ...]:
    """The diff of a skill's text between two content hashes, None where it was not there; `old` and `new` are the
    generations to be named."""
    return unified(_text(skills, before), _text(skills, after), f"generation {old}", f"generation {new}")


def in_words(changes: Changes, most: int = NAMES) -> str:
    """`+a, -b, ~c`, or that nothing changed."""
    names = [
        *(f"+{name}" for name in changes.added),
        *(f"-{name}" for name in changes.removed),
        *(f"~{name}" for name in changes.changed),
    ]
    left = changes.left_out
    return some(names, most, left.added + left.removed + left.changed) if names else "no change"


def skill_text(skill: Skill) -> str:
    """Its SKILL.md; where the format cannot carry it, what is in it all the same."""
    from metaclaw_jlab.skills.markdown import render

    try:
        return render(skill)
    except SkillInvalid:
        return f"{skill.name}\n{skill.description}\n\n{skill.body}\n"


def render_generations(generations: tuple[GenerationAccount, ...]) -> str:
    """The generations, one a line, and how to go back."""
    if [generation.number for generation in generations] == [0]:
        return EMPTY
    lines = table(
        (
            ">" if generation.current else "",
            f"g{generation.number}",
            local_time(generation.created_at) if generation.number else "",
            CAUSES[Cause(generation.cause)],
            in_words(generation.changes) if generation.number else "",
            counted(len(generation.evidence), "failure") if generation.evidence else "",
        )
        for generation in generations
    )
    oldest = generations[-1].number
    more = [f"{counted(oldest, 'older one')}: --limit"] if oldest else []
    return "\n".join(
        [*lines, *more, "+ added, - removed, ~ changed; > is the current one. Back: generations rollback N"]
    )


def render_diff(diff: GenerationDiff) -> str:
    """The changes in words, then the texts."""
    head = f"From generation {diff.before} to {diff.after}: {in_words(diff.changes, 20)}"
    return "\n".join([head, *(line for text in diff.texts for line in ["", *diff_lines(text)])])


def diff_lines(diff: SkillDiff, most: int = DIFF_LINES) -> list[str]:
    """The name, and the first lines of the diff."""
    left = len(diff.lines) - most
    more = [f"… {counted(left, 'line')} more"] if left > 0 else []
    return [diff.name, *(f"  {line}".rstrip() for line in diff.lines[:most]), *more]


def _known(skills: Skills, number: int) -> int:
    """The number of the current generation. Raises NotFound where there is none of this number."""
    current = skills.current_number()
    if not 0 <= number <= current:
        raise NotFound(
            f"There is no skill generation {number}.",
            f"There are 0 to {current}. See: `generations`" if current else EMPTY,
        )
    return current


def _account(step: GenerationStep, current: int) -> GenerationAccount:
    return GenerationAccount(
        number=step.number,
        parent=step.parent,
        cause=step.cause.value,
        created_at=step.created_at,
        skills=step.skills,
        changes=changes_between(step.before, step.after),
        evidence=step.evidence,
        current=step.number == current,
    )


def _text(skills: Skills, sha256: str | None) -> str:
    return skill_text(skills.get_skill(sha256)) if sha256 is not None else ""

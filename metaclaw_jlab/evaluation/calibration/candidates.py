"""What is compared in a calibration: a few stages, each over some parts of the prompting, each after the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.prompting import Ending, Instructions, Placement, Prompting
from metaclaw_jlab.policies.calibration import CAUTIOUS_PROMPTING
from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD

Measure = Literal["task_right", "strict"]

SHOWN_ROWS = 3
TRIED_COUNTS = (1, 2, 3)
# Retrieval lets more through than a small model bears: places and counts are compared above this relevance.
MIDDLE_THRESHOLD = 1.0
THRESHOLDS = (DEFAULT_THRESHOLD, 0.75, MIDDLE_THRESHOLD, 1.25, 1.5)
TEMPERATURES = (0.0, 0.3)
_FORMS: tuple[tuple[Instructions, Ending], ...] = (
    ("brief", "ran"),
    ("brief", "said"),
    ("brief", "parts"),
    ("notebook", "ran"),
    ("notebook", "said"),
)
_PLACES: tuple[Placement, ...] = ("system", "task")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way of prompting under a temperature. The same way has the same `key`, whatever its stage calls it."""

    name: str
    prompting: Prompting
    temperature: float = 0.0

    @property
    def key(self) -> str:
        """What was asked how, in a line."""
        of = self.prompting
        skills = "no skills"
        if of.max_skills != 0:
            skills = f"{of.max_skills} skills at {of.skills_at} from {of.threshold or DEFAULT_THRESHOLD:g}"
        return f"{of.instructions}, {of.ends}, {of.file_rows} rows, {skills}, T {self.temperature:g}"


@dataclass(frozen=True, slots=True)
class Stage:
    """A comparison: `candidates` of what was chosen so far, the simplest first, judged by `measure`."""

    name: str
    measure: Measure
    candidates: Callable[[Candidate], tuple[Candidate, ...]]
    merged: Callable[[Candidate, Candidate], Candidate]

    def after(self, base: Candidate, chosen: Candidate) -> Candidate:
        """What goes into the next stage: of the base, with what this stage decided."""
        return replace(self.merged(base, chosen), name=chosen.name)


START = Candidate("cautious", CAUTIOUS_PROMPTING)


def chosen_stages(names: Iterable[str] | None) -> tuple[Stage, ...]:
    """The stages with the named variants alone, all where None. A stage none of whose variants is named is left out.

    The first of a stage, with which the others are compared, is always in it. Raises UsageMistake for other names.
    """
    if names is None:
        return STAGES
    wanted = set(names)
    if unknown := sorted(wanted - set(variant_names())):
        raise UsageMistake(
            f"There is no variant {unknown[0]!r}.", f"There are: {', '.join(variant_names())}."
        )
    return tuple(
        _limited(stage, wanted)
        for stage in STAGES
        if wanted & {candidate.name for candidate in stage.candidates(START)}
    )


def variant_names() -> tuple[str, ...]:
    """The names of all variants."""
    every = (candidate.name for stage in STAGES for candidate in stage.candidates(START))
    return tuple(dict.fromkeys(every))


def _limited(stage: Stage, wanted: set[str]) -> Stage:
    def some(base: Candidate) -> tuple[Candidate, ...]:
        every = stage.candidates(base)
        first = every[0] if stage.name != "form" else next(one for one in every if one.name in wanted)
        return tuple(one for one in every if one == first or one.name in wanted)

    return replace(stage, candidates=some)


def _forms(base: Candidate) -> tuple[Candidate, ...]:
    """Without skills: shorter prompts before longer ones, an end after one reply before one that has to be said."""
    found = []
    for rows, (instructions, ends) in product((0, SHOWN_ROWS), _FORMS):
        name = f"{instructions}-{ends}" + (f"-rows{rows}" if rows else "")
        prompting = Prompting(instructions=instructions, ends=ends, file_rows=rows, max_skills=0)
        found.append(Candidate(name, prompting, base.temperature))
    return tuple(found)


def _form_of(base: Candidate, chosen: Candidate) -> Candidate:
    of = chosen.prompting
    changed = replace(base.prompting, instructions=of.instructions, ends=of.ends, file_rows=of.file_rows)
    return replace(base, prompting=changed)


def _skills(base: Candidate) -> tuple[Candidate, ...]:
    """No skill, then more and more of them, at either place."""
    found = [replace(base, name="no-skills", prompting=without_skills(base.prompting))]
    for count in TRIED_COUNTS:
        for place in _PLACES:
            own = replace(base.prompting, skills_at=place, max_skills=count, threshold=MIDDLE_THRESHOLD)
            found.append(replace(base, name=f"{place}-{count}", prompting=own))
    return tuple(found)


def _skills_of(base: Candidate, chosen: Candidate) -> Candidate:
    return replace(base, prompting=chosen.prompting)


def _thresholds(base: Candidate) -> tuple[Candidate, ...]:
    """What was chosen, then the other thresholds; nothing where there are no skills."""
    if base.prompting.max_skills == 0:
        return ()
    own = base.prompting.threshold or DEFAULT_THRESHOLD
    return tuple(
        replace(base, name=f"from-{threshold:g}", prompting=replace(base.prompting, threshold=threshold))
        for threshold in sorted(THRESHOLDS, key=lambda threshold: (threshold != own, threshold))
    )


def _temperatures(base: Candidate) -> tuple[Candidate, ...]:
    return tuple(replace(base, name=f"t{value:g}", temperature=value) for value in TEMPERATURES)


def without_skills(prompting: Prompting) -> Prompting:
    """The same without any skill."""
    return replace(prompting, skills_at="system", max_skills=0, threshold=None)


STAGES = (
    Stage("form", "task_right", _forms, _form_of),
    Stage("skills", "strict", _skills, _skills_of),
    Stage("threshold", "strict", _thresholds, _skills_of),
    Stage("temperature", "strict", _temperatures, lambda _, chosen: chosen),
)

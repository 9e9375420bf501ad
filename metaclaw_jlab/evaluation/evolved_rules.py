"""Which house rule an evolved skill states: known to the evaluation alone, from the sentences that it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.practice import RULES, PracticeTask
from metaclaw_jlab.practice.feedback import feedback

Said = tuple[str, str]  # a trajectory's id, and a sentence about it


@dataclass(frozen=True, slots=True)
class Recall:
    """Of the rules of some tasks that must be told: how many have a skill in the library, and in the prompt."""

    needed: int
    known: int
    found: int

    @property
    def share(self) -> float | None:
        """The share found, of all that are needed."""
        return self.found / self.needed if self.needed else None

    @property
    def share_of_known(self) -> float | None:
        """The share found, of those that the library has."""
        return self.found / self.known if self.known else None

    def __add__(self, other: Recall) -> Recall:
        return Recall(self.needed + other.needed, self.known + other.known, self.found + other.found)


def stated_rule(sources: Iterable[Said], tasks: Mapping[str, PracticeTask]) -> str | None:
    """The rule that most of the sentences are about; None where they are about none."""
    votes = Counter(
        rule
        for trajectory, said in sources
        if trajectory in tasks
        for rule in _rules_of(said, tasks[trajectory])
    )
    return votes.most_common(1)[0][0] if votes else None


def _rules_of(said: str, task: PracticeTask) -> list[str]:
    words = _folded(said)
    return [
        rule
        for rule, option in task.options.items()
        if words and ((expected := _folded(feedback(rule, option, task.id))) in words or words in expected)
    ]


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")


def to_be_told(task: PracticeTask) -> tuple[str, ...]:
    """The applying rules whose option is not the habit: only a skill can tell them."""
    return tuple(rule for rule in task.rules if task.options[rule] != RULES[rule].habit)


def recall(
    tasks: Iterable[PracticeTask],
    library: Sequence[Skill],
    skills_of: Callable[[PracticeTask], tuple[Match, ...]],
    rule_of: Callable[[Skill], str | None],
    max_skills: int,
) -> Recall:
    """How well retrieval finds the skills of the rules that must be told, on tasks that need at most `max_skills`."""
    known = {rule_of(skill) for skill in library}
    total = Recall(0, 0, 0)
    for task in tasks:
        needed = to_be_told(task)
        if len(needed) > max_skills:
            continue
        found = {rule_of(match.skill) for match in skills_of(task)}
        total += Recall(len(needed), len(known & set(needed)), len(found & set(needed)))
    return total


def oracle(
    task: PracticeTask,
    library: Sequence[Skill],
    rule_of: Callable[[Skill], str | None],
    max_skills: int,
) -> tuple[Match, ...]:
    """One skill for each applying rule that the library states, in the order of the rules."""
    by_rule: dict[str | None, Skill] = {}
    for skill in library:
        by_rule.setdefault(rule_of(skill), skill)
    return tuple(Match(by_rule[rule], 1.0) for rule in task.rules if rule in by_rule)[:max_skills]

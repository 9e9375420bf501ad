"""Whether a skill that an evolver makes of one failure is useful: the practice world knows the rule it should state.

A skill is useful where, of fresh tasks to which the rule of its failure alone applies (the same house and split, other
words and files), more become strict with the skill alone in the prompt than cease to be, each against no skill at all
under the same policy and seed. No task is one on which the skill was tried before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from metaclaw_jlab.core.evolution import Evolver, Failure, Proposal
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Purpose, Trajectory
from metaclaw_jlab.evaluation.practice_attempt import Conditions, attempt
from metaclaw_jlab.evaluation.practice_replays import PracticeReplayer
from metaclaw_jlab.learning.inner_loop import InnerLoop, evolve_once
from metaclaw_jlab.learning.support_set import describe
from metaclaw_jlab.practice import RULES, House, PracticeTask, draw_house, sample_task
from metaclaw_jlab.practice.feedback import feedback
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.skills.evolver_pair import EvolverPair
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.support import Support
from metaclaw_jlab.store.trajectories import Trajectories

WRITERS = ("distiller", "model", "both")
STAGES = ("before", "after")
NAMES: Style = "natural"
DRAWS = 8  # tasks that are tried until one fails by its rule
JUDGING_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Failed:
    """A task of a house that failed by breaking its one rule, as the policy did it."""

    task: PracticeTask
    house: House
    rule: str
    trajectory: Trajectory


@dataclass(frozen=True, slots=True)
class Fresh:
    """Of fresh tasks of a rule: how many were strict without the skill, with it, and how many changed which way."""

    trials: int
    without: int
    with_it: int
    gained: int
    lost: int

    @property
    def useful(self) -> bool:
        """Whether the skill is useful (see the module)."""
        return self.gained > self.lost


@dataclass(frozen=True, slots=True)
class _Fixed:
    """An evolver whose answer is known: what it said once is looked at in several ways."""

    proposal: Proposal

    def propose(self, _failures: Sequence[Failure], _library: Sequence[Skill], /) -> Proposal:
        return self.proposal


def draw_failure(key: str, split: str, conditions: Conditions) -> Failed | None:
    """A task that the policy gets right but for a house rule, which it was not told; None where none came up."""
    user = replace(conditions, purpose=Purpose.USER)
    for number in range(DRAWS):
        rng = Random(f"evolvers/{split}/{key}/{number}")
        house = draw_house(rng, split)
        drawn = sample_task(rng, split, house, compound=False, rules=1, names=NAMES)
        (rule,) = drawn.rules
        if drawn.options[rule] == RULES[rule].habit:
            continue
        task = replace(drawn, id=f"evolvers-{split}-{key}-{number}")
        done = attempt(task, (), user)
        if done.trajectory is not None and done.failure is None and done.verdict.broken:
            return Failed(task, house, rule, done.trajectory)
    return None


def look_at(
    failed: Failed,
    model: Evolver,
    distiller: Evolver,
    conditions: Conditions,
    *,
    trials: int,
    concurrency: int,
) -> dict[str, Any]:
    """What each writer makes of a failure, before it is judged by replay and after, as JSON values.

    Raises PolicyError where the model does not answer.
    """
    failure = describe(failed.trajectory, (), ())
    read, told = (writer.propose([failure], ()) for writer in (distiller, model))
    writers: dict[str, Evolver] = {
        "distiller": _Fixed(read),
        "model": _Fixed(told),
        "both": EvolverPair(_Fixed(told), _Fixed(read)),
    }
    replayer = PracticeReplayer({failed.trajectory.id: failed.task}, conditions, names=NAMES)
    fresh = _Measured(failed, conditions, trials, concurrency)
    found: dict[str, dict[str, Any]] = {}
    for name in WRITERS:
        found[name] = {
            "before": _taken(failed, partial(InnerLoop, evolver=writers[name]), fresh),
            "after": _taken(
                failed,
                partial(
                    InnerLoop,
                    evolver=writers[name],
                    replayer=replayer,
                    wording_seconds=JUDGING_SECONDS,
                    judges=True,
                ),
                fresh,
            ),
        }
    return {
        "task": failed.task.id,
        "text": failed.task.text,
        "rule": failed.rule,
        "said": feedback(failed.rule, failed.task.options[failed.rule], failed.task.id),
        "writers": found,
    }


class _Measured:
    """Fresh tasks of a failure's rule; each skill is measured on them once, whoever wrote it."""

    def __init__(self, failed: Failed, conditions: Conditions, trials: int, concurrency: int) -> None:
        self._conditions = conditions
        self._concurrency = concurrency
        self._tasks = [_fresh_task(failed, number) for number in range(trials)]
        self._strict: dict[str, list[bool]] = {}

    def of(self, skill: Skill) -> Fresh:
        """How a skill does on them."""
        without, with_it = self._attempted(()), self._attempted((Match(skill, 1.0),))
        pairs = list(zip(without, with_it, strict=True))
        return Fresh(
            len(pairs),
            sum(without),
            sum(with_it),
            gained=sum(after and not before for before, after in pairs),
            lost=sum(before and not after for before, after in pairs),
        )

    def _attempted(self, skills: tuple[Match, ...]) -> list[bool]:
        key = skills[0].skill.body if skills else ""
        if key not in self._strict:
            with ThreadPoolExecutor(self._concurrency, thread_name_prefix="metaclaw-useful") as threads:
                done = threads.map(lambda task: attempt(task, skills, self._conditions), self._tasks)
                self._strict[key] = [one.verdict.strict for one in done]
        return self._strict[key]


def _fresh_task(failed: Failed, number: int) -> PracticeTask:
    rng = Random(f"useful/{failed.task.id}/{number}")
    task = sample_task(
        rng, failed.task.split, failed.house, compound=False, rules=1, rule=failed.rule, names=NAMES
    )
    return replace(task, id=f"useful-{failed.task.id}-{number}")


def _taken(failed: Failed, loop: Callable[..., InnerLoop], fresh: _Measured) -> Mapping[str, Any]:
    """The skill that a loop takes into a new home from this failure, and how useful it is; or why it takes none."""
    with tempfile.TemporaryDirectory(prefix="metaclaw-evolvers-", ignore_cleanup_errors=True) as folder:
        home = open_home(Path(folder) / "home")
        with closing(open_database(home.database)) as database:
            Trajectories(database).record(failed.trajectory)
            evolve_once(loop(home=home, database=database))
            skills = Skills(database).members(Skills(database).current_generation().number)
            settled = Support(database).settlement(failed.trajectory.id)
    if not skills:
        return {"skill": None, "reason": settled.reason if settled else "Nothing was written."}
    measured = fresh.of(skills[0])
    return {"skill": skills[0].name, "body": skills[0].body, "useful": measured.useful, **asdict(measured)}

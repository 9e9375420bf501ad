"""A home that somebody has worked in for weeks: notebooks, tasks that failed and passed, skills that came of them,
trainings and their gates. For tests, pictures and measurements of what is shown of it; the same seed makes the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.estimate import Interval
from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.feedback import Feedback, FeedbackKind
from metaclaw_jlab.core.gate import Comparison, GateReport, Verdict
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.training import RunState, StepReport
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    InjectedSkill,
    Observation,
    Stamp,
    Step,
    StopReason,
    Trajectory,
)
from metaclaw_jlab.learning.adapters import FILES, WEIGHTS, candidate_folder, published_folder
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.skills.working_copy import publish
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.feedback import Feedbacks
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.serving import Serving, ServingCause
from metaclaw_jlab.store.skills import Lesson, Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.support import Decision, Support
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.uses import Effect, Uses
from metaclaw_jlab.store.windows import Windows

DAY = 86_400.0
BETWEEN = 0.12 * DAY  # from one task to the next
PRICES = b"item,price\nlamp,45\nchair,80\n"
NOTEBOOKS = ("prices.ipynb", "monthly_report.ipynb", "clean/customers.ipynb")
# A rule of the house, what is asked of it, and what a user sees where it is not kept.
RULES = (
    ("iso-dates", "Write dates as ISO 8601, such as 2026-03-16.", "write the dates", "the date is not ISO 8601"),
    ("semicolon-csv", "Separate columns of CSV files by semicolons.", "save the table", "csv lacks semicolons"),
    ("snake-names", "Name columns in snake_case.", "rename the columns", "a column is not in snake_case"),
    ("sorted-totals", "Sort totals, the largest first.", "total by region", "the totals are not sorted"),
    ("two-decimals", "Round amounts to two decimals.", "average the prices", "amounts have more than two decimals"),
    ("reports-folder", "Save what is made under reports/.", "save the chart", "the file is not in reports/"),
    ("utf8-bom", "Write CSV files as UTF-8 with a byte order mark.", "export the customers", "umlauts are broken"),
)  # fmt: skip


@dataclass(slots=True)
class Life:
    """A home under way: its store, a clock that a task moves on, and the skills that it has."""

    home: Home
    database: Database
    rng: Random
    now: float
    skills: list[Skill] = field(default_factory=list)
    generation: int = 0
    adapter: int | None = None
    count: int = 0

    def clock(self) -> float:
        """The time in this life."""
        return self.now


def live(path: Path, notebooks: Path | None = None, *, tasks: int = 160, seed: int = 5) -> Home:
    """Make the home, which ends now; its notebooks in a folder, where one is given."""
    home = open_home(path)
    life = Life(home, open_database(home.database), Random(seed), time.time() - (tasks + 2) * BETWEEN)
    share = tasks // (len(RULES) + 1)
    for index in range(tasks):
        _work(life)
        rule, due = divmod(index + 1, share)
        if due == 0 and rule <= len(RULES):
            _learn(life, rule - 1)
            if rule in (3, 5, 6):
                _train(life, passes=rule != 5)
    publish(home, Skills(life.database))
    life.database.close()
    if notebooks is not None:
        _write_notebooks(notebooks, tasks)
    return home


def fill(home: Home, *, skills: int, trajectories: int, seed: int = 7) -> None:
    """Add very many skills, and very many tasks, to measure with."""
    database = open_database(home.database)
    rng, library = Random(seed), Skills(database)
    current = library.members(library.current_generation().number)
    more = []
    for number in range(skills):
        name, _, asked, _ = rng.choice(RULES)
        told = f"Rule {number} of the house: how to {asked}."
        more.append(Skill(f"rule-{number:05d}-{name}", told, f"Do it as case {number} says."))
    library.commit_generation(Cause.IMPORT, (*current, *more))
    life = Life(home, database, rng, time.time() - 3600.0, list(current), library.current_generation().number)
    store = Trajectories(database)
    for _ in range(trajectories):
        life.now += 3600.0 / trajectories
        store.record(_task(life, steps=1))
    publish(home, library)
    database.close()


def _work(life: Life) -> None:
    """A task of the day, and what became of it."""
    life.now += BETWEEN * life.rng.uniform(0.5, 1.5)
    made = _task(life, steps=life.rng.choice((1, 1, 1, 2, 3)))
    Trajectories(life.database).record(made)
    failed = made.stop is not StopReason.DONE
    for skill in made.stamp.skills:
        if life.rng.random() < 0.4:
            effect = Effect.NONE if failed else life.rng.choices(tuple(Effect), (6, 0.3, 2))[0]
            Uses(life.database).record_effect(made.id, skill.name, skill.sha256, effect)
    if life.rng.random() < 0.06:
        said = (FeedbackKind.BAD, "as the check says") if failed else (FeedbackKind.GOOD, "")
        Feedbacks(life.database, clock=life.clock).add(Feedback(made.id, *said, life.now))
    StartStates(life.database).keep(made.id, StartState(files={"prices.csv": PRICES}))
    Query(life.database).admit(made.id)
    if failed:
        Support(life.database, clock=life.clock).settle(made.id, Decision.KEPT, "No skill came of it.")


def _task(life: Life, steps: int) -> Trajectory:
    rng = life.rng
    life.count += 1
    rule = rng.randrange(len(RULES))
    name, body, asked, wrong = RULES[rule]
    known = next((skill for skill in life.skills if skill.name == name), None)
    right = rng.random() < ((0.86 if life.adapter is None else 0.93) if known else 0.3)
    text = f"{asked.capitalize()} of {rng.choice(('north', 'south', 'east', 'west'))} {rng.randint(1, 12)}."
    check = Check(CheckKind.EXPRESSION, f"holds({name!r})", wrong)
    chosen = [(known, 0.61)] if known else []
    chosen += [
        (skill, 0.33) for skill in rng.sample(life.skills, min(1, len(life.skills))) if skill is not known
    ]
    return Trajectory(
        id=f"{life.count:04x}{rng.randrange(16**8):08x}",
        task=Task(text, (), (check,), Origin(rng.choice(NOTEBOOKS), f"cell-{life.count}")),
        stamp=Stamp(
            life.generation,
            tuple(InjectedSkill(skill.name, skill.sha256, near) for skill, near in chosen),
            EMBEDDED_MODEL if life.adapter is None else f"{EMBEDDED_MODEL}@v{life.adapter}",
            life.adapter,
            life.count,
        ),
        steps=tuple(_steps(rng, steps, right, body)),
        stop=StopReason.DONE if right else StopReason.CHECK_FAILED,
        stop_detail="" if right else wrong,
        checks=(CheckResult(check, right, "" if right else wrong),),
        score=Score(1.0 if right else -0.4, ScoreSource.OUTCOME),
        created_at=life.now,
        seconds=rng.uniform(0.5, 6.0),
    )


def _steps(rng: Random, count: int, right: bool, body: str) -> Iterator[Step]:
    for index in range(count):
        last = index == count - 1
        raised = not last and rng.random() < 0.5
        error = ExecutionError("KeyError", "'region'", "KeyError: 'region'") if raised else None
        code = f"table = read('prices.csv')  # step {index + 1}\nprint(table.head())"
        value = (1.0 if right else -0.4) if last else (-1.0 if raised else 0.2)
        scores = [Score(value, ScoreSource.OUTCOME)]
        scores += (
            [Score(rng.choice((-1.0, 1.0)), ScoreSource.JUDGE, "2 of 3 votes")] if rng.random() < 0.3 else []
        )
        yield Step(
            index,
            (Message("system", f"You work in a notebook. {body}"), Message("user", "The task.")),
            f"```python\n{code}\n```",
            code,
            Observation(stdout="item,price\nlamp,45\n", error=error, seconds=rng.uniform(0.05, 1.0)),
            tuple(scores),
            Usage(rng.randint(200, 900), rng.randint(20, 120)),
            rng.uniform(0.2, 2.0),
        )


def _learn(life: Life, rule: int) -> None:
    """A failure becomes a skill, and the library moves on."""
    name, body, asked, wrong = RULES[rule]
    skill = Skill(
        name,
        f"How to {asked}: the rule of this house.",
        f"{body}\n\nIt holds wherever somebody asks to {asked}.",
    )
    failures = [_failed(life, rule, n) for n in range(life.rng.randint(1, 3))]
    library = Skills(life.database, clock=life.clock)
    made = library.commit_generation(
        Cause.EVOLVER,
        (*life.skills, skill),
        [failure.id for failure in failures],
        lessons=[Lesson(name, Source(failure.id, wrong), asked) for failure in failures],
    )
    life.skills.append(skill)
    life.generation = made.number


def _failed(life: Life, rule: int, number: int) -> Trajectory:
    name, body, asked, wrong = RULES[rule]
    check = Check(CheckKind.EXPRESSION, f"holds({name!r})", wrong)
    life.now += 60.0
    life.count += 1
    made = Trajectory(
        id=f"{life.count:04x}{life.rng.randrange(16**8):08x}",
        task=Task(
            f"{asked.capitalize()}.",
            (),
            (check,),
            Origin(NOTEBOOKS[(rule + number) % 3], f"cell-{rule}-{number}"),
        ),
        stamp=Stamp(life.generation, (), EMBEDDED_MODEL, None, 1),
        steps=tuple(_steps(life.rng, 1, False, body)),
        stop=StopReason.CHECK_FAILED,
        stop_detail=wrong,
        checks=(CheckResult(check, False, wrong),),
        score=Score(-0.4, ScoreSource.OUTCOME),
        created_at=life.now,
        seconds=1.5,
    )
    Trajectories(life.database).record(made)
    return made


def _train(life: Life, *, passes: bool) -> None:
    """A window, a training in it, its gate; and the adapter serves where that passed."""
    steps, store = 40, Training(life.database, clock=life.clock)
    window = Windows(life.database, clock=life.clock).open(life.now, ("kernels", "lab"))
    run = store.begin(
        skill_generation=life.generation,
        base=EMBEDDED_MODEL,
        base_sha256="0" * 64,
        seed=life.count,
        steps=steps,
        parent=life.adapter,
    )
    store.change(run.number, RunState.TRAINING, "It trains.", prompts=96)
    for step in range(steps):
        life.now += 9.0
        rise = 0.25 + 0.45 * (1 - math.exp(-step / 12)) * (1 if passes else 0.1)
        noise = life.rng.gauss(0, 0.04)
        report = StepReport(
            step,
            reward=rise + noise,
            loss=0.02 + noise / 4,
            kl=0.002 * step,
            entropy=1.1 - 0.01 * step,
            completion_tokens=48.0,
            groups=8,
            equal_groups=2,
            query_reward=rise + noise,
            replay_reward=0.8 + noise / 2,
            tokens_per_second=900.0,
            seconds=9.0,
        )
        store.report(run.number, report)
        store.change(run.number, RunState.TRAINING, "It trains.", steps_done=step + 1)
    store.change(run.number, RunState.GATING, "Its gate looks at it.")
    version = _adapter(life, run.number, passes)
    store.change(run.number, RunState.DONE, "Its adapter was decided on.", adapter=version)
    life.now += 120.0
    Windows(life.database, clock=life.clock).close(
        window.number, life.now, "lab", used_seconds=steps * 9.0, run=run.number, yield_seconds=0.08
    )


def _adapter(life: Life, run: int, passes: bool) -> int:
    weights = life.rng.randbytes(200_000)
    adapters = Adapters(life.database, clock=life.clock)
    made = adapters.add(
        EMBEDDED_MODEL, hashlib.sha256(weights).hexdigest(), life.generation, f"Made by run {run}."
    )
    folder = (published_folder if passes else candidate_folder)(life.home, made.version)
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(weights)
    for name in set(FILES) - {WEIGHTS}:
        (folder / name).write_text(json.dumps({"version": made.version, "base_sha256": "0" * 64}))
    Gates(life.database, clock=life.clock).record(made.version, _gate(passes))
    if passes:
        adapters.decide(made.version, AdapterStatus.PROMOTED, "Its gate passed.")
        Serving(life.database, clock=life.clock).put(made.version, ServingCause.PROMOTE, "Its gate passed.")
        life.adapter = made.version
    else:
        adapters.decide(made.version, AdapterStatus.REJECTED, "No gain was shown.")
    return made.version


def _gate(passes: bool) -> GateReport:
    gain = Interval(0.09, 0.03, 0.15) if passes else Interval(0.01, -0.04, 0.06)
    told = "A gain of 9 points is shown." if passes else "No gain is shown."
    return GateReport(
        Verdict.PROMOTE if passes else Verdict.REJECT,
        told,
        (
            Comparison("gain", 80, 0.74 if passes else 0.66, 0.65, gain, passes, told),
            Comparison(
                "regression/base", 60, 0.95, 0.95, Interval(0.0, -0.03, 0.03), True, "Nothing is lost."
            ),
        ),
        1,
    )


def _write_notebooks(folder: Path, tasks: int) -> None:
    """The notebooks with the cells that the tasks were asked in; the last one was deleted since."""
    ids = [f"cell-{n}" for n in range(1, tasks + 40)]
    ids += [f"cell-{rule}-{number}" for rule in range(len(RULES)) for number in range(3)]
    for name in NOTEBOOKS[:-1]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_notebook(ids)))


def _notebook(ids: Sequence[str]) -> dict[str, object]:
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": id_,
            "metadata": {},
            "outputs": [],
            "source": f"# {id_}",
        }
        for id_ in ids
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


if __name__ == "__main__":
    live(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)

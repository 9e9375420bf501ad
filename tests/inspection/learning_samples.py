"""Tasks and skills for the tests of what is told."""

from dataclasses import replace

from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.trajectory import InjectedSkill, Observation, Stamp, Step, StopReason, Trajectory

RULE = Skill(
    "csv-separator", "How values are separated. Use for csv files.", "Write csv files with semicolons."
)
REWORDED = replace(RULE, body="Separate values in csv files by semicolons.")
CHECK = Check(CheckKind.SCRIPT, "assert ';' in open('out.csv').read()")
SAID = "The separator is a comma; the house uses semicolons."


def asked(id: str, *skills: InjectedSkill, generation: int = 0, **changes: object) -> Trajectory:  # noqa: A002
    """A task in cell c1 of a.ipynb, ended well where nothing else is said."""
    made = Trajectory(
        id,
        Task("Save the rows as csv", checks=(CHECK,), origin=Origin("a.ipynb", "c1")),
        Stamp(generation, skills, "tiny"),
        steps=(Step(0, (), "the reply", "save(rows)", Observation()),),
        stop=StopReason.DONE,
        checks=(CheckResult(CHECK, True),),
        score=Score(1.0, ScoreSource.OUTCOME),
        created_at=1_700_000_000.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def failed(id: str, *skills: InjectedSkill, generation: int = 0, **changes: object) -> Trajectory:  # noqa: A002
    """The same task, its check not passed."""
    ended = {"stop": StopReason.CHECK_FAILED, "checks": (CheckResult(CHECK, False, SAID),)}
    score = Score(-1.0, ScoreSource.OUTCOME)
    return asked(id, *skills, generation=generation, **{**ended, "score": score, **changes})


def injected(skill: Skill = RULE) -> InjectedSkill:
    """The skill as it goes into a prompt."""
    return InjectedSkill(skill.name, skill.sha256, 1.25)

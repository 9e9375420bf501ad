"""Tasks that went well and would have a new skill in their prompts: what it teaches must not spoil them.

A small policy does what a sentence before it says, also where that sentence is of something else: told to write with
semicolons it reads with semicolons.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from metaclaw_jlab.core.score import Score
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Purpose, StopReason, Trajectory
from metaclaw_jlab.learning.support_set import injected
from metaclaw_jlab.learning.wording import Trial
from metaclaw_jlab.skills.retrieval import BM25Retriever
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories

LATEST = 24
MOST = 2


def bystanders(
    database: Database, skill: Skill, texts: Sequence[str], but: Collection[str] = ()
) -> tuple[Trial, ...]:
    """At most two of the user's latest tasks that went well and that this skill would be found for, each text once.

    `texts` are masked texts of the tasks that it answers; `but` are ids of trajectories that it came from.
    """
    retriever = BM25Retriever([skill], texts={skill.name: texts})
    found: dict[str, Trajectory] = {}
    for trajectory in Trajectories(database).recent(LATEST, purposes=(Purpose.USER,)):
        if trajectory.id in but or not _went_well(trajectory):
            continue
        if any(own.name == skill.name for own in trajectory.stamp.skills):
            continue
        if retriever.search(trajectory.task.text, 1):
            found.setdefault(trajectory.task.text, trajectory)
    skills = Skills(database)
    return tuple(Trial(one.id, injected(one, skills), (), "") for one in list(found.values())[:MOST])


def _went_well(trajectory: Trajectory) -> bool:
    said_bad = isinstance(trajectory.score, Score) and trajectory.score.value < 0
    return (
        trajectory.stop is StopReason.DONE and not said_bad and all(one.passed for one in trajectory.checks)
    )

"""Turns of other agents are scored by a judge that has proved itself; which of them may train the policy.

A judge's word makes a failure of a turn, which the fast loop then learns from like from any other. So it is trusted
only while its last trial, under the rubric for turns, says that it tells right from wrong.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.score import Score, Unscored
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.learning.judging import AT_ONCE, JudgeUse, recorded_samples
from metaclaw_jlab.learning.support_set import injected
from metaclaw_jlab.learning.turn_keeping import ATTACHED, TOOLS
from metaclaw_jlab.learning.turn_text import is_whole
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.reward_models.judge_prompt import case_of
from metaclaw_jlab.reward_models.trial import try_judge
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.judging import JudgeTest, Judging
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.turns import Turns

MOST_TURNS = 200  # scored at one time, the newest first
TRIED_SECONDS = 7 * 86_400.0  # a judge is tried again after so long,
REFUSED_SECONDS = 3_600.0  # and one that failed its trial, or could not be asked, after so long
NO_JUDGE = "There is no judge (judge.base_url)."
_KIND = " on turns"
_PASSING = ("The judge failed", "The budget", "The judge was not asked")  # what another time may go better


@dataclass(frozen=True, slots=True)
class Scored:
    """What a judge made of the turns that waited: how many it scored, how many of them were wrong, how many it could
    not tell of; `reason` says why none were looked at."""

    scored: int = 0
    wrong: int = 0
    untold: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnJudging:
    """A judge for turns. `clock` gives seconds since the epoch."""

    use: JudgeUse
    clock: Callable[[], float] = field(default=time.time)


def turn_judge_test(database: Database, model: str) -> JudgeTest | None:
    """The last trial of a judge under the rubric for turns."""
    return Judging(database).latest(model + _KIND)


def score_turns(judging: TurnJudging, *, limit: int = MOST_TURNS) -> Scored:
    """Have the turns that came to a good end scored, each by its last step with all before it in view.

    Raises StoreError; a judge that cannot be asked is no error, but a reason.
    """
    database = judging.use.database
    waiting = Turns(database).unscored(limit)
    if not waiting:
        return Scored()
    try:
        judge = judging.use.open()
        if judge is None:
            return Scored(reason=NO_JUDGE)
        if refusal := _distrust(judging, judge):
            return Scored(reason=refusal)
    except MetaclawError as error:
        return Scored(reason=f"The judge cannot be used: {error.cause}")
    return _scored(database, judge, waiting)


def admit_turns(database: Database) -> int:
    """Make query of the judged turns that the policy can be trained on by a judge's word alone; how many.

    Only where the user allows that (proxy.train_judged): whoever calls this has looked. None is held out, because a
    gate takes no judge's word.
    """
    trajectories, starts = Trajectories(database), StartStates(database)
    admitted = 0
    for trajectory_id in Turns(database).admissible():
        trajectory = trajectories.get(trajectory_id)
        if refusal := why_not_turn(trajectory):
            trajectories.set_role_reason(trajectory_id, refusal)
            continue
        starts.keep(trajectory_id, StartState())  # nothing is run, so it starts from nothing
        admitted += trajectories.admit(trajectory_id, held_out_share=0.0)
    return admitted


def why_not_turn(trajectory: Trajectory) -> str:
    """Why a turn is none to train on, whatever the user allows, in a sentence; "" where it is one."""
    names = {reference.name for reference in trajectory.task.references}
    if trajectory.stop is not StopReason.DONE:
        return "It did not come to its end."
    if TOOLS in names or any(step.action for step in trajectory.steps):
        return "Its agent has tools of its own, which cannot be run again."
    if ATTACHED in names:
        return "Not all of it is text."
    if not trajectory.steps or not trajectory.steps[-1].reply.strip():
        return "Nothing was answered."
    if not all(is_whole(step.messages) for step in trajectory.steps):
        return "Its conversation is too long to be kept whole."
    return ""


def _distrust(judging: TurnJudging, judge: Judge) -> str:
    """Why a judge is not believed about turns, "" where it is; it is tried where that was long ago. Raises
    MetaclawError."""
    store = Judging(judging.use.database, clock=judging.clock)
    latest = store.latest(judge.model + _KIND)
    if latest is None or not _holds(latest, judging.clock()):
        seed = zlib.crc32(f"turns/{judge.model}/{judging.clock()}".encode())
        trial = try_judge(judge, recorded_samples(judging.use.database), seed=seed, turns=True)
        store.record(judge.model + _KIND, trial.usable, trial.auc, tuple(trial.canaries_failed), trial.reason)
        return "" if trial.usable else trial.reason
    return "" if latest.usable else latest.reason


def _holds(test: JudgeTest, now: float) -> bool:
    age = now - test.at
    return 0 <= age < (TRIED_SECONDS if test.usable else REFUSED_SECONDS)


def _scored(database: Database, judge: Judge, waiting: tuple[str, ...]) -> Scored:
    trajectories, turns, skills = Trajectories(database), Turns(database), Skills(database)
    scored = wrong = untold = 0
    for first in range(0, len(waiting), AT_ONCE):
        some = [trajectories.get(one) for one in waiting[first : first + AT_ONCE]]
        some = [one for one in some if one.steps]
        cases = [
            case_of(one, len(one.steps) - 1, [skill.body for skill in injected(one, skills)]) for one in some
        ]
        for one, score in zip(some, judge.score_all(cases), strict=True):
            if isinstance(score, Unscored):
                if not score.reason.startswith(_PASSING):
                    turns.score(one.id, score)
                    untold += 1
                continue
            trajectories.score_step(one.id, one.steps[-1].index, score)
            scored += turns.score(one.id, score)
            wrong += _is_wrong(score)
    return Scored(scored, wrong, untold)


def _is_wrong(score: Score) -> bool:
    return score.value < 0

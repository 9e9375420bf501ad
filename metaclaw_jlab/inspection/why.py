"""Why a task went as it did: the skills, why they were chosen and whence they came, the steps, scores, cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.score import Score, Scoring
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import InjectedSkill, Observation, Purpose, Step, StopReason, Trajectory
from metaclaw_jlab.inspection.aftermath import Aftermath, aftermath
from metaclaw_jlab.inspection.feedback import proposes
from metaclaw_jlab.inspection.generations import GenerationAccount, describe_generation
from metaclaw_jlab.inspection.lines import local_time, notebook_name, shortened, unified
from metaclaw_jlab.inspection.roles import role_in_words
from metaclaw_jlab.inspection.turns import TurnAccount, asked_in_words, end_in_words, turn_account
from metaclaw_jlab.inspection.whence import Version, Whence, whence

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

OBSERVATION_LINES = 8
COLUMNS = 110
NEAREST = 3
EDIT_LINES = 60
STOPS = {
    StopReason.DONE: "done",
    StopReason.CHECK_FAILED: "the policy said that it was done, but a check failed",
    StopReason.OUT_OF_STEPS: "not finished when its steps ran out",
    StopReason.NO_ACTION: "the policy answered without code",
    StopReason.REPEATED: "the policy proposed the same failing code again",
    StopReason.CANCELLED: "stopped by the user",
    StopReason.POLICY_FAILED: "the policy did not answer",
    StopReason.EXECUTOR_FAILED: "the code could not be run",
    StopReason.REJECTED: "the user turned the proposal down",
    StopReason.EXPIRED: "proposed, but never run",
    StopReason.INTERRUPTED: "its process ended",
}
_WORD = re.compile(r"\w+")


class SkillState(StrEnum):
    """What has become of an injected skill."""

    CURRENT = "current"
    EDITED = "edited since"
    REMOVED = "removed since"


@dataclass(frozen=True, slots=True)
class ChosenSkill:
    """A skill that was in the prompt: its rank, its relevance, and the task's words that it has too.

    `version` is the one that was in the prompt; where another is current, `whence.current` tells. `like` is the masked
    text of another task by which the index finds it now.
    """

    rank: int
    name: str
    relevance: float
    state: SkillState
    words: tuple[str, ...] = ()
    like: str | None = None
    sha256: str = ""
    version: Version | None = None
    whence: Whence | None = None


@dataclass(frozen=True, slots=True)
class OtherSkill:
    """A skill that is in the library and was not in the prompt, and its relevance as it is now."""

    name: str
    relevance: float


@dataclass(frozen=True, slots=True)
class StepAccount:
    """One step. `code` is None where it was not asked for or there is none; `edit` are the lines of a diff from the
    code that was proposed to the code that the user ran in its place; `said` is the reply of another agent's turn.
    `process` are the scores that `scores` tells in words."""

    number: int
    code: str | None
    output: tuple[str, ...]
    error: str | None
    ran: bool
    scores: tuple[str, ...]
    prompt_tokens: int
    completion_tokens: int
    policy_seconds: float
    run_seconds: float
    prompt: tuple[Message, ...] = ()
    reply: str | None = None
    edit: tuple[str, ...] = ()
    said: str | None = None
    process: tuple[Scoring, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckAccount:
    """A check and how it went."""

    source: str
    passed: bool
    feedback: str


@dataclass(frozen=True, slots=True)
class Account:
    """A trajectory as it is told to its user. `stop` is None while it is open; the threshold is today's.

    `fused`: vectors count beside words today, and a relevance is 1 for what both put first. `reward` is the score
    that `score` tells in words; `waits`: a proposed cell of it has not been run; `notebook` and `cell_id` are where it
    was asked, as they were recorded."""

    id: str
    task: str
    asked: str
    stop: str | None
    outcome: str
    threshold: float
    fused: bool
    chosen: tuple[ChosenSkill, ...]
    others: tuple[OtherSkill, ...]
    steps: tuple[StepAccount, ...]
    checks: tuple[CheckAccount, ...]
    score: str
    model: str
    adapter: int | None
    skill_generation: int
    seed: int | None
    role: str
    prompt_tokens: int
    completion_tokens: int
    policy_seconds: float
    run_seconds: float
    seconds: float
    generation: GenerationAccount | None = None
    current_generation: int | None = None
    role_in_words: str = ""
    turn: TurnAccount | None = None
    aftermath: Aftermath = field(default_factory=Aftermath)
    reward: Scoring | None = None
    notebook: str | None = None
    cell_id: str | None = None
    created_at: float = 0.0
    purpose: Purpose = Purpose.USER
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Background:
    """What the store knows around a trajectory. `skills` as they are now, `whence`, and `texts` of other tasks in the
    index are by name of the skills that were in its prompt; `others` came nearest where there was none.
    `least_relevance` is the threshold of today's policy, of words alone, where it was calibrated with one."""

    generation: GenerationAccount | None = None
    current_generation: int | None = None
    skills: Mapping[str, Skill] = field(default_factory=dict)
    others: tuple[OtherSkill, ...] = ()
    whence: Mapping[str, Whence] = field(default_factory=dict)
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    turn: TurnAccount | None = None
    aftermath: Aftermath = field(default_factory=Aftermath)
    least_relevance: float | None = None


def look_up(workspace: Workspace, trajectory: Trajectory) -> Background:
    """What the store knows around a trajectory. Raises StoreError."""
    from metaclaw_jlab.store.index_texts import IndexTexts
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(workspace.database())
    stamp = trajectory.stamp
    current, names = skills.current_number(), [skill.name for skill in stamp.skills]
    texts = IndexTexts(workspace.database()).of_all(names)
    return Background(
        generation=describe_generation(skills, stamp.skill_generation),
        current_generation=current,
        skills={skill.name: skill for skill in skills.members(current, names)} if names else {},
        others=() if names else _others(workspace, trajectory.task.text),
        whence={
            skill.name: whence(workspace, skill.name, by=stamp.skill_generation) for skill in stamp.skills
        },
        texts={
            name: tuple(entry.text for entry in found if entry.trajectory != trajectory.id)
            for name, found in texts.items()
        },
        turn=turn_account(workspace, trajectory.id) if trajectory.purpose is Purpose.PROXY else None,
        aftermath=aftermath(workspace, trajectory),
        least_relevance=workspace.prompting().threshold,
    )


def give_account(
    trajectory: Trajectory,
    *,
    settings: Settings,
    background: Background | None = None,
    show_prompt: bool = False,
    show_code: bool = True,
) -> Account:
    """The account of a trajectory. `show_prompt` adds the messages and the reply of every step, whole."""
    from metaclaw_jlab.assembly.retrieval import dense_weight
    from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD

    known = background or Background()
    wanted, own = settings.skills.threshold, known.least_relevance
    stamp = trajectory.stamp
    turn = trajectory.purpose is Purpose.PROXY
    steps = tuple(
        _step(step, show_prompt=show_prompt, show_code=show_code, turn=turn) for step in trajectory.steps
    )
    policy_seconds = sum(step.policy_seconds for step in steps)
    return Account(
        id=trajectory.id,
        task=trajectory.task.text.strip(),
        asked=_asked(trajectory, known.turn),
        stop=trajectory.stop.value if trajectory.stop else None,
        outcome=outcome_in_words(trajectory),
        threshold=max(DEFAULT_THRESHOLD if wanted is None else wanted, own or 0.0),
        fused=own is None and dense_weight(settings.skills) > 0,
        chosen=tuple(
            _chosen(rank, injected, trajectory, known) for rank, injected in enumerate(stamp.skills, start=1)
        ),
        others=known.others,
        steps=steps,
        checks=tuple(
            CheckAccount(result.check.source.strip(), result.passed, result.feedback)
            for result in trajectory.checks
        ),
        score=score_in_words(trajectory.score),
        model=stamp.model,
        adapter=stamp.adapter,
        skill_generation=stamp.skill_generation,
        seed=stamp.seed,
        role=trajectory.role.value,
        prompt_tokens=sum(step.prompt_tokens for step in steps),
        completion_tokens=sum(step.completion_tokens for step in steps),
        policy_seconds=policy_seconds,
        run_seconds=sum(step.run_seconds for step in steps),
        seconds=trajectory.seconds,
        generation=known.generation,
        current_generation=known.current_generation,
        role_in_words=role_in_words(trajectory, known.aftermath.role_reason),
        turn=known.turn,
        aftermath=known.aftermath,
        reward=trajectory.score,
        notebook=trajectory.task.origin.notebook,
        cell_id=trajectory.task.origin.cell_id,
        created_at=trajectory.created_at,
        purpose=trajectory.purpose,
        waits=proposes(trajectory),
    )


def outcome_in_words(trajectory: Trajectory) -> str:
    """How a trajectory ended, in a sentence."""
    if trajectory.purpose is Purpose.PROXY:
        return end_in_words(trajectory)
    if trajectory.stop is None:
        waiting = trajectory.steps and trajectory.steps[-1].observation is None
        return "open: its proposed cell has not been run" if waiting else "open"
    told = STOPS[trajectory.stop]
    return f"{told}: {trajectory.stop_detail}" if trajectory.stop_detail else told


def score_in_words(score: Scoring | None) -> str:
    """A score with its source and reason, or why there is none."""
    if score is None:
        return "none yet"
    if not isinstance(score, Score):
        return f"unscored: {score.reason}"
    told = f"{score.value:+.2f} by {score.source}"
    return f"{told} ({score.reason})" if score.reason else told


def _asked(trajectory: Trajectory, turn: TurnAccount | None) -> str:
    origin = trajectory.task.origin
    parts = [local_time(trajectory.created_at)]
    if turn is not None:
        return f"{parts[0]}, {asked_in_words(turn, _stage(trajectory))}"
    parts.append(f"in {notebook_name(origin.notebook)}")
    if origin.cell_id:
        parts.append(f"cell {origin.cell_id}")
    if trajectory.task.name:
        parts.append(f"as {trajectory.task.name}")
    return ", ".join(parts)


def _stage(trajectory: Trajectory) -> str:
    """The stage of a pipeline that a turn is of, "" where its client named none."""
    from metaclaw_jlab.learning.turn_keeping import STAGE

    return next((one.text for one in trajectory.task.references if one.name == STAGE), "")


def _chosen(rank: int, injected: InjectedSkill, trajectory: Trajectory, known: Background) -> ChosenSkill:
    from metaclaw_jlab.skills.retrieval import closest_text

    origin = known.whence.get(injected.name)
    skill = known.skills.get(injected.name)
    if skill is None:
        state = SkillState.REMOVED
    else:
        state = SkillState.CURRENT if skill.sha256 == injected.sha256 else SkillState.EDITED
    return ChosenSkill(
        rank=rank,
        name=injected.name,
        relevance=injected.relevance,
        state=state,
        words=_shared_words(trajectory.task.text, skill) if skill is not None else (),
        like=closest_text(trajectory.task.text, known.texts.get(injected.name, ())),
        sha256=injected.sha256,
        version=origin.version(injected.sha256, trajectory.stamp.skill_generation) if origin else None,
        whence=origin,
    )


def _shared_words(text: str, skill: Skill) -> tuple[str, ...]:
    from metaclaw_jlab.skills.words import words

    known = set(words(f"{skill.name}\n{skill.description}\n{skill.body}"))
    found = (word for word in _WORD.findall(text) if known.intersection(words(word)))
    return tuple(dict.fromkeys(word.lower() for word in found))


def _others(workspace: Workspace, text: str) -> tuple[OtherSkill, ...]:
    from metaclaw_jlab.inspection.nearest import nearest

    return tuple(OtherSkill(match.skill.name, match.relevance) for match in nearest(workspace, text, NEAREST))


def _step(step: Step, *, show_prompt: bool, show_code: bool, turn: bool) -> StepAccount:
    observation = step.observation
    error = observation.error if observation else None
    return StepAccount(
        number=step.index + 1,
        code=step.action if show_code and step.action and not turn else None,
        output=_output(observation),
        error=f"{error.name}: {error.message}" if error else None,
        ran=observation is not None,
        scores=tuple(score_in_words(score) for score in step.scores),
        prompt_tokens=step.usage.prompt_tokens,
        completion_tokens=step.usage.completion_tokens,
        policy_seconds=step.policy_seconds,
        run_seconds=observation.seconds if observation else 0.0,
        prompt=step.messages if show_prompt else (),
        reply=step.reply if show_prompt else None,
        edit=_edit(step) if show_code else (),
        said=step.reply if turn and show_code else None,
        process=step.scores,
    )


def _edit(step: Step) -> tuple[str, ...]:
    if step.ran is None:
        return ()
    return tuple(unified(step.action, step.ran, "proposed", "run")[:EDIT_LINES])


def _output(observation: Observation | None) -> tuple[str, ...]:
    if observation is None:
        return ()
    text = "\n".join(
        part.rstrip("\n") for part in (observation.stdout, observation.stderr, observation.result) if part
    )
    return tuple(shortened(text, OBSERVATION_LINES, COLUMNS))

"""Why a task went as it did: the skills and why they were chosen, the steps, scores, checks, tokens, time."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.score import Score, Scoring
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import InjectedSkill, Observation, Step, StopReason, Trajectory
from metaclaw_jlab.inspection.lines import counted, one_line, rows, shortened

if TYPE_CHECKING:
    from metaclaw_jlab.skills.library import Library

OBSERVATION_LINES = 8
COLUMNS = 110
NEAREST = 3
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
    """A skill that was in the prompt: its rank, its relevance, and the task's words that it has too."""

    rank: int
    name: str
    relevance: float
    state: SkillState
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherSkill:
    """A skill that is in the library and was not in the prompt, and its relevance as it is now."""

    name: str
    relevance: float


@dataclass(frozen=True, slots=True)
class StepAccount:
    """One step. `code` and `output` are None where they were not asked for or there are none."""

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


@dataclass(frozen=True, slots=True)
class CheckAccount:
    """A check and how it went."""

    source: str
    passed: bool
    feedback: str


@dataclass(frozen=True, slots=True)
class Account:
    """A trajectory as it is told to its user. `stop` is None while it is open."""

    id: str
    task: str
    asked: str
    stop: str | None
    outcome: str
    threshold: float
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


def give_account(
    trajectory: Trajectory,
    *,
    library: Library,
    settings: Settings,
    show_prompt: bool = False,
    show_code: bool = True,
) -> Account:
    """The account of a trajectory. `show_prompt` adds the messages and the reply of every step, whole."""
    from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD

    wanted = settings.skills.threshold
    stamp = trajectory.stamp
    steps = tuple(_step(step, show_prompt=show_prompt, show_code=show_code) for step in trajectory.steps)
    policy_seconds = sum(step.policy_seconds for step in steps)
    return Account(
        id=trajectory.id,
        task=trajectory.task.text.strip(),
        asked=_asked(trajectory),
        stop=trajectory.stop.value if trajectory.stop else None,
        outcome=outcome_in_words(trajectory),
        threshold=DEFAULT_THRESHOLD if wanted is None else wanted,
        chosen=tuple(
            _chosen(rank, injected, trajectory.task.text, library)
            for rank, injected in enumerate(stamp.skills, start=1)
        ),
        others=() if stamp.skills else _nearest(trajectory.task.text, library),
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
    )


def explain(
    trajectory: Trajectory,
    *,
    library: Library,
    settings: Settings,
    show_prompt: bool = False,
    show_code: bool = True,
) -> str:
    """The account of a trajectory as plain text."""
    return render_account(
        give_account(
            trajectory, library=library, settings=settings, show_prompt=show_prompt, show_code=show_code
        )
    )


def outcome_in_words(trajectory: Trajectory) -> str:
    """How a trajectory ended, in a sentence."""
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


def render_account(account: Account) -> str:
    """The account as plain text."""
    head = [
        f"Task {account.id}: {one_line(account.task, COLUMNS)}",
        *rows(
            [
                ("ended", account.outcome),
                ("asked", account.asked),
                ("policy", _policy(account)),
                ("score", account.score),
                ("cost", _cost(account)),
            ],
            indent="  ",
        ),
    ]
    parts = [head, _skill_lines(account), *(_step_lines(step) for step in account.steps)]
    if account.checks:
        parts.append(["Checks", *map(_check_line, account.checks)])
    return "\n\n".join("\n".join(part) for part in parts)


def _asked(trajectory: Trajectory) -> str:
    origin = trajectory.task.origin
    when = datetime.datetime.fromtimestamp(trajectory.created_at).astimezone()
    parts = [when.strftime("%Y-%m-%d %H:%M:%S")]
    parts.append(f"in {origin.notebook}" if origin.notebook else "in no notebook that is known")
    if origin.cell_id:
        parts.append(f"cell {origin.cell_id}")
    if trajectory.task.name:
        parts.append(f"as {trajectory.task.name}")
    return ", ".join(parts)


def _chosen(rank: int, injected: InjectedSkill, text: str, library: Library) -> ChosenSkill:
    skill = next((skill for skill in library.skills if skill.name == injected.name), None)
    if skill is None:
        return ChosenSkill(rank, injected.name, injected.relevance, SkillState.REMOVED)
    state = SkillState.CURRENT if skill.sha256 == injected.sha256 else SkillState.EDITED
    return ChosenSkill(rank, injected.name, injected.relevance, state, _shared_words(text, skill))


def _shared_words(text: str, skill: Skill) -> tuple[str, ...]:
    from metaclaw_jlab.skills.words import words

    known = set(words(f"{skill.name}\n{skill.description}\n{skill.body}"))
    found = (word for word in _WORD.findall(text) if known.intersection(words(word)))
    return tuple(dict.fromkeys(word.lower() for word in found))


def _nearest(text: str, library: Library) -> tuple[OtherSkill, ...]:
    from metaclaw_jlab.skills.retrieval import BM25Retriever

    if not library.skills:
        return ()
    matches = BM25Retriever(library.skills, threshold=0.0).search(text, NEAREST)
    return tuple(OtherSkill(match.skill.name, match.relevance) for match in matches)


def _step(step: Step, *, show_prompt: bool, show_code: bool) -> StepAccount:
    observation = step.observation
    error = observation.error if observation else None
    return StepAccount(
        number=step.index + 1,
        code=step.action if show_code and step.action else None,
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
    )


def _output(observation: Observation | None) -> tuple[str, ...]:
    if observation is None:
        return ()
    text = "\n".join(
        part.rstrip("\n") for part in (observation.stdout, observation.stderr, observation.result) if part
    )
    return tuple(shortened(text, OBSERVATION_LINES, COLUMNS))


def _policy(account: Account) -> str:
    adapter = "" if account.adapter is None else f", adapter v{account.adapter}"
    seed = "" if account.seed is None else f", seed {account.seed}"
    return f"{account.model}{adapter}, skill generation {account.skill_generation}{seed}"


def _cost(account: Account) -> str:
    tokens = f"{account.prompt_tokens:,} + {account.completion_tokens:,} tokens"
    return (
        f"{counted(len(account.steps), 'step')}, {tokens} (prompt + completion), {account.seconds:.1f} s "
        f"(policy {account.policy_seconds:.1f} s, code {account.run_seconds:.1f} s)"
    )


def _skill_lines(account: Account) -> list[str]:
    if account.chosen:
        told = [(f"{skill.rank}. {skill.name}", _why_chosen(skill)) for skill in account.chosen]
        return [
            f"Skills in the prompt (relevance; the threshold is {account.threshold:.2f})",
            *rows(told, "  "),
        ]
    if not account.others:
        return ["No skill was in the prompt: none in the library shares a telling word with the task."]
    told = [(other.name, f"{other.relevance:.2f}") for other in account.others]
    return [
        f"No skill was in the prompt. Nearest now (relevance; the threshold is {account.threshold:.2f})",
        *rows(told, "  "),
    ]


def _why_chosen(skill: ChosenSkill) -> str:
    shares = f", shares {', '.join(map(repr, skill.words))}" if skill.words else ""
    state = "" if skill.state is SkillState.CURRENT else f", {skill.state}"
    return f"{skill.relevance:.2f}{shares}{state}"


def _step_lines(step: StepAccount) -> list[str]:
    told = [f"policy {step.policy_seconds:.1f} s"]
    told += [f"code {step.run_seconds:.1f} s"] if step.ran else ["not run"]
    lines = [f"Step {step.number} ({', '.join(told)})"]
    for message in step.prompt:
        lines += [f"  [{message.role}]", *(f"  | {line}" for line in message.content.split("\n"))]
    if step.reply is not None:
        lines += ["  [reply]", *(f"  | {line}" for line in step.reply.split("\n"))]
    elif step.code is not None:
        lines += [f"  {line}".rstrip() for line in step.code.rstrip().split("\n")]
    lines += [f"  > {line}" for line in step.output]
    if step.error is not None:
        lines.append(f"  ! {one_line(step.error, COLUMNS)}")
    return [*lines, *(f"  score {score}" for score in step.scores)]


def _check_line(check: CheckAccount) -> str:
    mark = "passed" if check.passed else "failed"
    told = f"  {mark}  {one_line(check.source, COLUMNS)}"
    return told if check.passed or not check.feedback else f"{told}: {one_line(check.feedback, COLUMNS)}"

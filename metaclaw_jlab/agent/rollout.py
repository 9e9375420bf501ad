"""Does a task step by step: prompt, completion, code, observation, until an end that has a name."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from metaclaw_jlab.agent.context import within
from metaclaw_jlab.agent.ending import NO_CODE, End, end_before
from metaclaw_jlab.agent.parser import Reply, parse_reply
from metaclaw_jlab.agent.parts import next_part
from metaclaw_jlab.agent.prompt import opening, seen_messages
from metaclaw_jlab.agent.recording import Recording
from metaclaw_jlab.core.adapter import answering
from metaclaw_jlab.core.errors import ExecutorError, PolicyError, UsageMistake
from metaclaw_jlab.core.executor import Executor
from metaclaw_jlab.core.policy import Message, Policy, Sampling
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.reward_model import RewardModel
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.task import CheckResult, Task
from metaclaw_jlab.core.training import TrainingPrompt
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    InjectedSkill,
    Observation,
    Purpose,
    Recorder,
    Stamp,
    Step,
    StopReason,
    Trajectory,
    new_trajectory_id,
)
from metaclaw_jlab.reward_models.outcome import OutcomeReward, trajectory_score

_JUDGED = frozenset({StopReason.DONE, StopReason.NO_ACTION, StopReason.OUT_OF_STEPS, StopReason.REPEATED})
_EDITED = "The user changed the code before it ran."


def _ignore(_: object) -> None:
    pass


def _no_skills(_: Task) -> tuple[Match, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How tasks are done, and who is told.

    `on_proposal` gets a step before its code runs, `on_step` after; `on_end` gets the closed trajectory, also where
    KeyboardInterrupt is then raised. Replies and outputs are streamed only where somebody listens. A step is scored
    by `reward_model` with the task's checks where it was the last one, and without any where it was not. Without
    `learn` the trajectory never teaches anything. `prompting` is the way in which this policy is asked.
    """

    policy: Policy
    executor: Executor
    recorder: Recorder | None = None
    retrieve: Callable[[Task], tuple[Match, ...]] = _no_skills
    generation: int = 0
    prompting: Prompting = DEFAULT_PROMPTING
    sampling: Sampling = field(default_factory=Sampling)
    max_steps: int = 6
    context_chars: int = 48_000
    purpose: Purpose = Purpose.USER
    learn: bool = True
    reward_model: RewardModel = field(default_factory=OutcomeReward)
    score_trajectory: Callable[[tuple[Step, ...], tuple[CheckResult, ...]], Scoring] = trajectory_score
    on_begin: Callable[[Trajectory], None] = _ignore
    on_text: Callable[[str], None] | None = None
    on_proposal: Callable[[Step], None] = _ignore
    on_output: Callable[[str], None] | None = None
    on_step: Callable[[Step], None] = _ignore
    on_end: Callable[[Trajectory], None] = _ignore
    on_warning: Callable[[str], None] = _ignore
    clock: Callable[[], float] = time.perf_counter


def run_task(task: Task, rollout: Rollout) -> Trajectory:
    """Do a task to its end; the closed trajectory.

    A policy or executor that fails is an end, not an exception. KeyboardInterrupt closes the trajectory as
    cancelled and is raised again, so that a loop over tasks stops too.
    """
    return _to_end(_begin(task, rollout), _run)


def answer(prompt: TrainingPrompt, rollout: Rollout) -> Trajectory:
    """Answer a recorded prompt, its messages exactly as they were sent, and go on to the end of its task."""
    stamp = Stamp(rollout.generation, (), rollout.policy.model, seed=rollout.sampling.seed)
    subject = Trajectory(new_trajectory_id(), prompt.task, stamp, rollout.purpose, prompt.before)
    return _to_end(_Progress(rollout, subject, prompt.messages), _run)


def propose(subject: Task | Trajectory, rollout: Rollout) -> Trajectory:
    """The next action of a new task or of an open trajectory, without running it; the trajectory stays open.

    It is closed where the policy proposes no code, repeats code that failed, or has no step left. Raises
    UsageMistake where the trajectory has ended or its last action was not observed; KeyboardInterrupt.
    """
    progress = _begin(subject, rollout) if isinstance(subject, Task) else _resume(subject, rollout)
    return _to_end(progress, _propose)


def observe(
    trajectory: Trajectory, observation: Observation, rollout: Rollout, *, ran: str | None = None
) -> Trajectory:
    """An open trajectory with the observation of the action that it proposed last, closed if that was the end.

    `ran` is the code that was observed, where it was not the action: then the policy is neither praised nor blamed
    for the outcome. The policy is not asked. Raises UsageMistake where no proposal waits; KeyboardInterrupt.
    """
    if not waits(trajectory):
        raise UsageMistake(
            "No proposed cell of this task waits to be run.", "Ask for one with %metaclaw next."
        )
    step = replace(trajectory.steps[-1], ran=ran)
    before = replace(
        trajectory, steps=trajectory.steps[:-1], seconds=trajectory.seconds + observation.seconds
    )
    progress = _Progress(rollout, before, step.messages)

    def take_in(progress: _Progress) -> End | None:
        done = _finishes(parse_reply(step.reply), rollout)
        return _take_in(progress, step, done, observation, progress.recording.observe)

    return _to_end(progress, take_in)


def conclude(trajectory: Trajectory, stop: StopReason, detail: str, rollout: Rollout) -> Trajectory:
    """Close an open trajectory at its user's word; a failed check has the last one where that word is `done`.

    Nothing is checked where the last action was never run. The policy is not asked. Raises KeyboardInterrupt.
    """
    checks = () if waits(trajectory) else None
    progress = _Progress(rollout, trajectory, ())
    return _to_end(progress, lambda _: End(stop, detail, checks))


def waits(trajectory: Trajectory) -> bool:
    """Whether the trajectory is open and its last action was proposed, not run yet."""
    return trajectory.stop is None and bool(trajectory.steps) and trajectory.steps[-1].observation is None


@dataclass(frozen=True, slots=True)
class _Proposal:
    step: Step
    done: bool
    cut_off: bool


@dataclass(slots=True)
class _Progress:
    """A trajectory under way, and the conversation behind it."""

    rollout: Rollout
    trajectory: Trajectory
    messages: tuple[Message, ...]
    fresh: bool = False
    recording: Recording = field(init=False)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.recording = Recording(self.rollout.recorder, self.rollout.on_warning)
        self.started = self.rollout.clock()

    def add(self, step: Step, record: Callable[[str, Step], None] | None = None) -> None:
        self.trajectory = replace(self.trajectory, steps=(*self.trajectory.steps, step))
        (record or self.recording.append)(self.trajectory.id, step)

    def seconds(self) -> float:
        return self.trajectory.seconds + self.rollout.clock() - self.started


def _begin(task: Task, rollout: Rollout) -> _Progress:
    matches = rollout.retrieve(task)
    skills = tuple(InjectedSkill(match.skill.name, match.skill.sha256, match.relevance) for match in matches)
    model, adapter = answering(rollout.policy.model)
    stamp = Stamp(rollout.generation, skills, model, adapter, rollout.sampling.seed)
    trajectory = Trajectory(
        new_trajectory_id(),
        task,
        stamp,
        purpose=rollout.purpose,
        created_at=time.time(),
        learn=rollout.learn,
    )
    messages = opening(task, [match.skill.body for match in matches], rollout.prompting)
    return _Progress(rollout, trajectory, messages, fresh=True)


def _resume(trajectory: Trajectory, rollout: Rollout) -> _Progress:
    if trajectory.stop is not None:
        raise UsageMistake(f"Task {trajectory.id} has ended ({trajectory.stop}).", "Ask for a new one.")
    if not trajectory.steps or trajectory.steps[-1].observation is None:
        raise UsageMistake("The proposed cell has not been run yet.", "Run it, then ask for the next step.")
    seen = seen_messages(trajectory.task, trajectory.steps, rollout.prompting)
    return _Progress(rollout, trajectory, (*trajectory.steps[-1].messages, *seen))


def _finishes(reply: Reply, rollout: Rollout) -> bool:
    """Whether nothing follows this reply where its code runs without an error."""
    return reply.done or rollout.prompting.ends != "said"


def _to_end(progress: _Progress, advance: Callable[[_Progress], End | None]) -> Trajectory:
    """Advance and, at an end, judge and close. Whatever happens, the trajectory does not stay open by accident."""
    try:
        if progress.fresh:
            progress.recording.begin(progress.trajectory)
            progress.rollout.on_begin(progress.trajectory)
        end = advance(progress)
        if end is None:
            progress.trajectory = replace(progress.trajectory, seconds=progress.seconds())
            return progress.trajectory
        end = _judged(progress, end)
    except PolicyError as error:
        end = End(StopReason.POLICY_FAILED, str(error))
    except ExecutorError as error:
        end = End(StopReason.EXECUTOR_FAILED, str(error))
    except KeyboardInterrupt:
        _close(progress, End(StopReason.CANCELLED, "Stopped by the user."))
        raise
    except BaseException as error:
        _close(progress, End(StopReason.INTERRUPTED, f"{type(error).__name__}: {error}"))
        raise
    return _close(progress, end)


def _judged(progress: _Progress, end: End) -> End:
    checks = end.checks if end.checks is not None else _evaluate(progress)
    failed = [result for result in checks if not result.passed]
    if end.stop is not StopReason.DONE or not failed:
        return replace(end, checks=checks)
    feedback = " ".join(result.feedback or result.check.source for result in failed)
    return End(StopReason.CHECK_FAILED, feedback, checks)


def _close(progress: _Progress, end: End) -> Trajectory:
    checks = end.checks or ()
    progress.trajectory = replace(
        progress.trajectory,
        stop=end.stop,
        stop_detail=end.detail,
        checks=checks,
        score=_score(progress, end.stop, checks),
        seconds=progress.seconds(),
    )
    progress.recording.close(progress.trajectory)
    progress.rollout.on_end(progress.trajectory)
    return progress.trajectory


def _score(progress: _Progress, stop: StopReason, checks: tuple[CheckResult, ...]) -> Scoring:
    given, steps = progress.trajectory.score, progress.trajectory.steps
    if isinstance(given, Score) and given.source is ScoreSource.USER:
        return given
    if stop not in _JUDGED and stop is not StopReason.CHECK_FAILED:
        return Unscored(f"The task ended as {stop}.")
    if any(step.ran is not None for step in steps):
        return Unscored(_EDITED)
    return progress.rollout.score_trajectory(steps, checks)


def _run(progress: _Progress) -> End:
    while True:
        proposal = _ask(progress)
        if isinstance(proposal, End):
            return proposal
        observation = _execute(progress, proposal)
        if (end := _take_in(progress, proposal.step, proposal.done, observation)) is not None:
            return end


def _propose(progress: _Progress) -> End | None:
    proposal = _ask(progress)
    if isinstance(proposal, End):
        return proposal
    if not proposal.step.action:
        # Nothing that a user could run: it is told so, and asked again.
        return _take_in(progress, proposal.step, proposal.done, NO_CODE) or _propose(progress)
    progress.add(proposal.step, progress.recording.propose)
    progress.rollout.on_proposal(proposal.step)
    return None


def _ask(progress: _Progress) -> _Proposal | End:
    """One completion; an end where there is nothing in it to run. What arrived before a failure is recorded."""
    rollout, steps = progress.rollout, progress.trajectory.steps
    messages = within(progress.messages, rollout.context_chars)
    pieces: list[str] = []

    def keep(piece: str) -> None:
        pieces.append(piece)
        if rollout.on_text is not None:
            rollout.on_text(piece)

    on_text = keep if rollout.on_text is not None else None
    try:
        completion = rollout.policy.complete(messages, rollout.sampling, on_text=on_text)
    except BaseException:
        if pieces:
            progress.add(Step(len(steps), messages, "".join(pieces), ""))
        raise
    reply = parse_reply(completion.text)
    step = Step(
        index=len(steps),
        messages=messages,
        reply=completion.text,
        action=reply.action,
        usage=completion.usage,
        policy_seconds=completion.seconds,
    )
    if (end := end_before(progress.trajectory.task, steps, reply, rollout.prompting)) is not None:
        progress.add(step)
        return end
    cut_off = completion.finish_reason == "length" and completion.text.rstrip("\n").endswith(reply.action)
    return _Proposal(step, _finishes(reply, rollout), cut_off)


def _execute(progress: _Progress, proposal: _Proposal) -> Observation:
    rollout = progress.rollout
    if not proposal.step.action:
        return NO_CODE
    if proposal.cut_off:
        limit = rollout.sampling.max_tokens
        message = f"the reply was cut after {limit} tokens, before its code ended; nothing was run. Be brief."
        return Observation(error=ExecutionError("ReplyCutOff", message))
    try:
        rollout.on_proposal(proposal.step)
        return rollout.executor.execute(proposal.step.action, on_output=rollout.on_output)
    except BaseException:
        progress.add(proposal.step)
        raise


def _take_in(
    progress: _Progress,
    step: Step,
    done: bool,
    observation: Observation,
    record: Callable[[str, Step], None] | None = None,
) -> End | None:
    """Score and keep an observed step; an end where it was the last one."""
    rollout = progress.rollout
    step = replace(step, observation=observation)
    task, steps = progress.trajectory.task, (*progress.trajectory.steps, step)
    end: End | None = None
    if done and not observation.failed and next_part(task, steps, rollout.prompting) is None:
        end = End(StopReason.DONE)
    elif step.index + 1 >= rollout.max_steps:
        end = End(StopReason.OUT_OF_STEPS, f"Not finished within {rollout.max_steps} steps.")
    try:
        checks = _evaluate(progress) if end else ()
        step = replace(step, scores=(_scored(progress, step, observation, checks),))
    finally:
        progress.add(step, record)
        progress.messages += seen_messages(task, steps, rollout.prompting)
    rollout.on_step(step)
    return replace(end, checks=checks) if end else None


def _scored(
    progress: _Progress, step: Step, observation: Observation, checks: tuple[CheckResult, ...]
) -> Scoring:
    if step.ran is not None:
        return Unscored(_EDITED)
    task = progress.trajectory.task
    return progress.rollout.reward_model.score(task, step.action, observation, checks)


def _evaluate(progress: _Progress) -> tuple[CheckResult, ...]:
    return tuple(progress.rollout.executor.evaluate(check) for check in progress.trajectory.task.checks)

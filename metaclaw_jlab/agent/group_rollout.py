"""Groups: fresh completions of one prompt, each run in a room of its own and finished by the same policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field, replace

from metaclaw_jlab.agent.graded_sandbox import GradedSandbox
from metaclaw_jlab.agent.lockstep import Generate, Lockstep, LockstepPolicy
from metaclaw_jlab.agent.rollout import Rollout, answer
from metaclaw_jlab.agent.rooms import replay_steps
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.executor import Executor
from metaclaw_jlab.core.policy import Completion, Sampling
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.score import Scoring, Unscored
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.core.task import CheckResult
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.core.trajectory import Purpose, Stamp, Step, StopReason, Trajectory, new_trajectory_id
from metaclaw_jlab.reward_models.outcome import trajectory_score, verdict_score

MISMATCH = "The replay of its earlier steps went otherwise than recorded."
POLL_SECONDS = 0.05
_FAILED = frozenset({StopReason.POLICY_FAILED, StopReason.EXECUTOR_FAILED, StopReason.INTERRUPTED})


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one completion: its own step, the outcome of the whole task, and what ran after it.

    `step` is None where nothing could be run: then `outcome` says why, and `mismatched` whether it was the replay.
    """

    outcome: Scoring
    step: Step | None = None
    trajectory: Trajectory | None = None
    mismatched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRollout:
    """How groups are finished: `generate` is the policy that goes on after a completion, asked as `prompting` says."""

    model: str
    generate: Generate
    rooms: Rooms
    sampling: Sampling
    max_steps: int
    threads: ThreadPoolExecutor
    purpose: Purpose = Purpose.SKILL_REPLAY
    prompting: Prompting = DEFAULT_PROMPTING


@dataclass(frozen=True, slots=True)
class _Job:
    place: int
    prompt: TrainingPrompt
    completion: Completion
    seed: int


@dataclass
class PendingGroups:
    """Groups whose completions are being run."""

    _places: Sequence[tuple[int, ...]]
    _futures: Mapping[int, Future[Answered]] = field(default_factory=dict)

    def wait(self, between: Callable[[], None] = lambda: None) -> list[list[Answered]]:
        """One list for each prompt, one entry for each completion. `between` is called again and again meanwhile."""
        left = set(self._futures.values())
        while left:
            _, left = wait(left, POLL_SECONDS)
            between()
        return [[self._futures[place].result() for place in places] for places in self._places]


def start_groups(
    prompts: Sequence[TrainingPrompt],
    completions: Sequence[Sequence[Completion]],
    seeds: Sequence[Sequence[int]],
    how: GroupRollout,
) -> PendingGroups:
    """Begin to run the completions of each prompt. Equal replies to one prompt are run once and share the outcome.

    `how.threads` must have a thread for every completion: they wait for each other.
    """
    jobs: list[_Job] = []
    places: list[tuple[int, ...]] = []
    for prompt, found, own in zip(prompts, completions, seeds, strict=True):
        known: dict[tuple[str, str], int] = {}
        for completion, seed in zip(found, own, strict=True):
            key = (completion.text, completion.finish_reason)
            if key not in known:
                known[key] = len(jobs)
                jobs.append(_Job(len(jobs), prompt, completion, seed))
        places.append(tuple(known[(one.text, one.finish_reason)] for one in found))
    lockstep = Lockstep(range(len(jobs)), how.generate)
    return PendingGroups(places, {job.place: how.threads.submit(_run, job, lockstep, how) for job in jobs})


def outcome_of(executor: Executor) -> Callable[[tuple[Step, ...], tuple[CheckResult, ...]], Scoring]:
    """How a task's outcome is scored in this room: by degrees where it is graded, else by its checks."""
    if not isinstance(executor, GradedSandbox):
        return trajectory_score

    def graded(_: tuple[Step, ...], __: tuple[CheckResult, ...]) -> Scoring:
        verdict = executor.verdict()
        return verdict_score(
            ran=verdict.ran, task_right=verdict.task_right, strict=verdict.strict, reason=verdict.feedback
        )

    return graded


def _run(job: _Job, lockstep: Lockstep, how: GroupRollout) -> Answered:
    try:
        if job.prompt.kind is PromptKind.TURN:
            return _said(job, how)
        with closing(how.rooms.open(job.prompt.start, job.prompt.task)) as room:
            if not replay_steps(room, job.prompt.before):
                return Answered(Unscored(MISMATCH), mismatched=True)
            return _finished(job, room, lockstep, how)
    except ExecutorError as error:
        return Answered(Unscored(str(error)))
    finally:
        lockstep.leave(job.place)


def _said(job: _Job, how: GroupRollout) -> Answered:
    """A reply to another agent, which only says something: nothing of it is run, and no check tells its worth."""
    prompt, completion = job.prompt, job.completion
    step = Step(
        prompt.step,
        prompt.messages,
        completion.text,
        "",
        usage=completion.usage,
        policy_seconds=completion.seconds,
    )
    stamp = Stamp(0, (), how.model, seed=job.seed)
    steps = (*prompt.before, step)
    done = Trajectory(new_trajectory_id(), prompt.task, stamp, Purpose.PROXY, steps, StopReason.DONE)
    return Answered(Unscored("Only a judge can score it."), step, done)


def _finished(job: _Job, room: Executor, lockstep: Lockstep, how: GroupRollout) -> Answered:
    rollout = Rollout(
        policy=LockstepPolicy(how.model, job.place, [job.completion], lockstep),
        executor=room,
        prompting=how.prompting,
        sampling=replace(how.sampling, seed=job.seed),
        max_steps=how.max_steps,
        purpose=how.purpose,
        score_trajectory=outcome_of(room),
    )
    done = answer(job.prompt, rollout)
    if done.stop in _FAILED:
        return Answered(Unscored(done.stop_detail), trajectory=done)
    own = done.steps[job.prompt.step]
    return Answered(done.score or Unscored("Nothing scored it."), own, done)

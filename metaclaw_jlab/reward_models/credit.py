"""What a completion is rewarded with, and what of a group can be compared: checks before judges, never both in one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

from metaclaw_jlab.core.feedback import Feedback
from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.trajectory import Step

FLOOR = -1.0
MATTERS = 2.0
_SAME = 1e-9


class Answered(Protocol):
    """One completion that was run: the outcome of its whole task, and its own step."""

    @property
    def outcome(self) -> Scoring:
        """The score of the final state: of checks, or a judge's vote on the last step."""

    @property
    def step(self) -> Step | None:
        """The completion's own step, with its observation and scores; None where nothing could be run."""


@dataclass(frozen=True, slots=True)
class GroupRewards(Sequence["float | None"]):
    """One reward for each completion of a group, in order; None where it is left out.

    `unscored` were left out because nothing is known of them, `mixed` because their score is of the other kind.
    """

    rewards: tuple[float | None, ...]
    unscored: int
    mixed: int
    reasons: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[float, ...]:
        """The rewards of those that count."""
        return tuple(reward for reward in self.rewards if reward is not None)

    @property
    def equal(self) -> bool:
        """Whether there is nothing to compare: fewer than two rewards, or all the same."""
        return len(self.known) < 2 or max(self.known) - min(self.known) < _SAME

    def __len__(self) -> int:
        return len(self.rewards)

    @overload
    def __getitem__(self, index: int) -> float | None: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[float | None]: ...

    def __getitem__(self, index: int | slice) -> float | Sequence[float | None] | None:
        return self.rewards[index]


def process_reward(step: Step | None) -> Scoring:
    """What a step earned by itself: -1 where its code raised, else the newest vote of a judge on it."""
    if step is None:
        return Unscored("The step was not run.")
    if step.observation is not None and step.observation.error is not None:
        return Score(FLOOR, ScoreSource.OUTCOME, f"raised {step.observation.error.name}")
    votes = [one for one in step.scores if isinstance(one, Score) and one.source is ScoreSource.JUDGE]
    return votes[-1] if votes else Unscored("No judge scored the step.")


def judged_outcome(ended: Scoring, vote: Scoring) -> Scoring:
    """The outcome of a task without checks: -1 where it ended with an exception, else the judge's vote.

    `ended` is what `trajectory_score` says of it, `vote` the judge's score of its last step.
    """
    return ended if isinstance(ended, Score) else vote


def completion_reward(outcome: Scoring, process: Scoring, *, process_weight: float) -> Scoring:
    """The outcome plus the weighted process reward of the completion's own step, held to [-1, 1].

    An outcome of checks takes no judge's process reward. One of a judge does, and is -1 where the step raised. Without
    an outcome nothing is known, and what a user said of another completion is none.
    """
    if isinstance(outcome, Unscored):
        return outcome
    if outcome.source is ScoreSource.USER:
        return Unscored("A user's word belongs to the completion that it was said of.")
    if isinstance(process, Unscored) or process.source is ScoreSource.USER:
        return outcome
    judged = outcome.source is ScoreSource.JUDGE
    if judged and process.source is ScoreSource.OUTCOME:
        return process if process.value == FLOOR else outcome
    if not judged and process.source is ScoreSource.JUDGE:
        return outcome
    total = outcome.value + process_weight * process.value
    reason = "; ".join(filter(None, (outcome.reason, process.reason)))
    return Score(max(-1.0, min(1.0, total)), outcome.source, reason)


def group_rewards(
    completions: Iterable[Answered], *, process_weight: float, judged: bool = False
) -> GroupRewards:
    """Rewards of the completions of one prompt.

    `judged`: the task has no checks, and a judge decides. Then an outcome of checks is of the wrong kind, except for an
    exception's -1; otherwise a judge's vote is. What is of the wrong kind is left out and counted, whichever is more.
    """
    rewards: list[float | None] = []
    reasons: list[str] = []
    unscored = mixed = 0
    for one in completions:
        outcome = one.outcome
        if isinstance(outcome, Score) and not _fits(outcome, judged):
            mixed += 1
            rewards.append(None)
            continue
        reward = completion_reward(outcome, process_reward(one.step), process_weight=process_weight)
        if isinstance(reward, Unscored):
            unscored += 1
            reasons.append(reward.reason)
        rewards.append(reward.value if isinstance(reward, Score) else None)
    return GroupRewards(tuple(rewards), unscored, mixed, tuple(dict.fromkeys(reasons)))


def prompt_weight(feedback: Sequence[Feedback]) -> float:
    """How much a task matters: twice as much where the user said or did anything about it, good or bad alike."""
    return MATTERS if feedback else 1.0


def _fits(outcome: Score, judged: bool) -> bool:
    if outcome.source is ScoreSource.JUDGE:
        return judged
    return not judged or outcome.value == FLOOR or outcome.source is ScoreSource.USER

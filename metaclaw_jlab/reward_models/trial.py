"""Whether a judge may be trained on: canaries among real steps, and how well it tells right from wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from metaclaw_jlab.core.score import Score, ScoreSource, Scoring, Unscored
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.reward_models.canaries import Canary, CanaryKind, Sample, make_canaries, make_samples
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.reward_models.judge_prompt import case_of

FLOOR = -1.0
LEAST_AUC = 0.75
FEWEST_OF_A_KIND = 10
MOST_OF_A_KIND = 20


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """What a canary got; it passed where that is the floor."""

    kind: CanaryKind
    got: Scoring

    @property
    def passed(self) -> bool:
        """Whether the judge was not taken in."""
        return isinstance(self.got, Score) and self.got.value == FLOOR


@dataclass(frozen=True, slots=True)
class JudgeTrial:
    """What a trial found. `auc` is over `n` scored steps with known outcomes, `made` of them of made tasks."""

    model: str
    usable: bool
    reason: str
    auc: float | None
    n: int
    made: int
    unscored: int
    canaries: tuple[CanaryResult, ...]

    @property
    def canaries_failed(self) -> tuple[str, ...]:
        """The canaries that were not scored at the floor, in words."""
        return tuple(result.kind.value for result in self.canaries if not result.passed)


def sample_of(trajectory: Trajectory, skills: Sequence[str] = ()) -> Sample | None:
    """The last step of a trajectory whose checks tell its outcome; None where nothing tells it."""
    score = trajectory.score
    if not trajectory.checks or not trajectory.steps or not isinstance(score, Score):
        return None
    if score.source is not ScoreSource.OUTCOME:
        return None
    right = all(check.passed for check in trajectory.checks)
    return Sample(case_of(trajectory, len(trajectory.steps) - 1, skills), right)


def try_judge(
    judge: Judge,
    samples: Iterable[Sample] = (),
    *,
    seed: int,
    check: Callable[[], None] = lambda: None,
    turns: bool = False,
) -> JudgeTrial:
    """Have canaries and samples judged, mixed with each other. Raises what `check` raises, as Judge.score_all does.

    At most 20 right and 20 wrong samples are drawn. Where there are fewer than 10 of either, small tasks with known
    answers stand in for those that are missing, so that a judge that says the same of everything is found out too.
    `turns`: under the rubric for turns of other agents.
    """
    rng = random.Random(seed)
    drawn = _drawn(rng, tuple(samples))
    canaries = make_canaries(rng.randrange(2**31), [one.case.task for one in drawn if not one.made])
    mixed: list[Canary | Sample] = [*canaries, *drawn]
    rng.shuffle(mixed)
    cases = [replace(one.case, turn=True) if turns else one.case for one in mixed]
    scores = judge.score_all(cases, check=check)
    results = {
        one.kind: CanaryResult(one.kind, score)
        for one, score in zip(mixed, scores, strict=True)
        if isinstance(one, Canary)
    }
    judged = [(one, score) for one, score in zip(mixed, scores, strict=True) if isinstance(one, Sample)]
    return _concluded(judge.model, tuple(results[kind] for kind in CanaryKind), judged)


def area_under_curve(right: Sequence[float], wrong: Sequence[float]) -> float:
    """The chance that a right step scores above a wrong one, ties half (Hanley and McNeil 1982). Raises ValueError."""
    if not right or not wrong:
        raise ValueError("Scores of right and of wrong steps are needed.")
    wins = sum((a > b) + 0.5 * (a == b) for a in right for b in wrong)
    return wins / (len(right) * len(wrong))


def _drawn(rng: random.Random, samples: Sequence[Sample]) -> list[Sample]:
    drawn: list[Sample] = []
    for outcome in (True, False):
        kind = [sample for sample in samples if sample.right is outcome]
        kept = rng.sample(kind, min(len(kind), MOST_OF_A_KIND))
        lacking = max(0, FEWEST_OF_A_KIND - len(kept))
        wanted = (lacking, 0) if outcome else (0, lacking)
        drawn += [*kept, *make_samples(rng.randrange(2**31), *wanted)]
    return drawn


def _concluded(
    model: str, canaries: tuple[CanaryResult, ...], judged: Sequence[tuple[Sample, Scoring]]
) -> JudgeTrial:
    known = [(sample, score.value) for sample, score in judged if isinstance(score, Score)]
    right = [value for sample, value in known if sample.right]
    wrong = [value for sample, value in known if not sample.right]
    auc = area_under_curve(right, wrong) if right and wrong else None
    unscored = len(judged) - len(known)
    made = sum(sample.made for sample, _ in known)
    why_not = _against(model, canaries, judged, auc, unscored)
    of = f"{len(known)} steps with known outcomes" + (f", {made} of them of made tasks" if made else "")
    reason = why_not or f"{model} was taken in by no canary, and its AUC over {of} is {auc:.2f}."
    return JudgeTrial(model, not why_not, reason, auc, len(known), made, unscored, canaries)


def _against(
    model: str,
    canaries: Sequence[CanaryResult],
    judged: Sequence[tuple[Sample, Scoring]],
    auc: float | None,
    unscored: int,
) -> str:
    """Why the judge is not used for training, "" where nothing speaks against it."""
    every = [result.got for result in canaries] + [score for _, score in judged]
    failures = [score.reason for score in every if isinstance(score, Unscored)]
    if 2 * len(failures) > len(every):
        return f"{model} left {len(failures)} of {len(every)} steps unscored: {failures[0]}"
    failed = [result for result in canaries if not result.passed]
    if failed:
        told = "; ".join(f"{result.kind.value} ({_got(result.got)})" for result in failed)
        return f"{model} did not score every canary at the floor: {told}."
    if 2 * unscored > len(judged) or auc is None:
        return f"{model} left {unscored} of {len(judged)} steps with known outcomes unscored."
    if auc < LEAST_AUC:
        return (
            f"{model} does not tell right from wrong well enough: its AUC is {auc:.2f} over "
            f"{len(judged) - unscored} steps with known outcomes; {LEAST_AUC:.2f} is the least."
        )
    return ""


def _got(score: Scoring) -> str:
    return "unscored" if isinstance(score, Unscored) else f"{score.value:+.0f}"

"""The judge of a training run: tried before it is trusted, then it scores recorded steps and, where it may, trains."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from metaclaw_jlab.agent.prompt import skills_told
from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt, TrainingRun
from metaclaw_jlab.core.trajectory import Purpose, Step, Trajectory
from metaclaw_jlab.reward_models.canaries import Sample
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.reward_models.judge_prompt import Case, case_of
from metaclaw_jlab.reward_models.trial import sample_of, try_judge
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.judging import Judging
from metaclaw_jlab.store.trajectories import Trajectories

LOOKED_AT = 200  # recent trajectories, among which steps with known outcomes are looked for
AT_ONCE = 16  # recorded steps that are scored before the budget is looked at again
KEPT_SHARE = 0.75  # of the requests that a trial leaves, kept for a training that needs the judge


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeUse:
    """What a judge may be used for. `open` gives one with a new budget, None where none is configured; `trains`: it
    may decide on tasks without checks, `trains_turns`: on turns of other agents; `secret_names`: variables whose values
    it must not see."""

    database: Database
    settings: JudgeSettings
    trains: bool
    open: Callable[[], Judge | None]
    secret_names: Sequence[str] = ()
    trains_turns: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a run trains on. `judge` is what its worker is told of the judge (see runtime.training_folder.Job), None
    where every prompt has checks; `note` says what became of tasks without checks, "" where there are none."""

    prompts: tuple[TrainingPrompt, ...]
    judge: dict[str, object] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    one: str
    several: str
    setting: str
    alone: str = ""


_TASKS = _Kind("task without checks", "tasks without checks", "training.judged")
_TURNS = _Kind("turn of another agent", "turns of other agents", "proxy.train_judged", " alone")


@dataclass(frozen=True, slots=True)
class Tried:
    """A judge that may be used, None where none may; `reason` says why, in a sentence."""

    judge: Judge | None
    reason: str = field(default="There is no judge.")


def choose(
    use: JudgeUse | None,
    run: TrainingRun,
    prompts: Sequence[TrainingPrompt],
    say: Callable[[str], None] = lambda _: None,
) -> Chosen:
    """Try the judge where there is one, have it score the recorded steps of these prompts' trajectories, and leave out
    what neither checks nor a judge can score. `say` is told what is under way, and what came of it."""
    tried = Tried(None) if use is None else tried_judge(use, run, say)
    asked = [prompt for prompt in prompts if not prompt.checked]
    wanted = {id(prompt) for prompt in asked if use is not None and _may_decide(use, prompt)}
    judge = tried.judge if wanted else None
    if use is not None and tried.judge is not None:
        kept = round(KEPT_SHARE * tried.judge.requests_left) if judge is not None else 0
        say("The judge scores recorded steps.")
        score_trajectories(use.database, tried.judge, dict.fromkeys(one.id for one in prompts), keep=kept)
    if not asked:
        return Chosen(tuple(prompts))
    taken = wanted if judge is not None else set()
    notes = [
        _note(
            kind, [one for one in asked if (one.kind is PromptKind.TURN) is turn], taken, judge, tried, wanted
        )
        for turn, kind in ((False, _TASKS), (True, _TURNS))
    ]
    note = " ".join(filter(None, notes))
    say(note)
    kept_prompts = tuple(one for one in prompts if one.checked or id(one) in taken)
    if use is None or judge is None:
        return Chosen(kept_prompts, None, note)
    told = use.settings.model_dump() | {"model": judge.model, "max_calls": judge.requests_left}
    return Chosen(kept_prompts, told | {"secret_names": list(use.secret_names)}, note)


def _may_decide(use: JudgeUse, prompt: TrainingPrompt) -> bool:
    return use.trains_turns if prompt.kind is PromptKind.TURN else use.trains


def _note(
    kind: _Kind,
    prompts: Sequence[TrainingPrompt],
    taken: set[int],
    judge: Judge | None,
    tried: Tried,
    wanted: set[int],
) -> str:
    """What becomes of the prompts of a kind that no check decides on, "" where there are none."""
    count = len({prompt.id for prompt in prompts})
    if not count:
        return ""
    told = f"1 {kind.one} is" if count == 1 else f"{count} {kind.several} are"
    if judge is not None and all(id(prompt) in taken for prompt in prompts):
        return f"{told} trained on the votes of {judge.model}{kind.alone}."
    allowed = all(id(prompt) in wanted for prompt in prompts)
    return f"{told} left out. {tried.reason if allowed else f'Judged rewards are off ({kind.setting}).'}"


def tried_judge(use: JudgeUse, run: TrainingRun, say: Callable[[str], None] = lambda _: None) -> Tried:
    """Try the judge on canaries of this run's own among recorded steps, and keep what the trial showed."""
    named = use.settings.model or use.settings.base_url or ""
    store = Judging(use.database)
    try:
        judge = use.open()
        if judge is None:
            return Tried(None)
        say(f"The judge {judge.model} is tried.")
        trial = try_judge(judge, recorded_samples(use.database), seed=_seed(run))
    except MetaclawError as error:
        reason = f"The judge cannot be used: {error.cause}"
        store.record(named, False, None, (), reason)
        return Tried(None, reason)
    store.record(trial.model, trial.usable, trial.auc, trial.canaries_failed, trial.reason)
    return Tried(judge if trial.usable else None, trial.reason)


def recorded_samples(database: Database) -> Iterator[Sample]:
    """Steps of recent tasks whose outcome is known, of those that may teach."""
    # Other agents may have had many turns since: they tell no outcome.
    for trajectory in Trajectories(database).recent(LOOKED_AT, purposes=(Purpose.USER, Purpose.RETRY)):
        if trajectory.learn:
            sample = sample_of(trajectory, _skills(trajectory))
            if sample is not None:
                yield sample


def score_trajectory(database: Database, judge: Judge, trajectory_id: str) -> int:
    """Have the judge score those steps of a trajectory that no judge has scored; how many got a score.

    Raises NotFound.
    """
    return score_trajectories(database, judge, (trajectory_id,))


def score_trajectories(database: Database, judge: Judge, ids: Iterable[str], *, keep: int = 0) -> int:
    """The same for several, while the judge has more than `keep` requests left. What it could not score is not kept,
    so that it may be asked again."""
    store, scored = Trajectories(database), 0
    waiting: list[tuple[str, int, Case]] = []
    for trajectory_id in ids:
        trajectory = store.get(trajectory_id)
        waiting += [(trajectory_id, place, case) for place, case in _unscored(trajectory)]
    for start in range(0, len(waiting), AT_ONCE):
        some = waiting[start : start + max(0, min(AT_ONCE, judge.requests_left - keep))]
        scores = judge.score_all([case for _, _, case in some])
        for (trajectory_id, index, _), score in zip(some, scores, strict=True):
            if isinstance(score, Score):
                store.score_step(trajectory_id, index, score)
                scored += 1
    return scored


def _unscored(trajectory: Trajectory) -> Iterator[tuple[int, Case]]:
    skills = _skills(trajectory)
    for place, step in enumerate(trajectory.steps):
        if not _judged(step):
            yield step.index, case_of(trajectory, place, skills)


def _judged(step: Step) -> bool:
    return any(isinstance(one, Score) and one.source is ScoreSource.JUDGE for one in step.scores)


def _skills(trajectory: Trajectory) -> tuple[str, ...]:
    return skills_told(trajectory.steps[0].messages) if trajectory.steps else ()


def _seed(run: TrainingRun) -> int:
    """Another one for every run, and not to be known before it begins."""
    return zlib.crc32(f"judge/{run.number}/{run.seed}/{run.created_at}".encode())

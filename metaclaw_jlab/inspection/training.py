"""What there is to tell of training: the run that is not over, the ones before it, what waits, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import TrainingError
from metaclaw_jlab.core.gate import GateReport, Verdict
from metaclaw_jlab.core.training import RunState, StepReport, TrainingRun
from metaclaw_jlab.inspection.lines import counted

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.config import Settings
    from metaclaw_jlab.store.database import Database
    from metaclaw_jlab.store.query import QueryCounts

RECENT = 5
_STEPS = 20  # the newest steps, whose median time an end is expected by


@dataclass(frozen=True, slots=True)
class Curves:
    """What was reported of each step, in the order of `step`; None where something was not computed."""

    step: tuple[int, ...] = ()
    reward: tuple[float, ...] = ()
    query_reward: tuple[float | None, ...] = ()
    replay_reward: tuple[float | None, ...] = ()
    loss: tuple[float, ...] = ()
    kl: tuple[float | None, ...] = ()
    entropy: tuple[float | None, ...] = ()
    completion_tokens: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RunAccount:
    """A training run. `pid` is the process that conducts it, None where none does; `eta_seconds` until its last step,
    None where that cannot be known; counts and speeds are over all its steps; `gate` is what its adapter's last gate
    said."""

    number: int
    state: RunState
    reason: str
    sentence: str
    skill_generation: int
    base: str
    seed: int
    steps: int
    steps_done: int
    prompts: int
    parent: int | None
    adapter: int | None
    created_at: float
    changed_at: float
    pid: int | None = None
    eta_seconds: float | None = None
    step_seconds: float | None = None
    tokens_per_second: float | None = None
    groups: int = 0
    equal_groups: int = 0
    unscored: int = 0
    mismatched: int = 0
    curves: Curves = Curves()
    gate: GateReport | None = None


@dataclass(frozen=True, slots=True)
class TrainingAccount:
    """Training in a home. `run` is not over; `recent` are, the newest first; `serving` is the adapter's version, None
    for the base; `missing` says in sentences what a training or its gate would lack now; `pid` is the process that
    trains, None where none does: it may be there before its run is."""

    sentence: str
    run: RunAccount | None
    recent: tuple[RunAccount, ...]
    serving: int | None
    counts: QueryCounts
    missing: tuple[str, ...] = ()
    pid: int | None = None


def training(workspace: Workspace, *, recent: int = RECENT) -> TrainingAccount:
    """What there is to tell. Raises StoreError, ConfigError."""
    from metaclaw_jlab.runtime.training_process import conductor
    from metaclaw_jlab.store.query import Query
    from metaclaw_jlab.store.serving import Serving
    from metaclaw_jlab.store.training import Training

    settings, database = workspace.settings(), workspace.database()
    store = Training(database)
    conducts = conductor(workspace.home)
    pid = None if conducts is None else conducts.pid
    current = store.current()
    run = None if current is None else describe_run(database, current, pid)
    over = [found for found in store.recent(recent + 1) if found.state.over][:recent]
    past = tuple(describe_run(database, found, None) for found in over)
    counts = Query(database, held_out_share=settings.training.held_out_share).counts()
    return TrainingAccount(
        sentence=_sentence(run, past, pid),
        run=run,
        recent=past,
        serving=Serving(database).current(None if settings.policy.base_url else settings.policy.local_model),
        counts=counts,
        missing=_missing(settings, counts, past, under_way=current is not None or pid is not None),
        pid=pid,
    )


def describe_run(database: Database, run: TrainingRun, pid: int | None) -> RunAccount:
    """A run with what was reported of its steps; `pid` conducts it, where a process does."""
    from metaclaw_jlab.store.gates import Gates
    from metaclaw_jlab.store.training import Training

    reports = Training(database).reports(run.number)
    gates = Gates(database).of(run.adapter) if run.adapter is not None else ()
    pid = None if run.state.over else pid
    seconds = _step_seconds(reports)
    left = run.steps - run.steps_done
    trains = run.state is RunState.TRAINING and pid is not None
    eta = left * seconds if trains and seconds is not None else None
    return RunAccount(
        number=run.number,
        state=run.state,
        reason=run.reason,
        sentence=_run_in_words(run, pid, eta, reports),
        skill_generation=run.skill_generation,
        base=run.base,
        seed=run.seed,
        steps=run.steps,
        steps_done=run.steps_done,
        prompts=run.prompts,
        parent=run.parent,
        adapter=run.adapter,
        created_at=run.created_at,
        changed_at=run.changed_at,
        pid=pid,
        eta_seconds=eta,
        step_seconds=seconds,
        tokens_per_second=fmean(report.tokens_per_second for report in reports) if reports else None,
        groups=sum(report.groups for report in reports),
        equal_groups=sum(report.equal_groups for report in reports),
        unscored=sum(report.unscored for report in reports),
        mismatched=sum(report.mismatched for report in reports),
        curves=curves_of(reports),
        gate=gates[-1] if gates else None,
    )


def curves_of(reports: Sequence[StepReport]) -> Curves:
    """The reports of steps as columns."""
    return Curves(
        step=tuple(report.step for report in reports),
        reward=tuple(report.reward for report in reports),
        query_reward=tuple(report.query_reward for report in reports),
        replay_reward=tuple(report.replay_reward for report in reports),
        loss=tuple(report.loss for report in reports),
        kl=tuple(report.kl for report in reports),
        entropy=tuple(report.entropy for report in reports),
        completion_tokens=tuple(report.completion_tokens for report in reports),
    )


def verdict_in_words(run: RunAccount) -> str:
    """What the gate said of a run's adapter, in a sentence; "" where it has said nothing."""
    if run.gate is None or run.adapter is None:
        return ""
    found = run.gate
    match found.verdict:
        case Verdict.PROMOTE:
            told = f"Adapter v{run.adapter} was promoted."
        case Verdict.REJECT:
            told = f"Adapter v{run.adapter} was rejected; what served before serves on."
        case Verdict.INSUFFICIENT:
            lacks = f" ({counted(found.missing, 'held-out task')} missing)" if found.missing else ""
            told = (
                f"There is not enough evidence for adapter v{run.adapter}{lacks}; it is kept as a candidate."
            )
    return f"{told} {found.reason}".rstrip()


def duration_in_words(seconds: float) -> str:
    """About how long, as people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def counts_in_words(counts: QueryCounts) -> str:
    """The query set in a line; what is 0 and need not be told is left out."""
    parts = [
        f"{counted(counts.waiting, 'task')} {'waits' if counts.waiting == 1 else 'wait'} to be trained on",
        f"{counts.held_out:,} held out for gates",
    ]
    parts += [f"{counts.drained:,} taken by trainings"] if counts.drained else []
    parts += [f"{counts.outdated:,} outdated by a newer skill generation"] if counts.outdated else []
    parts += [f"{counts.without_start:,} whose start was not kept"] if counts.without_start else []
    return ", ".join(parts)


def _sentence(run: RunAccount | None, recent: tuple[RunAccount, ...], pid: int | None) -> str:
    if run is not None:
        return run.sentence
    if pid is not None:
        return f"A training has begun (process {pid}): older tasks are attempted again first."
    return recent[0].sentence if recent else "Nothing was trained yet."


def _run_in_words(run: TrainingRun, pid: int | None, eta: float | None, reports: Sequence[StepReport]) -> str:
    """Where a run stands, in one sentence or two."""
    at = f"at step {run.steps_done} of {run.steps}" if run.steps_done else "before its first step"
    if run.state.over:
        what = {RunState.DONE: "is done", RunState.ABANDONED: "was abandoned"}.get(run.state, "failed")
        return (
            f"Run {run.number} {what}{'' if run.state is RunState.DONE else ' ' + at}. {run.reason}".rstrip()
        )
    if run.state is RunState.PAUSED and pid is not None:
        return f"Run {run.number} is taken up again {at}."
    if run.state is RunState.PAUSED:
        return f"Run {run.number} is paused {at}; `train resume` goes on."
    if pid is None:
        return f"Run {run.number} was cut off {at}, its process is gone; `train resume` takes it up."
    if run.state is RunState.GATING:
        return f"Run {run.number} is trained; its adapter is compared with what serves."
    if run.state is RunState.COLLECTING:
        return f"Run {run.number} collects what it will be trained on."
    reward = f", reward {reports[-1].reward:+.2f}" if reports else ""
    left = f", about {duration_in_words(eta)} left" if eta is not None else ""
    return f"Run {run.number} trains: step {run.steps_done} of {run.steps}{reward}{left}."


def _step_seconds(reports: Sequence[StepReport]) -> float | None:
    timed = [report.seconds for report in reports[-_STEPS:] if report.seconds > 0]
    return median(timed) if timed else None


def _missing(
    settings: Settings, counts: QueryCounts, recent: tuple[RunAccount, ...], *, under_way: bool
) -> tuple[str, ...]:
    """What a training, or a gate, would lack now; each with what to do."""
    from metaclaw_jlab.assembly.slow_loop import trainable_base
    from metaclaw_jlab.learning.promotion import Demands

    try:
        trainable_base(settings)
    except TrainingError as error:
        return (str(error),)
    told = []
    if not counts.waiting and not under_way:
        told.append(_why_nothing_waits(settings, counts))
    fewest, share = Demands().fewest, round(1 / settings.training.held_out_share)
    latest = next((run.gate for run in recent if run.gate is not None), None)
    if latest is not None and latest.missing:
        lacked = counted(latest.missing, "held-out task")
        told.append(f"The last gate lacked {lacked}; about one task in {share} is held out.")
    elif counts.held_out < fewest:
        told.append(
            f"A gate wants {fewest} held-out tasks at least; there are {counts.held_out}: about one task in {share} is "
            "held out."
        )
    return tuple(told)


def _why_nothing_waits(settings: Settings, counts: QueryCounts) -> str:
    if settings.training.keep_starts is None and counts.without_start:
        return "Nothing waits to be trained on: what tasks start from is not kept. Allow it: %metaclaw learn starts on."
    if settings.training.keep_starts is False:
        return "Nothing waits to be trained on: training.keep_starts is off. Allow it: %metaclaw learn starts on."
    if counts.outdated:
        return "Nothing of the current skill generation waits; a training attempts older tasks again first."
    return "Nothing waits to be trained on: give tasks with --check, and they are kept for it once they have ended."

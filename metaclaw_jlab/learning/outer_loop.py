"""The slow loop: the query set of the current generation trains an adapter, which serves once it has proved itself.

A run is a row in the store and a folder; each stage leaves what the next one needs, so that a run that was stopped or
killed is taken up where it was: collecting, training, gating. It holds one lease of the home from its beginning to its
end. Whatever it trains on is drained under the invariants (2), and a generation that advances ends it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.config import TrainingSettings
from metaclaw_jlab.core.errors import (
    AdapterRefused,
    GenerationMoved,
    InvariantViolation,
    NothingToTrain,
    Superseded,
    TrainingError,
    WorkerFailed,
)
from metaclaw_jlab.core.training import RunState, TrainingPrompt, TrainingRun
from metaclaw_jlab.learning.adapters import candidate_folder, published_folder, trained_on
from metaclaw_jlab.learning.collecting import Collecting, collect
from metaclaw_jlab.learning.gating import Gating, gate, look_again
from metaclaw_jlab.learning.judging import Chosen, JudgeUse, choose
from metaclaw_jlab.learning.query_set import query_prompts
from metaclaw_jlab.runtime.home import Home, replace_private
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.runtime.train_worker import (
    Ending,
    EventKind,
    Worker,
    WorkerEvent,
    WorkerJob,
    end_orphans,
    ending_of,
    start,
)
from metaclaw_jlab.runtime.training_folder import (
    Job,
    TrainingFolder,
    read_job,
    training_folder,
    write_job,
)
from metaclaw_jlab.runtime.training_process import LEASE
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.prompts import write_prompts
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.training import Training

_LOOKED_AT = 20  # recent runs, among which that of the newest adapter is looked for
_RESTARTS = 3  # runs that a generation may overtake before training waits for another time


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `done` of `of` in a stage, and what there is to say."""

    stage: RunState
    done: int = 0
    of: int = 0
    sentence: str = ""
    reward: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OuterLoop:
    """What the slow loop works with. `plan_of` gives the fields of the worker's plan for a run, the adapter that it
    goes on from, and whether a judge decides on some tasks; `replay` is the frozen replay set, and `judging` what a
    judge may do: both are asked for when a run begins."""

    home: Home
    database: Database
    settings: TrainingSettings
    base: str
    base_sha256: Callable[[], str]
    plan_of: Callable[[TrainingRun, Path | None, bool], dict[str, object]]
    sandbox: dict[str, object]
    unattended: bool
    collecting: Callable[[], Collecting]
    gating: Callable[[], Gating]
    replay: Callable[[], Sequence[TrainingPrompt]]
    judging: Callable[[], JudgeUse | None] = field(default=lambda: None)
    on_progress: Callable[[Progress], None] = field(default=lambda _: None)
    start_worker: Callable[..., Worker] = field(default=start)


def train_once(loop: OuterLoop, *, steps: int | None = None, seed: int | None = None) -> TrainingRun:
    """One training from the query set to the gate's verdict; an unfinished run is taken up first, and before a new one
    an adapter that lacked evidence is gated again where that has come.

    Ctrl-C (KeyboardInterrupt) stops it within the deadline and leaves it paused. Raises LeaseHeld where a training runs
    already, NothingToTrain, TrainingError, WorkerFailed, AdapterRefused.
    """
    with lease(loop.home, LEASE):
        end_orphans(loop.home)
        for _ in range(_RESTARTS):
            run = None
            try:
                run = _unfinished(loop)
                decided = None if run is not None else _look_again(loop)
                try:
                    run = run or _begin(loop, steps, seed)
                except NothingToTrain:
                    if decided is None:
                        raise
                    return decided
                return _advance(loop, run)
            except (Superseded, GenerationMoved) as overtaken:
                if run is not None:
                    _leave(loop, run, RunState.ABANDONED, str(overtaken))
                loop.on_progress(Progress(RunState.ABANDONED, sentence=str(overtaken)))
        raise TrainingError(
            "The skill library keeps changing, and each change makes the query set outdated.",
            "Train when no task is running.",
        )


def without_older(loop: OuterLoop) -> OuterLoop:
    """The same loop, which attempts no older task again."""
    return replace(loop, collecting=lambda: replace(loop.collecting(), most=0))


def resume(loop: OuterLoop) -> TrainingRun:
    """Take up the run that is not over. Raises NothingToTrain where there is none, else like train_once."""
    if Training(loop.database).current() is None:
        raise NothingToTrain("No training waits to be resumed.", "Start one: metaclaw train --now.")
    return train_once(loop)


def abandon(loop: OuterLoop, reason: str) -> TrainingRun | None:
    """Give up the run that is not over. Raises LeaseHeld where it is under way."""
    with lease(loop.home, LEASE):
        run = Training(loop.database).current()
        return None if run is None else _leave(loop, run, RunState.ABANDONED, reason)


def _unfinished(loop: OuterLoop) -> TrainingRun | None:
    """The run to take up; one that was overtaken, or whose base model has changed, is abandoned."""
    run = Training(loop.database).current()
    if run is None:
        return None
    if run.base != loop.base or run.base_sha256 != loop.base_sha256():
        _leave(loop, run, RunState.ABANDONED, f"The base model {run.base} has changed since.")
        return None
    if run.adapter is None and not Query(loop.database).still_current(run.number):
        _leave(loop, run, RunState.ABANDONED, "The skill generation has advanced since.")
        return None
    return run


def _look_again(loop: OuterLoop) -> TrainingRun | None:
    """Gate the newest adapter again where only evidence was lacking and that has come since; its run, if it was."""
    newest = next(iter(Adapters(loop.database).recent(1)), None)
    if newest is None or newest.status is not AdapterStatus.CANDIDATE:
        return None
    runs = Training(loop.database).recent(_LOOKED_AT)
    run = next((one for one in runs if one.adapter == newest.version and one.state is RunState.DONE), None)
    if run is None or (run.base, run.base_sha256) != (loop.base, loop.base_sha256()):
        return None
    folder = training_folder(loop.home, run.number)
    try:
        found = look_again(loop.gating(), run, folder, lambda job: _work(loop, run, folder, job))
    except AdapterRefused as error:  # its files are gone: there is nothing to decide on
        loop.on_progress(Progress(RunState.GATING, sentence=str(error)))
        return None
    return run if found else None


def _begin(loop: OuterLoop, steps: int | None, seed: int | None) -> TrainingRun:
    collecting = loop.collecting()
    loop.on_progress(Progress(RunState.COLLECTING, sentence="Attempting older tasks again"))
    collect(collecting, lambda done, of: loop.on_progress(Progress(RunState.COLLECTING, done, of)))
    counts = Query(loop.database, held_out_share=loop.settings.held_out_share).counts()
    if not counts.waiting:
        raise NothingToTrain(
            "No query trajectory of the current skill generation waits to be trained on "
            f"({counts.held_out} are held out for gates, {counts.outdated} are of older generations, "
            f"{counts.without_start} have no start state).",
            "Give tasks with --check, and allow their start to be kept: %metaclaw learn starts on.",
        )
    training = Training(loop.database)
    number = (training.recent(1)[0].number + 1) if training.recent(1) else 1
    shutil.rmtree(training_folder(loop.home, number).path)  # of a store that is gone
    return training.begin(
        skill_generation=collecting.generation(),
        base=loop.base,
        base_sha256=loop.base_sha256(),
        seed=number if seed is None else seed,
        steps=loop.settings.steps if steps is None else steps,
        parent=_parent(loop),
    )


def _parent(loop: OuterLoop) -> int | None:
    """The adapter that serves, where it is of the same base: a training goes on from it."""
    version = Serving(loop.database).current()
    if version is None:
        return None
    return version if trained_on(published_folder(loop.home, version)) == loop.base_sha256() else None


def _advance(loop: OuterLoop, run: TrainingRun) -> TrainingRun:
    """Take a run from where it stands to its end. KeyboardInterrupt pauses it."""
    folder = training_folder(loop.home, run.number)
    try:
        if run.adapter is None:
            if not folder.job.exists():
                run = _fill(loop, run, folder)
            if not (folder.adapter / "adapter_model.safetensors").exists():
                run = _train(loop, run, folder)
            run = _keep(loop, run, folder)
        _move_candidate(loop, run, folder)
        run = _change(loop, run, RunState.GATING, "Its adapter is compared with what serves.")
        return gate(loop.gating(), run, folder, lambda job: _work(loop, run, folder, job))
    except KeyboardInterrupt:
        run = Training(loop.database).get(run.number)
        if not run.state.over:
            _change(loop, run, RunState.PAUSED, "Stopped by the user; metaclaw train resume goes on.")
        return Training(loop.database).get(run.number)
    except AdapterRefused as error:
        _leave(loop, run, RunState.FAILED, str(error))
        raise


def _fill(loop: OuterLoop, run: TrainingRun, folder: TrainingFolder) -> TrainingRun:
    """Drain the query set into the run's folder, but for tasks that nothing could score."""
    chosen, prompts = _drain(loop, run)
    if not Query(loop.database).still_current(run.number):
        raise Superseded(
            "The skill generation has advanced since the run began.", "The next run takes it up."
        )
    if not prompts:
        reason = f"None of the query trajectories can be trained on. {chosen.note}".rstrip()
        _leave(loop, run, RunState.FAILED, reason)
        raise NothingToTrain(reason, "Work on; metaclaw status counts what may be trained on.")
    write_prompts(folder.query, prompts)
    write_prompts(folder.replay, loop.replay())
    parent = published_folder(loop.home, run.parent) if run.parent is not None else None
    plan = loop.plan_of(run, parent, chosen.judge is not None)
    write_job(
        folder,
        Job(plan, loop.sandbox, unattended=loop.unattended, judge=chosen.judge, note=chosen.note),
    )
    return _change(loop, run, RunState.TRAINING, f"{len(prompts)} prompts.", prompts=len(prompts))


def _drain(loop: OuterLoop, run: TrainingRun) -> tuple[Chosen, list[TrainingPrompt]]:
    """What a run may train on, and those prompts of it that are the run's now."""
    query = Query(loop.database, held_out_share=loop.settings.held_out_share)
    before = query.drained(run.number)  # by a process that was killed before it had written the job
    found = query_prompts(loop.database, (*before, *query.waiting()))

    def say(sentence: str) -> None:
        loop.on_progress(Progress(RunState.COLLECTING, sentence=sentence))

    chosen = choose(loop.judging(), run, found, say)
    query.drain(dict.fromkeys(prompt.id for prompt in chosen.prompts), run.number)
    taken = frozenset(query.drained(run.number))
    return chosen, [prompt for prompt in chosen.prompts if prompt.id in taken]


def _train(loop: OuterLoop, run: TrainingRun, folder: TrainingFolder) -> TrainingRun:
    said = f"The policy practises its query set. {read_job(folder).note}".rstrip()
    run = _change(loop, run, RunState.TRAINING, said)
    _work(loop, run, folder, WorkerJob.TRAINING)
    return Training(loop.database).get(run.number)


def _work(loop: OuterLoop, run: TrainingRun, folder: TrainingFolder, job: WorkerJob) -> None:
    """Have a worker do a job of a run, and follow it to its end.

    Raises Superseded, WorkerFailed, and KeyboardInterrupt where somebody else stopped it.
    """
    worker = loop.start_worker(loop.home, run.number, job=job, resume=True)
    try:
        for event in worker.events():
            _follow(loop, run, event)
    except BaseException:
        worker.stop(loop.settings.stop_seconds)
        worker.wait()
        raise
    ending, reason = ending_of(worker.wait())
    if ending is Ending.STOPPED:
        raise KeyboardInterrupt
    if ending is Ending.SUPERSEDED:
        raise Superseded(reason)
    if ending is Ending.DIVERGED and (folder.adapter / "adapter_model.safetensors").exists():
        loop.on_progress(Progress(RunState.TRAINING, sentence=reason))
        return
    if ending is not Ending.DONE:
        if ending is not Ending.KILLED:
            _leave(loop, run, RunState.FAILED, reason)
        raise WorkerFailed(reason, f"What it said is in {folder.log}.")


def _follow(loop: OuterLoop, run: TrainingRun, event: WorkerEvent) -> None:
    fields = event.fields
    if event.kind is EventKind.STEP:
        done = int(str(fields["step"]))
        Training(loop.database).change(run.number, RunState.TRAINING, run.reason, steps_done=done)
        reward = float(str(fields["reward"]))
        loop.on_progress(Progress(RunState.TRAINING, done, run.steps, reward=reward))
    elif event.kind is EventKind.TRIALS:
        done, of = int(str(fields["done"])), int(str(fields["total"]))
        loop.on_progress(Progress(RunState.GATING, done, of))
    elif event.kind is EventKind.MEMORY:
        sentence = f"Memory ran out: going on with {fields['micro_batch']} completions at a time."
        loop.on_progress(Progress(RunState.TRAINING, sentence=sentence))
    elif event.kind is EventKind.DROPPED:
        sentence = f"{fields['prompts']} prompts may no longer be trained on."
        loop.on_progress(Progress(RunState.TRAINING, sentence=sentence))


def _keep(loop: OuterLoop, run: TrainingRun, folder: TrainingFolder) -> TrainingRun:
    """Give the trained adapter its version, and its card."""
    sha256 = hashlib.sha256((folder.adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    reason = f"Trained by run {run.number}; not gated yet."
    adapters = Adapters(loop.database)
    known = next(iter(adapters.recent(1)), None)
    if known is not None and (known.sha256, known.reason) == (sha256, reason):
        made = known  # by a process that was killed before it had said so
    else:
        made = adapters.add(run.base, sha256, run.skill_generation, reason)
    card = {
        "version": made.version,
        "base": run.base,
        "base_sha256": run.base_sha256,
        "skill_generation": run.skill_generation,
        "sha256": sha256,
    }
    replace_private(folder.adapter / "metaclaw.json", json.dumps(card, indent=1))
    return _change(loop, run, RunState.GATING, f"Adapter v{made.version} is made.", adapter=made.version)


def _move_candidate(loop: OuterLoop, run: TrainingRun, folder: TrainingFolder) -> None:
    assert run.adapter is not None
    target = candidate_folder(loop.home, run.adapter)
    if folder.adapter.exists() and not target.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.adapter.rename(target)
        shutil.rmtree(folder.checkpoints, ignore_errors=True)


def _change(
    loop: OuterLoop,
    run: TrainingRun,
    state: RunState,
    reason: str,
    *,
    prompts: int | None = None,
    adapter: int | None = None,
) -> TrainingRun:
    return Training(loop.database).change(run.number, state, reason, prompts=prompts, adapter=adapter)


def _leave(loop: OuterLoop, run: TrainingRun, state: RunState, reason: str) -> TrainingRun:
    """End a run; its folder's prompts hold the user's text and go."""
    with suppress(InvariantViolation):
        run = Training(loop.database).change(run.number, state, reason)
    folder = training_folder(loop.home, run.number)
    for path in (folder.query, folder.replay):
        path.unlink(missing_ok=True)
    for leftover in (folder.trials, folder.checkpoints):
        shutil.rmtree(leftover, ignore_errors=True)
    return run

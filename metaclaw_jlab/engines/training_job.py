"""The training of a run: GRPO under the store's permission, step by step, from a checkpoint where there is one."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from math import isfinite
from pathlib import Path
from typing import Protocol

import torch

from metaclaw_jlab.core.config import JudgeSettings
from metaclaw_jlab.core.errors import Diverged, NothingToTrain, Superseded
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.core.training import StepReport, TrainingPrompt
from metaclaw_jlab.engines import grpo
from metaclaw_jlab.engines.grpo import GrpoPlan
from metaclaw_jlab.engines.judging import open_judge
from metaclaw_jlab.engines.stopping import StopFlag
from metaclaw_jlab.engines.training_checkpoint import forget, newest, put, step_of
from metaclaw_jlab.engines.work import Work, rooms_of
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.runtime.home import Home, replace_private
from metaclaw_jlab.runtime.train_worker import EventKind
from metaclaw_jlab.store.prompts import read_prompts
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.training import Training


class Train(Protocol):
    """What trains: engines.grpo.train."""

    def __call__(
        self,
        plan: GrpoPlan,
        query: Sequence[TrainingPrompt],
        replay: Sequence[TrainingPrompt],
        rooms: Rooms,
        *,
        folder: Path,
        on_step: Callable[[StepReport], None],
        before_step: Callable[[int], None],
        stop: StopFlag,
        resume: Path | None,
        trainable: Callable[[], frozenset[str]],
        on_memory: Callable[[int], None],
        judge: Judge | None,
        home: Home | None,
    ) -> Path:
        """Train an adapter; its folder."""


class _Changed(Exception):
    """Prompts of the step under way may no longer be trained on: the step is done again without them."""


class _Permission:
    """What the store still lets this run train on, asked before every step and again before the weights move."""

    def __init__(self, query: Query, work: Work, known: frozenset[str]) -> None:
        self._query = query
        self._work = work
        self._known = known
        self._granted = known

    def trainable(self) -> frozenset[str]:
        """The prompts of the next step may be these. Raises Superseded, NothingToTrain."""
        self._check_generation()
        granted = self._query.trainable(self._work.run)
        if not granted & self._known:
            raise NothingToTrain(
                "None of the prompts of this run may be trained on any more.", "Work on, and train again."
            )
        if (lost := self._known - granted) and self._granted - granted:
            self._work.line.tell(EventKind.DROPPED, prompts=len(lost))
        self._granted = granted
        return granted

    def confirm(self, _: int) -> None:
        """The weights may move. Raises Superseded, _Changed."""
        self._check_generation()
        if self._granted & self._known - self._query.trainable(self._work.run):
            raise _Changed

    def _check_generation(self) -> None:
        if not self._query.still_current(self._work.run):
            raise Superseded(
                "The skill generation has advanced since the prompts were drained.",
                "The run is abandoned; the next one takes the new query set.",
            )


def run_training(work: Work, *, resume: bool, train: Train = grpo.train) -> None:
    """Train what the folder holds, anew or from the newest checkpoint that is whole.

    Raises Stopped, Superseded, Diverged, MemoryTooSmall, and other MetaclawErrors.
    """
    work.line.tell(EventKind.PHASE, phase="loading")
    checkpoints = work.folder.checkpoints
    if not resume:
        forget(checkpoints)
        for leftover in (_micro_batch_file(work), _requests_file(work)):
            leftover.unlink(missing_ok=True)
    found = newest(checkpoints) if resume else None
    work.last_words["steps_done"] = step_of(found)
    if found is not None:
        work.line.tell(EventKind.RESUMED, step=step_of(found))
    with rooms_of(work) as rooms:
        try:
            adapter = _trained(work, train, rooms, found)
        except Diverged:
            _keep_last_good(work)
            raise
    work.last_words["adapter"] = str(adapter)


def _trained(work: Work, train: Train, rooms: Rooms, found: Path | None) -> Path:
    query, replay = read_prompts(work.folder.query), read_prompts(work.folder.replay)
    permission = _Permission(Query(work.database), work, frozenset(prompt.id for prompt in query))
    judge = _judge(work)
    _repeat_exactly()
    while True:
        plan = _with_memory(work, GrpoPlan(**work.job.plan))  # type: ignore[arg-type]
        try:
            work.line.tell(EventKind.PHASE, phase="training")
            return train(
                plan,
                query,
                replay,
                rooms,
                folder=work.folder.path,
                on_step=_reporter(work, judge),
                before_step=permission.confirm,
                stop=work.line.flag,
                resume=found,
                trainable=permission.trainable,
                on_memory=_note_memory(work),
                judge=judge,
                home=work.home,
            )
        except _Changed:
            found = newest(work.folder.checkpoints)
        gc.collect()


def _reporter(work: Work, judge: Judge | None) -> Callable[[StepReport], None]:
    store = Training(work.database)

    def on_step(report: StepReport) -> None:
        if not isfinite(report.loss) or not isfinite(report.grad_norm or 0.0):
            raise Diverged(
                f"The gradient of step {report.step} is not a number.",
                "Nothing of this step was kept. Lower training.lr.",
            )
        store.report(work.run, report)
        if judge is not None:
            replace_private(_requests_file(work), str(judge.requests_left))
        work.last_words["steps_done"] = report.step
        work.line.tell(EventKind.STEP, **asdict(report))

    return on_step


def _micro_batch_file(work: Work) -> Path:
    return work.folder.path / "micro_batch"


def _note_memory(work: Work) -> Callable[[int], None]:
    def note(micro_batch: int) -> None:
        # A resumed training must add up in the same pieces: the last bits depend on it.
        replace_private(_micro_batch_file(work), str(micro_batch))
        work.line.tell(EventKind.MEMORY, micro_batch=micro_batch)

    return note


def _with_memory(work: Work, plan: GrpoPlan) -> GrpoPlan:
    """The plan with the micro-batch that the memory held before."""
    try:
        return replace(plan, micro_batch=int(_micro_batch_file(work).read_text("ascii")))
    except (OSError, ValueError):
        return plan


def _requests_file(work: Work) -> Path:
    """How many requests to the judge the run has left: a resume does not begin them anew."""
    return work.folder.path / "judge_requests"


def _judge(work: Work) -> Judge | None:
    """The judge of tasks without checks; its key is found by this process itself. Raises MetaclawError."""
    if work.job.judge is None:
        return None
    told = dict(work.job.judge)
    names = told.pop("secret_names", ())
    with suppress(OSError, ValueError):
        told["max_calls"] = int(_requests_file(work).read_text("ascii"))
    return open_judge(JudgeSettings.model_validate(told), str(work.job.plan["model"]), names)  # type: ignore[arg-type]


def _repeat_exactly() -> None:
    """Have a GPU add up in the same order each time, where its kernels can."""
    if torch.cuda.is_available():
        torch.use_deterministic_algorithms(True, warn_only=True)


def _keep_last_good(work: Work) -> None:
    """Make the adapter of the last whole step the result, where there is one."""
    found = newest(work.folder.checkpoints)
    work.last_words["steps_done"] = step_of(found)
    if found is None:
        return
    draft = work.folder.path / "adapter.new"
    draft.mkdir(mode=0o700, exist_ok=True)
    for path in found.glob("adapter_*"):
        shutil.copyfile(path, draft / path.name)
    put(draft, work.folder.adapter)
    work.last_words["adapter"] = str(work.folder.adapter)

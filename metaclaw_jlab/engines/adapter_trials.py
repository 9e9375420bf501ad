"""Attempts of adapters on prompts, side by side in the batches of one decoder: what a gate compares."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

import torch

from metaclaw_jlab.agent.group_rollout import outcome_of
from metaclaw_jlab.agent.rollout import Rollout, answer
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.policy import Completion, Sampling
from metaclaw_jlab.core.prompting import prompting_from
from metaclaw_jlab.core.score import Score, Unscored
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.core.training import TrainingPrompt
from metaclaw_jlab.core.trajectory import Purpose, StopReason
from metaclaw_jlab.engines.adapter_bank import AdapterBank, LoadedAdapter
from metaclaw_jlab.engines.decoder_policy import DecoderPolicy
from metaclaw_jlab.engines.decoding import Decoder
from metaclaw_jlab.engines.divergence import divergences
from metaclaw_jlab.engines.local_models import LocalModel, load
from metaclaw_jlab.engines.policy_server import threads_for
from metaclaw_jlab.engines.precision import halved
from metaclaw_jlab.engines.stopping import StopFlag, stop_inside
from metaclaw_jlab.engines.work import Work, rooms_of
from metaclaw_jlab.runtime.train_worker import EventKind
from metaclaw_jlab.runtime.trials import (
    Attempt,
    TrialPlan,
    key_of,
    outcomes_file,
    read_outcomes,
    read_plan,
    replies_of,
    suite_file,
)
from metaclaw_jlab.store.prompts import read_prompts

BATCH = 32
THREADS = 2 * BATCH  # while one half decodes, the other one's code runs
TELL_SHARES = 100  # progress is told so many times at most
_SEEDS = 2**31
_UNSCORED = frozenset({StopReason.POLICY_FAILED, StopReason.EXECUTOR_FAILED, StopReason.INTERRUPTED})


@dataclass(frozen=True, slots=True)
class Todo:
    """An attempt that is to be made; `adapter` is a folder, "" for the base alone; `keep` its first reply."""

    suite: str
    adapter: str
    prompt: TrainingPrompt
    temperature: float
    repeat: int
    keep: bool

    @property
    def nothing(self) -> Attempt:
        """The attempt before anything came of it."""
        return Attempt(
            self.suite, self.adapter, self.prompt.id, self.temperature, self.repeat, None, False, 0
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """What came of a reply after which nothing more was asked: the same for whoever gives it again."""

    score: float | None
    strict: bool
    reason: str


@dataclass
class Trials:
    """What attempts are made with. Equal replies to one prompt are run once where they end the task."""

    plan: TrialPlan
    served: LocalModel
    decoder: Decoder
    adapters: Mapping[str, LoadedAdapter | None]
    rooms: Rooms
    stop: StopFlag
    _known: dict[tuple[str, str, str], _Known] = field(default_factory=dict)
    _locks: dict[tuple[str, str, str], threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def attempt(self, todo: Todo) -> tuple[Attempt, str]:
        """Make an attempt; its outcome and its first reply. Raises Stopped, PolicyError."""
        seed = zlib.crc32(f"{self.plan.seed}/{todo.prompt.id}/{todo.repeat}".encode()) % _SEEDS
        sampling = Sampling(todo.temperature, self.plan.max_tokens, seed)
        policy = DecoderPolicy(self.served, self.decoder, self.adapters[todo.adapter], self.stop)
        first = policy.complete(todo.prompt.messages, sampling)
        key = (todo.suite, todo.prompt.id, f"{first.finish_reason}/{first.text}")
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            self.stop.check()
            if (known := self._known.get(key)) is not None:
                made = replace(todo.nothing, tokens=first.usage.completion_tokens, **asdict(known))
                return made, first.text
            return self._run(todo, replace(policy, begun=[first]), sampling, key, first), first.text

    def _run(
        self,
        todo: Todo,
        policy: DecoderPolicy,
        sampling: Sampling,
        key: tuple[str, str, str],
        first: Completion,
    ) -> Attempt:
        try:
            room = self.rooms.open(todo.prompt.start, todo.prompt.task)
        except ExecutorError as error:
            tokens = first.usage.completion_tokens
            return replace(todo.nothing, tokens=tokens, reason=str(error))
        with closing(room):
            rollout = Rollout(
                policy=policy,
                executor=room,
                prompting=prompting_from(self.plan.prompting),
                sampling=sampling,
                max_steps=self.plan.max_steps,
                purpose=Purpose.GATE,
                learn=False,
                score_trajectory=outcome_of(room),
            )
            done = answer(todo.prompt, rollout)
        scoring = Unscored(done.stop_detail) if done.stop in _UNSCORED else done.score
        known = _Known(None, False, "Nothing scored it.")
        if isinstance(scoring, Score):
            known = _Known((scoring.value + 1) / 2, scoring.value > 1 - 1e-9, scoring.reason)
        elif isinstance(scoring, Unscored):
            known = _Known(None, False, scoring.reason)
        own = done.steps[len(todo.prompt.before) :]
        if len(own) == 1 and done.stop not in _UNSCORED:
            self._known[key] = known
        tokens = sum(step.usage.completion_tokens for step in own)
        return replace(todo.nothing, tokens=tokens, steps=len(own), **asdict(known))


def attempt_all(work: Work, *, resume: bool) -> None:
    """Make the attempts of the folder's plan that are not made yet, and write each down as it ends.

    Raises Stopped, AdapterRefused, ModelUnusable, WorkerFailed, TrainingError.
    """
    work.line.tell(EventKind.PHASE, phase="loading")
    plan = read_plan(work.folder)
    path = outcomes_file(work.folder, plan)
    if not resume:
        path.unlink(missing_ok=True)
    prompts = {suite.name: read_prompts(suite_file(work.folder, suite.name)) for suite in plan.suites}
    wanted = list(todos(plan, prompts))
    made = {key_of(attempt) for attempt in read_outcomes(path)}
    left = [todo for todo in wanted if key_of(todo.nothing) not in made]
    served = halved(load(plan.model, work.home))
    torch.set_num_threads(threads_for(served.model.num_parameters()) or torch.get_num_threads())
    with closing(AdapterBank(served.model)) as bank:
        adapters = {
            todo.adapter: bank.get(todo.adapter) or bank.load(todo.adapter, Path(todo.adapter))
            if todo.adapter
            else None
            for todo in {todo.adapter: todo for todo in wanted}.values()
        }
        if left:
            _attempt_left(work, plan, served, bank, adapters, left, len(wanted), path)
        work.line.tell(EventKind.PHASE, phase="divergence")
        with stop_inside(served.model, work.line.flag), _appending(path) as file:
            _diverge(wanted, served, bank, adapters, file, path)


def todos(plan: TrialPlan, prompts: Mapping[str, Sequence[TrainingPrompt]]) -> Iterator[Todo]:
    """All attempts of a plan, those of one prompt together; arms with one adapter share theirs."""
    for suite in plan.suites:
        adapters = tuple(dict.fromkeys(plan.arms[arm] or "" for arm in suite.arms))
        for number, prompt in enumerate(prompts[suite.name]):
            for temperature in suite.temperatures:
                for repeat in range(suite.repeats if temperature > 0 else 1):
                    keep = number < plan.kl_completions and repeat == 0
                    yield from (
                        Todo(suite.name, adapter, prompt, temperature, repeat, keep and bool(adapter))
                        for adapter in adapters
                    )


def _attempt_left(
    work: Work,
    plan: TrialPlan,
    served: LocalModel,
    bank: AdapterBank,
    adapters: Mapping[str, LoadedAdapter | None],
    left: Sequence[Todo],
    total: int,
    path: Path,
) -> None:
    flag, done = work.line.flag, total - len(left)
    decoder = Decoder(served, max_batch=BATCH, threads=torch.get_num_threads(), bank=bank)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="metaclaw-trial")
    try:
        with rooms_of(work) as rooms, _appending(path) as file:
            work.line.tell(EventKind.PHASE, phase="attempts")
            work.line.tell(EventKind.TRIALS, done=done, total=total)
            trials = Trials(plan, served, decoder, adapters, rooms, flag)
            futures = {pool.submit(trials.attempt, todo): todo for todo in left}
            for future in flag.finished(futures):
                attempt, reply = future.result()
                _write(file, attempt, reply if futures[future].keep else None)
                done += 1
                if done % max(1, total // TELL_SHARES) == 0 or done == total:
                    work.line.tell(EventKind.TRIALS, done=done, total=total)
    finally:
        pool.shutdown(wait=not flag.is_set(), cancel_futures=True)
        decoder.close()


def _diverge(
    wanted: Sequence[Todo],
    served: LocalModel,
    bank: AdapterBank,
    adapters: Mapping[str, LoadedAdapter | None],
    file: IO[str],
    path: Path,
) -> None:
    """Compute the divergences that are not there yet; the model has no other owner now."""
    made = {key_of(attempt): attempt for attempt in read_outcomes(path)}
    replies = replies_of(path)
    lacking = [todo for todo in wanted if (key := key_of(todo.nothing)) in replies and made[key].kl is None]
    texts = [(todo.prompt.messages, replies[key_of(todo.nothing)]) for todo in lacking]
    loaded = [adapters[todo.adapter] for todo in lacking]
    with torch.inference_mode():
        for todo, kl in zip(lacking, divergences(served, bank, texts, loaded), strict=True):
            if kl is not None:
                _write(file, replace(made[key_of(todo.nothing)], kl=kl), None)


@contextmanager
def _appending(path: Path) -> Iterator[IO[str]]:
    """The file to add lines to; a last line that was cut off stays one of its own."""
    whole = not path.exists() or not path.stat().st_size or path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8", buffering=1) as file:
        path.chmod(0o600)
        if not whole:
            file.write("\n")
        yield file


def _write(file: IO[str], attempt: Attempt, reply: str | None) -> None:
    record = asdict(attempt) | ({} if reply is None else {"reply": reply})
    file.write(json.dumps(record) + "\n")

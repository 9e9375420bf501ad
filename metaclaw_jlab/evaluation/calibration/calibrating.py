"""Calibrates a model: stage after stage, with what an earlier run left off."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import fmean

from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.calibration.bench import (
    MOST_STEPS,
    MOST_TOKENS,
    Bench,
    model_sha256,
    open_bench,
    prompts_sha256,
)
from metaclaw_jlab.evaluation.calibration.candidates import (
    START,
    Candidate,
    Stage,
    chosen_stages,
    without_skills,
)
from metaclaw_jlab.evaluation.calibration.choosing import Table, decide, left_after, rounds, survivors
from metaclaw_jlab.evaluation.calibration.trials import CONCURRENCY, Trials
from metaclaw_jlab.policies.calibration import Calibration, Variant, calibration_folder
from metaclaw_jlab.practice import PracticeTask, splits_sha256
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.leases import lease, renew

TASKS = 64
SEED = 1
RENEW_SECONDS = 60.0

OpenBench = Callable[[Home, str, int, int, Callable[[str], None]], AbstractContextManager[Bench]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How much is tried: `n` tasks of one `seed`, by the named `variants` alone where given, for so many `minutes`."""

    n: int = TASKS
    seed: int = SEED
    variants: tuple[str, ...] | None = None
    minutes: float | None = None
    concurrency: int = CONCURRENCY


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a calibration is: attempts that are done, and about how many there will be. `remaining` in seconds,
    None while nothing is known of it."""

    stage: str
    done: int
    total: int
    remaining: float | None


@dataclass
class _Course:
    """A calibration under way."""

    trials: Trials
    tasks: tuple[PracticeTask, ...]
    stages: tuple[Stage, ...]
    variants: list[Variant] = field(default_factory=list)
    complete: bool = True

    def through(self, base: Candidate, announce: Callable[[str], None]) -> Candidate:
        """All stages in turn; what is chosen in the end. Ctrl-C and a spent time end it with what is known."""
        for stage in self.stages:
            if not self.complete:
                break
            candidates = stage.candidates(base)
            if not candidates:
                continue
            announce(stage.name)
            left, dropped = self._narrowed(stage, candidates)
            base = stage.after(base, self._decided(stage, candidates, left, dropped))
        return base

    def _narrowed(
        self, stage: Stage, candidates: Sequence[Candidate]
    ) -> tuple[Sequence[Candidate], dict[str, str]]:
        """Who is left after all rounds, and what is to be said of the others."""
        left, dropped = candidates, dict[str, str]()
        sizes = rounds(len(candidates), len(self.tasks))
        for number, size in enumerate(sizes):
            try:
                self.complete = self.trials.run(left, self.tasks[:size])
            except KeyboardInterrupt:
                self.complete = False
            if not self.complete or size == len(self.tasks):
                break
            most = left_after(number, len(candidates))
            kept = survivors(left, self.trials.table(self.tasks[:size]), stage.measure, most)
            dropped |= {one.key: f"behind after {size} tasks" for one in left if one not in kept}
            left = kept
        return left, dropped

    def _decided(
        self,
        stage: Stage,
        candidates: Sequence[Candidate],
        left: Sequence[Candidate],
        dropped: dict[str, str],
    ) -> Candidate:
        table: Table = self.trials.table(self.tasks)
        choice = decide(left, table, stage.measure)
        wanted = {task.id for task in self.tasks}
        attempts = [attempt for attempt in self.trials.attempts() if attempt.task in wanted]
        verdicts = {**dropped, **choice.verdicts}
        self.variants += [
            variant_of(stage, one, attempts, one == choice.chosen, verdicts[one.key]) for one in candidates
        ]
        return choice.chosen


def calibrate(
    home: Home,
    name: str,
    wishes: Wishes,
    *,
    say: Callable[[str], None],
    on_standing: Callable[[Standing], None] = lambda _: None,
    bench: OpenBench = open_bench,
    clock: Callable[[], float] = time.monotonic,
) -> Calibration:
    """What is best for a local model; nothing is kept but the attempts, with which the same call goes on.

    It ends with what is known where the time is over or on Ctrl-C (`complete` is False then). Raises UsageMistake,
    LeaseHeld where another process calibrates it, TaskFailed, and as open_bench() does.
    """
    began = clock()
    stages = chosen_stages(wishes.variants)
    sha256 = model_sha256(home, name)
    folder = calibration_folder(home, name)
    root, held = Home(home.root), f"calibrate-{folder.name}"
    with lease(root, held), bench(home, name, wishes.seed, wishes.n, say) as opened:
        log = AttemptsLog(folder / "calibration" / _log_name(opened, sha256))
        pace = _Pace(_expected(stages, wishes.n), on_standing, clock, lambda: renew(root, held))
        trials = Trials(
            log,
            opened.trial(),
            concurrency=wishes.concurrency,
            enough=lambda: wishes.minutes is not None and clock() - began > 60 * wishes.minutes,
            on_attempt=pace.made,
        )
        course = _Course(trials, opened.tasks, stages)
        pace.begin(trials)
        chosen = course.through(START, pace.enter)
    return _calibration(name, sha256, wishes.seed, course, chosen)


def variant_of(
    stage: Stage, candidate: Candidate, attempts: Sequence[Attempt], chosen: bool, verdict: str
) -> Variant:
    """The numbers of a candidate in a stage."""
    own = [attempt for attempt in attempts if attempt.arm == candidate.key]
    return Variant(
        stage=stage.name,
        name=candidate.name,
        prompting=candidate.prompting,
        temperature=candidate.temperature,
        n=len(own),
        task_right=sum(bool(attempt.right) for attempt in own),
        strict=sum(attempt.value == 1.0 for attempt in own),
        seconds=round(fmean(attempt.seconds for attempt in own), 2) if own else 0.0,
        tokens=round(fmean(a.prompt_tokens + a.completion_tokens for a in own), 1) if own else 0.0,
        chosen=chosen,
        verdict=verdict,
    )


def _calibration(name: str, sha256: str | None, seed: int, course: _Course, chosen: Candidate) -> Calibration:
    return Calibration(
        model=name,
        sha256=sha256,
        chosen=without_skills(chosen.prompting) if chosen.prompting.max_skills == 0 else chosen.prompting,
        temperature=chosen.temperature,
        variants=tuple(course.variants),
        splits_sha256=splits_sha256(),
        seed=seed,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        version=_version(),
        complete=course.complete,
    )


@dataclass
class _Pace:
    """Tells how far it is, and holds on to the lease meanwhile."""

    total: int
    tell: Callable[[Standing], None]
    clock: Callable[[], float]
    hold: Callable[[], None]
    stage: str = ""
    done: int = 0
    fresh: int = 0
    began: float = 0.0
    held: float = 0.0

    def begin(self, trials: Trials) -> None:
        self.began = self.held = self.clock()
        self.done = min(len(tuple(trials.attempts())), self.total)

    def enter(self, stage: str) -> None:
        self.stage = stage
        self._told()

    def made(self, _: Attempt) -> None:
        self.done, self.fresh = self.done + 1, self.fresh + 1
        self.total = max(self.total, self.done)
        if self.clock() - self.held > RENEW_SECONDS:
            self.hold()
            self.held = self.clock()
        self._told()

    def _told(self) -> None:
        each = (self.clock() - self.began) / self.fresh if self.fresh else None
        left = None if each is None else each * (self.total - self.done)
        self.tell(Standing(self.stage, self.done, self.total, left))


def _expected(stages: Sequence[Stage], n: int) -> int:
    """About how many attempts there will be; the first of a later stage was attempted in the one before."""
    total = 0
    for index, stage in enumerate(stages):
        count = left = len(stage.candidates(START))
        before = 0
        for number, size in enumerate(rounds(count, n)):
            total += (left - (index > 0)) * (size - before)
            before, left = size, min(left, left_after(number, count))
    return total


def _log_name(bench: Bench, sha256: str | None) -> str:
    """Attempts go on where nothing has changed on which they depend."""
    settings = bench.settings
    told = (
        sha256 or bench.policy.model,
        splits_sha256(),
        prompts_sha256(),
        bench.seed,
        settings.policy.local_form,
        min(settings.policy.max_tokens, MOST_TOKENS),
        sorted(settings.policy.extra.items()),
        min(settings.agent.steps, MOST_STEPS),
        settings.agent.observation_chars,
        settings.skills.max_tokens,
    )
    return f"seed{bench.seed}-{zlib.crc32(repr(told).encode()):08x}"


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("metaclaw-jlab")
    except PackageNotFoundError:
        return ""

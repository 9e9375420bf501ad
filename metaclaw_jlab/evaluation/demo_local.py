"""The demonstration with a real model of this machine: a house learns from it, then the arms are measured.

A process that is stopped or killed leaves its state beside the report, and the same command goes on from there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import ExecutorError, LeaseHeld, NotNow, TaskFailed
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.evaluation.demo import write_report
from metaclaw_jlab.evaluation.demo_local_arms import MeasuredArm, Stop, measure_together
from metaclaw_jlab.evaluation.demo_local_attempts import AttemptsKept
from metaclaw_jlab.evaluation.demo_local_folder import (
    ATTEMPTS,
    Lines,
    RunFolder,
    State,
)
from metaclaw_jlab.evaluation.demo_local_plan import (
    Deadline,
    LocalPlan,
    check_trainable,
    open_folder,
    overrides_of,
    share_models,
)
from metaclaw_jlab.evaluation.demo_local_report import local_arms_report
from metaclaw_jlab.evaluation.house_run import HouseRun, Plan, bar, learn_stream, open_house
from metaclaw_jlab.evaluation.house_training import train_house, training_report
from metaclaw_jlab.evaluation.learning_report import learnt_report
from metaclaw_jlab.evaluation.learnt_arms import FULL, draw_arms, learnt_of
from metaclaw_jlab.evaluation.practice_arms import BASELINE, Attempt
from metaclaw_jlab.evaluation.practice_attempt import Attempted, Conditions, attempt
from metaclaw_jlab.policies.model_store import InstalledModel
from metaclaw_jlab.practice import PracticeTask, splits_sha256
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.leases import lease

LEASE = "demo-local"
CONCURRENCY = 4  # as many as llama.cpp has slots
ROUND = 8
STREAM_SHARE = 0.35  # of the time, where there is a limit
_LEASE_SECONDS = 7 * 86_400.0


@dataclass
class _Measurement:
    """One process's part of a measurement."""

    plan: LocalPlan
    model: InstalledModel
    folder: RunFolder
    state: State
    deadline: Deadline
    say: Callable[[str], None]
    stop: Stop = field(default_factory=Stop)

    @property
    def wanted(self) -> int:
        """Attempts of all arms."""
        return self.plan.tasks * len(self.plan.arms)


def demonstrate_local(
    plan: LocalPlan,
    model: InstalledModel,
    models: Home,
    output: Path,
    *,
    say: Callable[[str], None],
    began: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Learn and measure with a model that lies in the home `models`; the report, which is written to `output` too.

    A measurement of the same that was begun goes on. Where the minutes ended it, `stopped` says so and it can go on.
    Raises TaskFailed, NotNow, ServerStartFailed, PolicyError, TrainingError, StoreFull, ExecutorError; and
    KeyboardInterrupt, which says how to go on.
    """
    deadline = Deadline(plan.minutes, clock() if began is None else began, clock)
    overrides = overrides_of(plan, model, output)
    if plan.train:
        check_trainable(models, output, overrides)
    folder, state = open_folder(plan, model, models, output, overrides, say)
    measurement = _Measurement(plan, model, folder, state, deadline, say)
    home = open_home(folder.home)
    share_models(home, models)
    try:
        with lease(home, LEASE, valid_seconds=_LEASE_SECONDS):
            report = _reported(measurement, overrides)
            write_report(report, output)
    except LeaseHeld as held:
        raise NotNow("Another process is at this measurement.", "Wait for it, or stop it.") from held
    except KeyboardInterrupt as stopped:
        raise KeyboardInterrupt(str(stopped) or "Stopped. The same command begins where it was.") from None
    if report["stopped"] is None:
        folder.close()
    return report


def _reported(measurement: _Measurement, overrides: Mapping[str, object]) -> dict[str, Any]:
    plan, state = measurement.plan, measurement.state
    house = Plan(
        tasks=plan.tasks,
        seed=plan.seed,
        stream=plan.stream,
        round_size=ROUND,
        names="natural",
        compound_share=plan.compound_share,
        concurrency=CONCURRENCY,
    )
    with (
        measurement.stop.on_interrupt(),
        open_house(house, measurement.folder.home, overrides, measurement.say) as opened,
    ):
        run = _guarded(opened, measurement.stop)
        _refuse_unisolated(run)
        run.stream.restore()
        run.notes.recall.update(state.recall)
        run.notes.trouble.extend(state.trouble)
        kept = AttemptsKept(
            Lines(measurement.folder.path / ATTEMPTS), (*run.stream.household.tasks, *run.stream.tasks)
        )
        with _accounted(measurement, run, kept):
            if not state.stream_over:
                _learn(measurement, run, kept)
            if plan.train and not state.trained:
                _train(measurement, run)
            with run.notes.stage("arms"):
                attempts = _measured(measurement, run, kept)
        return _report(measurement, run, attempts)


def _guarded(run: HouseRun, stop: Stop) -> HouseRun:
    """The house, whose requests end when somebody wants it to stop."""
    conditions = replace(run.conditions, policy=stop.guarded(run.conditions.policy))
    return replace(run, conditions=conditions, pin=lambda version: stop.guarded(run.pin(version)))


def _refuse_unisolated(run: HouseRun) -> None:
    """Raise ExecutorError where nothing isolates what the model writes and nobody has accepted that."""
    if not (run.conditions.pool.isolated or run.workspace.settings().sandbox.unattended):
        raise ExecutorError(
            "Nothing isolates model-written code on this machine, so none runs unattended.",
            "Install bubblewrap, or accept it: METACLAW_SANDBOX_UNATTENDED=true.",
        )


@contextmanager
def _accounted(measurement: _Measurement, run: HouseRun, kept: AttemptsKept) -> Iterator[None]:
    """Keep how long it took and how far it came, however it ends; Ctrl-C says how to go on."""
    plan, state = measurement.plan, measurement.state
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Stopped. {state.streamed} of {plan.stream} training tasks and {len(kept)} of {measurement.wanted} "
            "attempts of the arms are kept: the same command goes on with them."
        ) from None
    finally:
        for name, seconds in run.notes.seconds.items():
            state.stage_seconds[name] = round(state.stage_seconds.get(name, 0.0) + seconds, 1)
        state.seconds = round(state.seconds + measurement.deadline.seconds(), 1)
        measurement.folder.write(state)


def _learn(measurement: _Measurement, run: HouseRun, kept: AttemptsKept) -> None:
    state, deadline = measurement.state, measurement.deadline

    def attempting(task: PracticeTask, skills: tuple[Match, ...], conditions: Conditions) -> Attempted:
        found = kept.of_stream(task)
        if found is None:
            found = attempt(task, skills, conditions)
            kept.keep_of_stream(task, found)
        return found

    def on_round(number: int) -> None:
        state.streamed = number
        state.recall, state.trouble = dict(run.notes.recall), list(run.notes.trouble)
        measurement.folder.write(state)

    learn_stream(
        run,
        begin=state.streamed,
        attempting=attempting,
        on_round=on_round,
        goes_on=lambda: deadline.within(STREAM_SHARE),
    )
    state.recall, state.trouble = dict(run.notes.recall), list(run.notes.trouble)
    state.stream_over = True
    measurement.folder.write(state)


def _train(measurement: _Measurement, run: HouseRun) -> None:
    with run.notes.stage("training"):
        trained = train_house(run)
    state = measurement.state
    state.trained = True
    state.training = training_report(trained)
    state.served = None if trained is None else trained.served
    measurement.folder.write(state)


def _measured(measurement: _Measurement, run: HouseRun, kept: AttemptsKept) -> dict[str, tuple[Attempt, ...]]:
    plan, tasks = measurement.plan, run.stream.household.tasks
    arms = _arms(measurement, run)
    pace = _Pace(measurement.deadline, len(arms))
    with bar("arms", len(arms) * len(tasks), "attempt", done=len(kept)) as shown:

        def on_done() -> None:
            pace.note()
            shown.update()

        found = measure_together(
            tasks, arms, kept, concurrency=CONCURRENCY, goes_on=pace.goes_on, on_done=on_done
        )
    done = len(found[BASELINE])
    if done < min(2, plan.tasks):
        raise TaskFailed(
            f"{plan.minutes:g} minutes were too short: {done} test tasks were done by every arm.",
            "What was measured is kept: the same command goes on with it. Give it more --minutes.",
        )
    return found


class _Pace:
    """Whether another task fits into the time, by how long an attempt took so far. From any thread."""

    def __init__(self, deadline: Deadline, arms: int) -> None:
        self._deadline = deadline
        self._arms = arms
        self._began = deadline.clock()
        self._lock = threading.Lock()
        self._done = 0

    def note(self) -> None:
        """An attempt was made."""
        with self._lock:
            self._done += 1

    def goes_on(self) -> bool:
        """Asked before a task is begun."""
        taken = self._deadline.clock() - self._began
        each = taken * CONCURRENCY / self._done if self._done else 0.0
        return self._deadline.within(needed=self._arms * each)


def _arms(measurement: _Measurement, run: HouseRun) -> list[MeasuredArm]:
    plan, state = measurement.plan, measurement.state
    settings = run.workspace.settings().skills
    drawn = {
        arm.name: arm
        for arm in draw_arms(learnt_of(run.stream), settings, plan.seed, run.conditions.prompting)
    }
    found = []
    for name in plan.arms:
        if name == FULL and state.training is None:
            continue
        # What was not promoted does not serve: the base answers this arm too.
        version = (state.served or 0) if name == FULL else 0
        arm = drawn[name]
        found.append(MeasuredArm(name, arm.skills_of, arm.rule_of, run.at(version), version))
    return found


def _report(
    measurement: _Measurement, run: HouseRun, attempts: Mapping[str, tuple[Attempt, ...]]
) -> dict[str, Any]:
    plan, state, model = measurement.plan, measurement.state, measurement.model
    prompting, limit = run.conditions.prompting, run.most_skills
    learnt, done = learnt_of(run.stream), len(attempts[BASELINE])
    return {
        **local_arms_report(attempts, limit),
        **learnt_report(learnt),
        "skill_bodies": {skill.name: skill.body for skill in learnt.skills},
        "training": state.training,
        "recall": {"split": "validation", **run.notes.recall},
        "evolver_trouble": {"n": len(run.notes.trouble), "example": next(iter(run.notes.trouble), None)},
        "stage_seconds": state.stage_seconds,
        "split": "test",
        "names": "natural",
        "seed": plan.seed,
        "stream": plan.stream,
        "tasks": plan.tasks,
        "compound_share": plan.compound_share,
        "model": model.name,
        "form": model.form,
        "model_files": dict(model.files),
        "model_sha256": next(iter(model.files.values())) if len(model.files) == 1 else None,
        "temperature": run.conditions.sampling.temperature,
        "max_tokens": run.conditions.sampling.max_tokens,
        "steps": run.conditions.max_steps,
        "max_skills": limit,
        "prompting": prompting.to_dict(),
        "concurrency": CONCURRENCY,
        "protections": run.conditions.pool.protections(),
        "splits_sha256": splits_sha256(),
        "stopped": None if done == plan.tasks else f"after {plan.minutes or 0:g} minutes",
        "processes": state.processes,
        "attempts": f"{measurement.folder.path.parent.name}/{measurement.folder.path.name}/{ATTEMPTS}",
        "seconds": state.seconds,
        "notebook_seconds": None,
    }

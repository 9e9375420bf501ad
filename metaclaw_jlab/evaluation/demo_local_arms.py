"""Arms measured task by task: every arm does a task before the next one, so that what is there is always paired."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from metaclaw_jlab.core.errors import TaskFailed
from metaclaw_jlab.core.policy import Completion, Message, Policy, Sampling
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.evaluation.demo_local_attempts import AttemptsKept
from metaclaw_jlab.evaluation.practice_arms import Attempt, RuleOf, SkillsOf, attempt_record
from metaclaw_jlab.evaluation.practice_attempt import Conditions, attempt
from metaclaw_jlab.practice import PracticeTask

MOST_FAILURES = 8  # one after the other, before the policy is given up


@dataclass(frozen=True, slots=True)
class MeasuredArm:
    """An arm: its skills, what they state, and under what it is done. `version` tells which policy answers it."""

    name: str
    skills_of: SkillsOf
    rule_of: RuleOf
    conditions: Conditions
    version: int = 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an arm is asked of a task."""

    arm: MeasuredArm
    skills: tuple[Match, ...]
    stated: frozenset[str]

    @property
    def prompt(self) -> tuple[object, ...]:
        """What decides the prompt, and so the answer: who is asked, and what the skills say."""
        return (self.arm.version, *(match.skill.body for match in self.skills))


@dataclass
class Stop:
    """Whether somebody wants it to end: told to every thread, and to the request under way in it."""

    event: threading.Event = field(default_factory=threading.Event)

    def guarded(self, policy: Policy) -> Policy:
        """The policy, whose requests end when it is told."""
        return _Stoppable(policy, self.event)

    @contextmanager
    def on_interrupt(self) -> Iterator[None]:
        """Tell it with Ctrl-C, which then raises KeyboardInterrupt as always."""
        import signal

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def stop(*_: object) -> None:
            self.event.set()
            raise KeyboardInterrupt

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


@dataclass(frozen=True, slots=True)
class _Stoppable:
    policy: Policy
    stopped: threading.Event

    @property
    def model(self) -> str:
        return self.policy.model

    def complete(
        self,
        messages: tuple[Message, ...],
        sampling: Sampling,
        *,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        def listen(piece: str) -> None:
            if self.stopped.is_set():
                raise KeyboardInterrupt
            if on_text is not None:
                on_text(piece)

        listen("")
        return self.policy.complete(messages, sampling, on_text=listen)


def measure_together(
    tasks: Sequence[PracticeTask],
    arms: Sequence[MeasuredArm],
    kept: AttemptsKept,
    *,
    concurrency: int,
    goes_on: Callable[[], bool] = lambda: True,
    on_done: Callable[[], None] = lambda: None,
) -> dict[str, tuple[Attempt, ...]]:
    """The attempts of every arm at the tasks that all of them have done, in the order of the tasks.

    One thread does all arms of a task, one after the other: their prompts begin alike. A prompt that an earlier arm
    had too is not asked again, its attempt counts for both. Before each task `goes_on` is asked, after each attempt
    `on_done` is called, both from any thread. Raises TaskFailed where the policy fails again and again.
    """
    chosen = [[_asked(arm, task) for arm in arms] for task in tasks]
    failures = _FailuresInARow()

    def done(index: int) -> None:
        if goes_on():
            _all_arms(tasks[index], chosen[index], kept, failures, on_done)

    missing = [i for i, task in enumerate(tasks) if any(kept.of_arm(arm.name, task) is None for arm in arms)]
    threads = ThreadPoolExecutor(concurrency, thread_name_prefix="metaclaw-arms")
    try:
        for future in as_completed([threads.submit(done, index) for index in missing]):
            future.result()
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
    found = [[kept.of_arm(arm.name, task) for arm in arms] for task in tasks]
    whole = [[one for one in row if one is not None] for row in found if None not in row]
    return {arm.name: tuple(row[number] for row in whole) for number, arm in enumerate(arms)}


class _FailuresInARow:
    """Counts them over all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0

    def note(self, failure: str | None) -> None:
        with self._lock:
            self._number = 0 if failure is None else self._number + 1
            if self._number >= MOST_FAILURES:
                raise TaskFailed(
                    f"{self._number} attempts failed one after the other: {failure}",
                    "What was measured is kept: the same command goes on with it.",
                )


def _asked(arm: MeasuredArm, task: PracticeTask) -> _Asked:
    skills = arm.skills_of(task)
    rules = {arm.rule_of(match.skill) for match in skills}
    return _Asked(arm, skills, frozenset(rule for rule in rules if rule))


def _all_arms(
    task: PracticeTask,
    asked: Sequence[_Asked],
    kept: AttemptsKept,
    failures: _FailuresInARow,
    on_done: Callable[[], None],
) -> None:
    there: dict[tuple[object, ...], Attempt] = {}
    for one in asked:
        found = kept.of_arm(one.arm.name, task)
        if found is None:
            same = there.get(one.prompt)
            found = _of_another(same, one) if same is not None else _attempted(task, one)
            failures.note(found.failure)
            kept.keep(found)
            on_done()
        there.setdefault(one.prompt, found)


def _attempted(task: PracticeTask, asked: _Asked) -> Attempt:
    done = attempt(task, asked.skills, asked.arm.conditions)
    return replace(attempt_record(asked.arm.name, task, asked.skills, done), stated=asked.stated)


def _of_another(same: Attempt, asked: _Asked) -> Attempt:
    names = tuple(match.skill.name for match in asked.skills)
    return replace(same, arm=asked.arm.name, skills=names, stated=asked.stated)

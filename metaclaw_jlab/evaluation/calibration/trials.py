"""Attempts at tasks under the candidates, a few at once, each written down as soon as it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice

from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.core.errors import TaskFailed
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.calibration.candidates import Candidate
from metaclaw_jlab.evaluation.calibration.choosing import Score
from metaclaw_jlab.practice import PracticeTask

CONCURRENCY = 4
BLOCK = 8  # tasks that one candidate does before the next does them: their prompts begin alike
MOST_FAILURES = 8  # one after the other, none of which is the candidate's fault

Try = Callable[[PracticeTask, Candidate], tuple[Attempt, Trajectory | None]]


@dataclass
class Trials:
    """The attempts of a calibration, those of earlier runs included. `attempt` may be called from any thread.

    `on_attempt` is called in the thread of `run`. What failed for a reason of the machine's counts as not right, and
    is tried again by the next run.
    """

    log: AttemptsLog
    attempt: Try
    concurrency: int = CONCURRENCY
    enough: Callable[[], bool] = lambda: False
    on_attempt: Callable[[Attempt], None] = lambda _: None
    failed: dict[tuple[str, str], Attempt] = field(default_factory=dict)
    _failures: int = 0

    def run(self, candidates: Sequence[Candidate], tasks: Sequence[PracticeTask]) -> bool:
        """All candidates at all tasks, without what is there already; whether it was done to the end.

        Raises TaskFailed where one attempt after the other fails. After KeyboardInterrupt nobody waits for what runs:
        it is tried again by the next run.
        """
        jobs = list(self._missing(candidates, tasks))
        waiting, running = iter(jobs), set[Future[Attempt]]()
        threads = ThreadPoolExecutor(self.concurrency, thread_name_prefix="metaclaw-calibration")
        done = 0
        try:
            while True:
                free = 0 if self.enough() else self.concurrency - len(running)
                running |= {threads.submit(self._one, *job) for job in islice(waiting, free)}
                if not running:
                    return done == len(jobs)
                over, running = wait(running, return_when=FIRST_COMPLETED)
                for future in over:
                    self._take(future.result())
                done += len(over)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def table(self, tasks: Sequence[PracticeTask]) -> Mapping[str, Mapping[str, Score]]:
        """The scores by candidate, at these tasks."""
        wanted, found = {task.id for task in tasks}, dict[str, dict[str, Score]]()
        for attempt in self.attempts():
            if attempt.task in wanted:
                score = Score(bool(attempt.right), attempt.value == 1.0)
                found.setdefault(attempt.arm, {})[attempt.task] = score
        return found

    def attempts(self) -> Iterable[Attempt]:
        """All that were made."""
        return (*self.log.done(), *self.failed.values())

    def _missing(
        self, candidates: Sequence[Candidate], tasks: Sequence[PracticeTask]
    ) -> Iterator[tuple[PracticeTask, Candidate]]:
        there = {(attempt.arm, attempt.task) for attempt in self.attempts()}
        for start in range(0, len(tasks), BLOCK):
            for candidate in candidates:
                for task in tasks[start : start + BLOCK]:
                    if (candidate.key, task.id) not in there:
                        yield task, candidate

    def _one(self, task: PracticeTask, candidate: Candidate) -> Attempt:
        attempt, trajectory = self.attempt(task, candidate)
        return attempt if attempt.failure is not None else self.log.append(attempt, trajectory)

    def _take(self, attempt: Attempt) -> None:
        if attempt.failure is None:
            self._failures = 0
        else:
            self.failed[attempt.arm, attempt.task] = attempt
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                raise TaskFailed(
                    f"{self._failures} attempts failed one after the other, the last because: {attempt.failure}",
                    "See: metaclaw doctor. The same command goes on where it stopped.",
                )
        self.on_attempt(attempt)

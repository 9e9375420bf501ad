"""The coordinator's loop: jobs go out, attempts come in, and it ends as soon as something says so."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from metaclaw_jlab.core.ablation import AblationPlan, AblationState, Attempt
from metaclaw_jlab.core.errors import AblationError, LeaseHeld
from metaclaw_jlab.evaluation.ablation.attempts_log import Key, read_attempts
from metaclaw_jlab.evaluation.ablation.budget import Meter
from metaclaw_jlab.evaluation.ablation.jobs import Job, Message, MessageKind
from metaclaw_jlab.evaluation.ablation.progress import Progress, progress
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.evaluation.ablation.workers import STOP_SECONDS, Workers
from metaclaw_jlab.runtime.leases import renew

HOPELESS = 12  # attempts of an arm in a row at which policy or sandbox failed
_LOOK_SECONDS = 0.5
_RENEW_SECONDS = 60.0
_ASKED = "It was stopped by its user."

Ending = tuple[AblationState, str]


class Conducting:
    """One conduct of a run, from what is done already to its end."""

    def __init__(
        self,
        run: RunFolder,
        plan: AblationPlan,
        on_progress: Callable[[Progress], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run = run
        self._plan = plan
        self._on_progress = on_progress
        self._clock = clock
        found = read_attempts(run)
        self._keys: set[Key] = {attempt.key for attempt in found}
        self._meter = Meter(plan.budget)
        self._meter.count(found)
        self._hopeless = False
        self._failing: dict[str, list[Attempt]] = defaultdict(list)
        self._arm = ""
        self._state = run.state()
        self._renewed = clock()
        self._cut_off = False

    def say(self, doing: str = "") -> None:
        """Tell how far it is."""
        self._on_progress(
            progress(self._state, len(self._keys), self._arm, self._meter, self._clock(), doing)
        )

    def ended(self) -> Ending | None:
        """Whether it is to end, before it is done."""
        if self._run.wants_stop():
            return AblationState.CANCELLED, _ASKED
        spent = self._meter.spent(self._state.seconds(self._clock()))
        return None if spent is None else (AblationState.SPENT, spent)

    def void(self) -> tuple[Key, ...]:
        """Attempts that say nothing of their arms, to be struck out: where policy or sandbox failed all of an arm's,
        those that failed last in each arm, and those that failed after. Nobody may be writing any more."""
        if not self._hopeless:
            return ()
        last = [one.key for failing in self._failing.values() for one in failing]
        late = [one.key for one in read_attempts(self._run) if one.failure and one.key not in self._keys]
        return (*last, *late)

    def conduct(self, jobs: Sequence[Job], workers: Workers) -> Ending:
        """Have the jobs done. Raises AblationError where one cannot be done."""
        self._state = self._run.state()
        self.say()
        left = {job.id for job in jobs}
        for job in jobs:
            workers.submit(job)
        while left:
            if (ending := self.ended()) is not None:
                self._stop(workers, left)
                return ending
            self._hear(workers, left, _LOOK_SECONDS)
            self._hold_on()
            self.say()
        # The last jobs may have heard of a wish to stop before this loop did.
        return (AblationState.CANCELLED, _ASKED) if self._cut_off else (AblationState.DONE, "")

    def _hear(self, workers: Workers, left: set[str], seconds: float) -> None:
        for message in workers.messages(seconds):
            if message.attempt is not None:
                self._take(message.attempt)
                if self.ended() is not None:
                    return
            elif message.kind is MessageKind.NOTE:
                self._run.note(message.text)
                self._state = self._run.state()
            elif message.kind is MessageKind.FAILED:
                raise AblationError(message.text, message.next_step)
            else:
                left.discard(message.job)
                self._cut_off |= message.kind is MessageKind.STOPPED
                if self._cut_off and not self._run.wants_stop():
                    raise AblationError(
                        f"A worker was told from outside to stop, at job {message.job}.",
                        f"What was done is kept: metaclaw ablate resume {self._run.number}.",
                    )

    def _take(self, attempt: Attempt) -> None:
        if attempt.key in self._keys:
            return
        self._keys.add(attempt.key)
        self._arm = attempt.arm
        self._meter.count([attempt])
        failing = self._failing[attempt.arm]
        if attempt.failure is None:
            failing.clear()
            return
        failing.append(attempt)
        if len(failing) >= HOPELESS:
            self._hopeless = True
            raise AblationError(
                f"{len(failing)} attempts of arm {attempt.arm} failed in a row, at last: {attempt.failure}",
                "See to it (metaclaw doctor), then resume: these attempts are made again.",
            )

    def _stop(self, workers: Workers, left: set[str]) -> None:
        """Let come to its end what is under way, for a while."""
        workers.stop()
        deadline = self._clock() + STOP_SECONDS
        while left and self._clock() < deadline:
            for message in workers.messages(_LOOK_SECONDS):
                if message.attempt is not None and message.attempt.key not in self._keys:
                    self._keys.add(message.attempt.key)
                    self._meter.count([message.attempt])
                elif _is_over(message):
                    left.discard(message.job)
            self.say("stopping")

    def _hold_on(self) -> None:
        if self._clock() - self._renewed < _RENEW_SECONDS:
            return
        self._renewed = self._clock()
        try:
            renew(self._run.home, self._run.lease_name)
        except LeaseHeld as error:
            raise AblationError(
                f"This run was taken over: {error.cause}", "Look at it where it runs."
            ) from error


def _is_over(message: Message) -> bool:
    return message.kind not in (MessageKind.ATTEMPT, MessageKind.NOTE)

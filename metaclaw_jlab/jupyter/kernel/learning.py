"""Learning beside the user's work, in one kernel: failures wake a thread, and what it learned is told."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.score import Score
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.jupyter.kernel.starts import Starts
from metaclaw_jlab.learning.beside import Beside

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.replay import Replayer
    from metaclaw_jlab.executors.sandbox import SandboxPool
    from metaclaw_jlab.jupyter.kernel.start_state import Captured

FOLDERS = 64  # tasks whose working folder is remembered
VERIFIED_USES = 16  # looked at after one failure or task
VERIFY_SECONDS = 30.0
LOCAL_REPLAYS = 3  # a slot of the server of a pretrained local model stays free for the user
LEASE_SECONDS = 30.0
POLL_SECONDS = 0.2
QUIET_SECONDS = 0.5  # without a task, before what has time is done beside the user's work


class KernelLearning:
    """The inner loop of one kernel. Its thread touches neither the user's namespace nor their files."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folders: OrderedDict[str, Path] = OrderedDict()
        self._notices: deque[str] = deque()
        self._watched: tuple[str, Callable[[str], None]] | None = None
        self._pool: SandboxPool | None = None
        self._starts = Starts()
        self._ended: set[str] = set()  # since the last admission
        self._admit_all = True  # what kernels that are gone have left, and what is settled for others
        self._lock = threading.RLock()
        self.beside = Beside(self._turn, self._notice, at_rest=self._rest)

    def begun(self, trajectory: Trajectory, captured: Captured) -> None:
        """A task has begun from this; it is kept when its first code is known."""
        if trajectory.learn:
            self._starts.begun(trajectory.id, captured)

    def offered(self, trajectory: Trajectory) -> None:
        """A step was proposed, which may wait for long: what the task started from is kept now."""
        if self._starts.went_on(trajectory):
            self.beside.wake(quiet=QUIET_SECONDS)

    def ended(self, trajectory: Trajectory) -> None:
        """A task has ended, or its user said something about it: learn from it, or have it train the policy."""
        self._starts.went_on(trajectory)
        if may_teach(trajectory):
            self._folders[trajectory.id] = Path.cwd()
            while len(self._folders) > FOLDERS:
                self._folders.popitem(last=False)
        with self._lock:
            self._ended.add(trajectory.id)
        self.beside.wake(quiet=0.0 if may_teach(trajectory) else QUIET_SECONDS)

    def notices(self) -> tuple[str, ...]:
        """What was learned since the last call and was not shown yet; a sentence each."""
        found = []
        while self._notices:
            found.append(self._notices.popleft())
        return tuple(dict.fromkeys(found))

    def watch(self, trajectory_id: str, show: Callable[[str], None] | None) -> None:
        """Show what is learned from this task in one place, where there is one, until the thread is through."""
        with self._lock:
            self._watched = None if show is None else (trajectory_id, show)
            for sentence in self.notices() if show is not None else ():
                self._notice(sentence)
        if not self.beside.busy:
            self._conclude()

    def evolve(self) -> tuple[str, ...]:
        """Look at what waits and wait for it; what was learned. KeyboardInterrupt ends the waiting alone."""
        self.beside.wake()
        while not self.beside.wait(POLL_SECONDS):
            pass
        return self.notices()

    def close(self) -> None:
        """Begin nothing more and let go of the sandboxes."""
        self.beside.stop()
        self._rest()

    def _notice(self, sentence: str) -> None:
        with self._lock:
            if self._watched is None:
                self._notices.append(sentence)
                return
            (_, show), self._watched = self._watched, None
        show(sentence)

    def _conclude(self) -> None:
        """Where nothing was learned from the task that is watched, say why."""
        from metaclaw_jlab.store.support import Support

        with self._lock:
            watched, self._watched = self._watched, None
        if watched is not None:
            trajectory_id, show = watched
            found = Support(self._workspace.database()).settlement(trajectory_id)
            show(
                f"MetaClaw: no new skill from it. {found.reason if found else ''}".rstrip()
                + f" · %metaclaw why {trajectory_id}"
            )

    def _turn(self) -> bool:
        """One pass, then whatever the budget allows: wordings left untried, and which skills helped."""
        from metaclaw_jlab.learning.credit import verify_uses
        from metaclaw_jlab.learning.inner_loop import evolve_once
        from metaclaw_jlab.learning.rewording import reword
        from metaclaw_jlab.learning.watching import look_after

        self._starts.store(self._workspace.database())
        self._admit()  # first: a failure whose evolver does not answer holds up nothing else
        look_after(self._workspace.home, self._workspace.database(), self._notice)
        if not self._anything_waits():
            self._conclude()
            return False
        replayer = self._replayer()
        loop = self._workspace.inner_loop(
            replayer=replayer, on_notice=self._notice, wait_seconds=LEASE_SECONDS
        )
        if not evolve_once(loop).idle:
            self._admit_all = True
            return True
        self._conclude()
        if replayer is not None and loop.wording_seconds > 0:
            reword(loop)
            seconds = min(loop.wording_seconds, VERIFY_SECONDS)
            verify_uses(loop.database, replayer, limit=VERIFIED_USES, seconds=seconds, clock=loop.clock)
        return False

    def _anything_waits(self) -> bool:
        """Whether there is anything to do. Most tasks leave nothing: no lease is taken for them, nothing is started."""
        from metaclaw_jlab.store.support import Support
        from metaclaw_jlab.store.undecided import Undecided
        from metaclaw_jlab.store.uses import Uses

        database = self._workspace.database()
        return bool(
            Support(database).pending(1) or Uses(database).unverified(1) or Undecided(database).take()
        )

    def _admit(self) -> None:
        """Take into the query set what has ended and was decided on."""
        from metaclaw_jlab.learning.admission import admit_settled

        with self._lock:
            ended, self._ended = self._ended, set()
            everything, self._admit_all = self._admit_all, False
        if ended or everything:
            settings = self._workspace.settings()
            admit_settled(
                self._workspace.database(),
                None if everything else sorted(ended),
                pending=settings.evolver.kind == "off",
                held_out_share=settings.training.held_out_share,
            )

    def _replayer(self) -> Replayer | None:
        """Sandboxes to try wordings in; None where code that a model wrote may not run unattended (invariant 8)."""
        from metaclaw_jlab.assembly import uses_embedded_policy
        from metaclaw_jlab.core.errors import ExecutorError, MetaclawError
        from metaclaw_jlab.core.policy import Sampling
        from metaclaw_jlab.learning.replay import CONCURRENCY, SandboxReplayer

        workspace = self._workspace
        settings = workspace.settings()
        if not workspace.wording_seconds():
            return None
        try:
            with self._lock:
                if self._pool is None:
                    self._pool = workspace.sandbox_pool(1)
                pool = self._pool
            if not (pool.isolated or settings.sandbox.unattended):
                return None
            policy = workspace.precedence.yielding(workspace.policy())
        except (ExecutorError, MetaclawError):
            return None
        slow = settings.policy.base_url is None and not uses_embedded_policy(settings)
        return SandboxReplayer(
            concurrency=LOCAL_REPLAYS if slow else CONCURRENCY,
            get=workspace.trajectories().get,
            folder_of=self._folders.get,
            policy=policy,
            pool=pool,
            sampling=Sampling(
                settings.policy.temperature, settings.policy.max_tokens, extra=settings.policy.extra
            ),
            max_steps=settings.agent.steps,
            pinned_to=lambda model: workspace.precedence.yielding(workspace.policy(begun=model)),
            prompting=workspace.prompting(),
        )

    def _rest(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()


def may_teach(trajectory: Trajectory) -> bool:
    """Whether there is something to learn from, or a skill to give credit to."""
    blamed = isinstance(trajectory.score, Score) and trajectory.score.value < 0
    failed = any(not result.passed for result in trajectory.checks)
    edited = any(step.ran is not None for step in trajectory.steps)
    return blamed or failed or edited or bool(trajectory.checks and trajectory.stamp.skills)

"""The home of a chain at work: an arm's policy, sandboxes and skills, as they are at the moment they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.ablation import AblationPlan
from metaclaw_jlab.core.adapter import pinned
from metaclaw_jlab.core.arm import BASE, Arm, SkillSource
from metaclaw_jlab.core.errors import AblationError, LeaseHeld
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.replay import Replayer
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.evaluation.ablation.attempting import Conditions, SkillsOf
from metaclaw_jlab.evaluation.ablation.plans import settings_of
from metaclaw_jlab.evaluation.ablation.seals import require_marker
from metaclaw_jlab.evaluation.ablation.wrong_outcomes import misjudged_start, told_wrong
from metaclaw_jlab.evaluation.house_run import of_its_own
from metaclaw_jlab.evaluation.practice_attempt import Conditions as PracticeConditions
from metaclaw_jlab.evaluation.practice_replays import PracticeReplayer
from metaclaw_jlab.practice import PracticeTask, from_dict
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.policy_server import stop

if TYPE_CHECKING:
    from metaclaw_jlab.executors.sandbox import SandboxPool
    from metaclaw_jlab.store.database import Database

_WORKERS = 2


@dataclass(frozen=True, slots=True)
class ChainHome:
    """An arm with a seed, in a home of its own."""

    arm: Arm
    seed: int
    tasks: TaskSet
    workspace: Workspace
    pool: SandboxPool

    @property
    def evolves(self) -> bool:
        """Whether failures become skills; raw feedback is remembered as it is."""
        return self.arm.learning.skills and self.arm.skills is not SkillSource.FEEDBACK

    @property
    def practice(self) -> bool:
        """Whether its tasks are practice tasks."""
        return all(trial.start.practice is not None for trial in self.tasks.test)

    @property
    def generation(self) -> int:
        """The number of the current skill generation."""
        return self.workspace.synchronised().generation.number

    @property
    def served(self) -> int:
        """The adapter that answers in this arm; 0: the base alone."""
        from metaclaw_jlab.store.serving import Serving

        if self.arm.adapter == BASE:
            return 0
        base = self.workspace.settings().policy.local_model
        return self.arm.version or Serving(self.workspace.database()).current(base) or 0

    def policy(self) -> Policy:
        """What answers now. Raises ServerStartFailed."""
        model = self.workspace.settings().policy.local_model
        return self.workspace.policy(begun=pinned(model, self.served))

    def sampling(self) -> Sampling:
        """The arm's own, at the configured temperature where it names none."""
        wanted, own = self.workspace.settings().policy, self.arm.temperature
        temperature = float(own) if isinstance(own, int | float) else wanted.temperature
        return Sampling(temperature, wanted.max_tokens, self.seed, extra=wanted.extra)

    def conditions(self, purpose: Purpose) -> Conditions:
        """How tasks are attempted now."""
        return Conditions(
            arm=self.arm.name,
            policy=self.policy(),
            rooms=SandboxRooms(self.pool),
            sampling=self.sampling(),
            max_steps=self.workspace.settings().agent.steps,
            purpose=purpose,
            generation=self.generation,
            prompting=self.workspace.prompting(),
        )

    def skills(self) -> SkillsOf:
        """What chooses the skills of prompts; to be called in one thread."""
        from metaclaw_jlab.evaluation.ablation.skill_sources import skills_for

        return skills_for(self.arm, self.workspace, seed=self.seed)

    def told_start(self, trial: TrialTask) -> StartState:
        """What a task starts from, as the learner is told of it: with its outcomes wrong where it is lied to."""
        if told_wrong(self.arm.learning.wrong, self.seed, trial.id):
            return misjudged_start(trial.start)
        return trial.start

    def replayer(self) -> Replayer | None:
        """Does practice tasks of this home again, as the learner is told of them; other tasks are not done again."""
        if not self.practice:
            return None
        settings = self.workspace.settings()
        conditions = PracticeConditions(
            policy=self.policy(),
            pool=self.pool,
            sampling=self.sampling(),
            max_steps=settings.agent.steps,
            prompting=self.workspace.prompting(),
        )
        return PracticeReplayer(_Recorded(self.workspace.database()), conditions)


@contextmanager
def open_chain_home(
    home: Home, plan: AblationPlan, arm: Arm, seed: int, tasks: TaskSet
) -> Iterator[ChainHome]:
    """The home at work, closed at the end and its policy server stopped. Raises AblationError, ExecutorError."""
    require_marker(home, "learning for an ablation")
    with closing(open_workspace(home.path, settings_of(plan, arm), namespace="")) as workspace:
        workspace.overrides.update(of_its_own(workspace))
        if arm.learning.successes_only:
            workspace.overrides["training.successes_only"] = True
        try:
            with workspace.sandbox_pool(_WORKERS) as pool:
                if not (pool.isolated or workspace.settings().sandbox.unattended):
                    raise AblationError(
                        "Nothing isolates model-written code on this machine, so none runs unattended.",
                        "Install bubblewrap, or accept it: metaclaw config set sandbox.unattended true.",
                    )
                yield ChainHome(arm, seed, tasks, workspace, pool)
        finally:
            # A lease that is held is of a start under way, whose server nobody will use: it ends when idle.
            with suppress(LeaseHeld):
                stop(workspace.home)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The practice tasks of recorded trajectories, as their starts are kept."""

    database: Database

    def get(self, trajectory: str, /) -> PracticeTask | None:
        """The task of a trajectory; None where it is no practice task."""
        from metaclaw_jlab.store.start_states import StartStates

        start = StartStates(self.database).get(trajectory)
        return None if start is None or start.practice is None else from_dict(json.loads(start.practice))


__all__ = ["ChainHome", "open_chain_home"]

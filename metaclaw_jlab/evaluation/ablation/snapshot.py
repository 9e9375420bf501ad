"""Arms on a frozen copy of the home: all do the same tasks, and nothing is learnt."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from metaclaw_jlab.agent.rooms import SandboxRooms
from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.ablation import AblationPlan, Attempt
from metaclaw_jlab.core.adapter import pinned
from metaclaw_jlab.core.arm import BASE, BEST, Arm
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import AblationError
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.ablation.attempting import Conditions, SkillsOf, attempt_task
from metaclaw_jlab.evaluation.ablation.attempts_log import AttemptsLog
from metaclaw_jlab.evaluation.ablation.frozen_home import open_frozen, place_of
from metaclaw_jlab.evaluation.ablation.jobs import Job
from metaclaw_jlab.evaluation.ablation.plans import settings_of
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.evaluation.ablation.skill_sources import skills_for
from metaclaw_jlab.evaluation.ablation.temperatures import best_temperature
from metaclaw_jlab.evaluation.ablation.trial_files import read_tasks, tasks_path
from metaclaw_jlab.runtime.home import Home, replace_private
from metaclaw_jlab.runtime.leases import lease
from metaclaw_jlab.store.serving import Serving
from metaclaw_jlab.store.skills import Skills

if TYPE_CHECKING:
    from metaclaw_jlab.executors.sandbox import SandboxPool

THREADS = 8  # attempts at once in a process: most of their time they wait for the policy
_WARM = 1  # processes that sandboxes are forked from
_TEMPERATURES = "temperatures.json"
_TEMPERATURE_SECONDS = 24 * 3600.0  # so long another worker may need to find an arm's best one
_WRITE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A task to attempt, and the skills in its prompt."""

    trial: TrialTask
    sample: int
    skills: tuple[Match, ...]


@dataclass
class Bench:
    """An arm that is ready to attempt tasks. `skills_of` by seed."""

    arm: Arm
    workspace: Workspace
    conditions: Conditions
    skills_of: dict[int, SkillsOf] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Snapshot:
    """The arms of a run in one process, each made ready when it is first needed; from any thread.

    `say` is told what is to be noted of the run. Attempts are in no store: the run's log is all that is kept of them.
    """

    def __init__(self, run: RunFolder, say: Callable[[str], None] = lambda _: None) -> None:
        self._run = run
        self._say = say
        self._plan: AblationPlan = run.plan()
        self._arms: Mapping[str, Arm] = {arm.name: arm for arm in self._plan.arms}
        self._lock = threading.Lock()
        self._making = {name: threading.Lock() for name in self._arms}
        self._tasks: TaskSet | None = None
        self._benches: dict[str, Bench] = {}
        self._pools: dict[tuple[object, ...], SandboxPool] = {}
        self._closed = False

    def chosen(self, job: Job, log: AttemptsLog) -> list[Chosen]:
        """What of a job its log does not hold. Raises MetaclawError where the arm cannot be made ready."""
        done = {attempt.key for attempt in log.done()}
        trials = self.tasks().test[job.first : job.last]
        bench, samples = self._bench(job.arm), range(self._plan.samples)
        with bench.lock:  # retrieval is for one thread at a time
            skills_of = self._skills(bench, job.seed)
            return [
                Chosen(trial, sample, skills_of(trial))
                for trial in trials
                for sample in samples
                if (job.arm, trial.id, job.seed, sample) not in done
            ]

    def attempt(self, job: Job, chosen: Chosen, log: AttemptsLog) -> Attempt:
        """One attempt, written down. Raises AblationError where it was taken away."""
        conditions = self._bench(job.arm).conditions
        found = attempt_task(chosen.trial, chosen.skills, conditions, seed=job.seed, sample=chosen.sample)
        if self._closed:  # what failed because its sandbox was taken away is no result
            raise AblationError("The worker has ended meanwhile.", "Resume the ablation.")
        return log.append(found.attempt, found.trajectory)

    def tasks(self) -> TaskSet:
        """The tasks of the run, read once."""
        with self._lock:
            if self._tasks is None:
                self._tasks = read_tasks(tasks_path(self._run))
            return self._tasks

    def close(self) -> None:
        """Close sandboxes and workspaces. What is under way is given up, and not written down."""
        self._closed = True
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            for bench in self._benches.values():
                bench.workspace.close()
            self._pools.clear()
            self._benches.clear()

    def _bench(self, name: str) -> Bench:
        if name not in self._arms:
            raise AblationError(f"Ablation {self._run.number} has no arm {name}.", "See its plan.json.")
        with self._making[name]:  # one may take its time over a temperature, and hold up no other
            if name not in self._benches:
                self._benches[name] = self._made(self._arms[name])
            return self._benches[name]

    def _skills(self, bench: Bench, seed: int) -> SkillsOf:
        if seed not in bench.skills_of:
            bench.skills_of[seed] = skills_for(bench.arm, bench.workspace, seed=seed)
        return bench.skills_of[seed]

    def _made(self, arm: Arm) -> Bench:
        workspace = open_frozen(self._place(arm), settings_of(self._plan, arm))
        try:
            settings = workspace.settings()
            wanted = settings.policy
            number = arm.generation
            if number is None:
                number = Skills(workspace.database()).current_number()
            fixed = arm.temperature if isinstance(arm.temperature, (int, float)) else wanted.temperature
            bench = Bench(
                arm,
                workspace,
                Conditions(
                    arm=arm.name,
                    policy=pinned_policy(workspace, arm),
                    rooms=SandboxRooms(self._pool(workspace, settings)),
                    sampling=Sampling(float(fixed), wanted.max_tokens, extra=wanted.extra),
                    max_steps=settings.agent.steps,
                    generation=number,
                    prompting=workspace.prompting(),
                ),
            )
            return self._at_its_best(bench) if arm.temperature == BEST else bench
        except BaseException:
            workspace.close()
            raise

    def _place(self, arm: Arm) -> Path:
        frozen = self._run.frozen
        common = open_frozen(frozen, self._plan.settings)
        own = open_frozen(frozen, settings_of(self._plan, arm))
        try:
            return place_of(frozen, common.settings(), own.settings())
        finally:
            common.close()
            own.close()

    def _pool(self, workspace: Workspace, settings: Settings) -> SandboxPool:
        """Arms of the same limits share their warm processes."""
        limits = (repr(settings.sandbox), settings.agent.observation_chars)
        with self._lock:
            if self._closed:
                raise AblationError("The worker has ended meanwhile.", "Resume the ablation.")
            if limits not in self._pools:
                self._pools[limits] = workspace.sandbox_pool(_WARM)
            return self._pools[limits]

    def _at_its_best(self, bench: Bench) -> Bench:
        """The arm at the temperature that does best on validation tasks, which the first worker finds for all."""
        with lease(
            Home(self._run.frozen), f"temperature-{bench.arm.name}", wait_seconds=_TEMPERATURE_SECONDS
        ):
            found = self._found_temperatures()
            if bench.arm.name not in found:
                found = self._keep_temperature(bench.arm.name, self._search(bench))
        sampling = replace(bench.conditions.sampling, temperature=found[bench.arm.name])
        return replace(bench, conditions=replace(bench.conditions, sampling=sampling))

    def _keep_temperature(self, arm: str, best: float) -> dict[str, float]:
        """Beside those that other workers have found for other arms meanwhile."""
        with lease(Home(self._run.frozen), "temperatures", wait_seconds=_WRITE_SECONDS):
            found = {**self._found_temperatures(), arm: best}
            replace_private(self._run.path / _TEMPERATURES, json.dumps(found))
        return found

    def _found_temperatures(self) -> dict[str, float]:
        with suppress(OSError, ValueError):
            found: dict[str, float] = json.loads((self._run.path / _TEMPERATURES).read_text(encoding="utf-8"))
            return found
        return {}

    def _search(self, bench: Bench) -> float:
        tasks, seed = self.tasks().validation, self._plan.seeds[0]
        if not tasks:
            raise AblationError(
                f"Arm {bench.arm.name} chooses its temperature, and {self._plan.tasks} has no tasks to choose on.",
                "Give it a temperature, such as temperature=0.7, or take practice tasks.",
            )
        skills_of = self._skills(bench, seed)
        chosen = [(trial, skills_of(trial)) for trial in tasks]

        def share(temperature: float) -> float:
            sampling = replace(bench.conditions.sampling, temperature=temperature)
            conditions = replace(bench.conditions, sampling=sampling)
            with ThreadPoolExecutor(THREADS) as threads:
                futures = [
                    threads.submit(attempt_task, trial, skills, conditions, seed=seed)
                    for trial, skills in chosen
                ]
                found = [future.result().attempt for future in futures]
            if self._closed or all(one.failure is not None for one in found):
                raise AblationError(
                    f"No temperature could be chosen for arm {bench.arm.name}: {found[0].failure}",
                    "Resume the ablation once its policy answers.",
                )
            return fmean(one.value for one in found)

        best = best_temperature(share)
        self._say(
            f"Arm {bench.arm.name} samples at temperature {best:g}, the best of those tried on {len(tasks)} "
            "validation tasks, whose attempts are not counted."
        )
        return best


def pinned_policy(workspace: Workspace, arm: Arm) -> Policy:
    """The policy of an arm: the local one at the adapter that the arm names; an endpoint elsewhere has none."""
    settings = workspace.settings()
    if settings.policy.base_url:
        return workspace.policy()
    endpoint = workspace.serve(settings)
    serving = Serving(workspace.database())
    version = serving.current(endpoint.model) if arm.version is None else arm.version
    return workspace.policy(begun=pinned(endpoint.model, None if arm.adapter == BASE else version))


__all__ = ["THREADS", "Bench", "Chosen", "Snapshot", "pinned_policy"]

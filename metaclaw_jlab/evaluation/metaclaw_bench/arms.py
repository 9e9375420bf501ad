"""Arms on the benchmark: the configured policy under different skills and weights, each over the same days in order.

An arm that learns lives through the days one after the other in a home of its own, a copy of the user's that is sealed
after each day, so that a run that was killed goes on with the day that it was in. An arm that does not learn answers on
one frozen copy, its days at once. The user's own home is never written to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.arm import BEST, Arm, Learning, SkillSource
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import ExecutorError, LeaseHeld, UsageMistake
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.task_set import TrialTask
from metaclaw_jlab.evaluation.ablation.arms import arm_record
from metaclaw_jlab.evaluation.metaclaw_bench.arm_run import run_days
from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer, scoring_pool
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import run_day
from metaclaw_jlab.evaluation.metaclaw_bench.format import Benchmark, Day
from metaclaw_jlab.evaluation.metaclaw_bench.records import KeptDays
from metaclaw_jlab.evaluation.metaclaw_bench.round_agent import Lesson, RoundAgent, Terms
from metaclaw_jlab.evaluation.metaclaw_bench.round_learning import DayLearning, night
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import DayResult, RoundResult
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.runtime.home import Home

_WORKERS = 1
_TERMS = {"policy", "agent", "skills", "evolver", "training"}
_PLAIN = Learning()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmsPlan:
    """Which arms, on what. `folder` keeps results and homes; `settings` hold for all arms; nothing in `hidden` is seen
    by any code that runs. `parallel` days at once where nothing is learnt. `on_day` gets each day as it ends, and
    whether it was run now."""

    benchmark: Benchmark
    arms: tuple[Arm, ...]
    source: Home
    folder: Path
    settings: Mapping[str, object] = field(default_factory=dict)
    hidden: tuple[Path, ...] = ()
    seed: int = 1
    parallel: int = 1
    on_day: Callable[[str, DayResult, bool], None] = lambda _arm, _day, _ran: None
    on_round: Callable[[str, RoundResult], None] = lambda _arm, _round: None
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class ArmsRun:
    """The days of each arm, and the protections under which its code ran."""

    results: Mapping[str, tuple[DayResult, ...]]
    protections: tuple[str, ...]


def check_arms(arms: Sequence[Arm]) -> None:
    """Raises UsageMistake where an arm cannot be run on these days, or two share a name."""
    names = [arm.name for arm in arms]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageMistake(f"There are two arms called {twice[0]}.", "Give each a name of its own.")
    for arm in arms:
        usual = replace(_PLAIN, skills=arm.learning.skills, weights=arm.learning.weights)
        if replace(arm.learning, successes_only=False) != usual:
            raise UsageMistake(
                f"Arm {arm.name} learns otherwise than a user's home does, which needs practice tasks.",
                "Run it with metaclaw ablate --tasks practice:held-out.",
            )
        if arm.skills is SkillSource.GIVEN:
            raise UsageMistake(
                f"Arm {arm.name} takes the skills of a practice house, and these days have none.",
                "Use skills, random, placebo or feedback.",
            )
        if arm.temperature == BEST:
            raise UsageMistake(
                f"Arm {arm.name} wants its best temperature, and there are no tasks here to find it on.",
                "Name one, such as temperature=0.3.",
            )


def run_arms(plan: ArmsPlan) -> ArmsRun:
    """Run every arm. Ctrl-C ends it; what was finished stays in the folder.

    Raises UsageMistake, AblationError, ExecutorError, ServerStartFailed, ConfigError, OSError.
    """
    from metaclaw_jlab.evaluation.ablation.frozen_home import freeze

    check_arms(plan.arms)
    plan.folder.mkdir(parents=True, exist_ok=True)
    frozen = freeze(plan.source, plan.folder / "home", copy_of=plan.benchmark.name)
    with closing(open_workspace(frozen.path, plan.settings, namespace="")) as workspace:
        isolation = workspace.settings().sandbox.isolation
    with scoring_pool(isolation=isolation, hidden=_hidden(plan)) as checks, ExitStack() as rooms:
        shared = _Shared(plan, Scorer(checks, plan.benchmark.checkers), frozen.path, rooms)
        results = {arm.name: (_learning if arm.learns else _still)(shared, arm) for arm in plan.arms}
        return ArmsRun(results, checks.protections())


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the arms of a run share; `pools` of sandboxes by their limits, closed with `rooms`."""

    plan: ArmsPlan
    scorer: Scorer
    frozen: Path
    rooms: ExitStack
    pools: dict[str, SandboxPool] = field(default_factory=dict)

    def pool(self, settings: Settings) -> SandboxPool:
        """Sandboxes as in a user's workspace, from which the benchmark's own files are hidden as well. Raises
        ExecutorError where no model-written code may run."""
        limits, chars = settings.sandbox, settings.agent.observation_chars
        key = f"{limits!r}/{chars}"
        if key not in self.pools:
            pool = SandboxPool(
                _WORKERS,
                output_chars=chars,
                isolation=limits.isolation,
                seconds=limits.seconds,
                memory_mb=limits.memory_mb,
                working_folder_mb=limits.working_folder_mb,
                preload=("pandas",),
                hidden=_hidden(self.plan),
            )
            self.pools[key] = self.rooms.enter_context(pool)
        if not (self.pools[key].isolated or limits.unattended):
            raise ExecutorError(
                "Nothing isolates model-written code on this machine, so none runs unattended.",
                "Install bubblewrap, or accept it: metaclaw config set sandbox.unattended true.",
            )
        return self.pools[key]


def _still(shared: _Shared, arm: Arm) -> tuple[DayResult, ...]:
    """An arm that learns nothing: its days in any order."""
    plan = shared.plan
    with _opened(shared, arm, shared.frozen, learns=False) as at:
        kept = KeptDays(plan.folder / arm.name, plan.benchmark, _identity(plan, arm, at.workspace))
        terms = at.terms(at.policy())
        return run_days(
            plan.benchmark,
            lambda day: RoundAgent(day, terms),
            shared.scorer,
            parallel=plan.parallel,
            kept=kept,
            on_day=lambda day, ran: plan.on_day(arm.name, day, ran),
            on_round=lambda round_: plan.on_round(arm.name, round_),
        )


def _learning(shared: _Shared, arm: Arm) -> tuple[DayResult, ...]:
    """An arm that learns: day after day, its home sealed after each."""
    from metaclaw_jlab.evaluation.ablation.seals import begin, break_older, chain_home, restore, seal

    plan = shared.plan
    days, chain = plan.benchmark.days, plan.folder / arm.name / "chain"
    with closing(_workspace(plan, arm, shared.frozen, learns=False)) as workspace:
        kept = KeptDays(plan.folder / arm.name, plan.benchmark, _identity(plan, arm, workspace))
    results = list(_finished(kept, plan.benchmark))
    lived = restore(chain, len(results))
    if lived == 0:
        begin(chain, shared.frozen, empty=False)
    del results[lived:]
    for result in results:
        plan.on_day(arm.name, result, False)
    if lived == len(days):
        return tuple(results)
    with _opened(shared, arm, chain_home(chain).path, learns=True) as at:
        for number, day in enumerate(days[lived:], lived + 1):
            result = _lived(at, day, shared.scorer, last=number == len(days))
            seal(chain, number)
            kept.keep(day, result)
            break_older(chain, number)
            results.append(result)
            plan.on_day(arm.name, result, True)
    return tuple(results)


def _lived(at: _At, day: Day, scorer: Scorer, *, last: bool) -> DayResult:
    """One day of an arm that learns, and the night after it."""
    plan, learning = at.plan, at.arm.learning
    learner = DayLearning(
        at.workspace, plan.benchmark.checkers, weights=learning.weights, skills=_evolves(at.arm)
    )
    terms = replace(at.terms(at.policy()), learner=learner)
    result = run_day(
        day,
        RoundAgent(day, terms),
        plan.benchmark.workspaces,
        scorer,
        on_round=lambda round_: plan.on_round(at.arm.name, round_),
    )
    notes = list(dict.fromkeys(learner.trouble))
    if learning.weights and not last:
        notes.append(night(at.workspace, seed=plan.seed, say=plan.say))
    return replace(result, notes=tuple(notes))


def _evolves(arm: Arm) -> bool:
    """Whether failures become skills; raw feedback is remembered as it is."""
    return arm.learning.skills and arm.skills is not SkillSource.FEEDBACK


def _finished(kept: KeptDays, benchmark: Benchmark) -> Iterator[DayResult]:
    """The days that are kept, up to the first that is not."""
    for day in benchmark.days:
        result = kept.find(day)
        if result is None:
            return
        yield result


@dataclass(frozen=True, slots=True)
class _At:
    """An arm at work in a home."""

    plan: ArmsPlan
    arm: Arm
    workspace: Workspace
    pool: SandboxPool

    def policy(self) -> Policy:
        """What answers in this arm. Raises ServerStartFailed."""
        from metaclaw_jlab.evaluation.ablation.snapshot import pinned_policy

        return pinned_policy(self.workspace, self.arm)

    def terms(self, policy: Policy) -> Terms:
        """How rounds are answered."""
        from metaclaw_jlab.evaluation.ablation.skill_sources import skills_for

        settings = self.workspace.settings()
        own, wanted = self.arm.temperature, settings.policy
        temperature = float(own) if isinstance(own, int | float) else wanted.temperature
        skills_of = skills_for(self.arm, self.workspace, seed=self.plan.seed)
        one_by_one = threading.Lock()

        def taught(id_: str, task: Task) -> Lesson:
            with one_by_one:
                number = self.arm.generation
                if number is None:
                    number = self.workspace.synchronised().generation.number
                return Lesson(skills_of(TrialTask(id_, task)), number)

        return Terms(
            policy=policy,
            pool=self.pool,
            sampling=Sampling(temperature, wanted.max_tokens, extra=wanted.extra),
            max_steps=settings.agent.steps,
            taught=taught,
            seed=self.plan.seed,
        )


@contextmanager
def _opened(shared: _Shared, arm: Arm, home: Path, *, learns: bool) -> Iterator[_At]:
    """The arm at work, closed at the end and its policy server stopped. Raises ExecutorError."""
    from metaclaw_jlab.evaluation.house_run import of_its_own
    from metaclaw_jlab.runtime.policy_server import stop

    with closing(_workspace(shared.plan, arm, home, learns=learns)) as workspace:
        workspace.overrides.update(of_its_own(workspace))
        try:
            yield _At(shared.plan, arm, workspace, shared.pool(workspace.settings()))
        finally:
            # A lease that is held is of a start under way, whose server nobody will use: it ends when idle.
            with suppress(LeaseHeld):
                stop(workspace.home)


def _workspace(plan: ArmsPlan, arm: Arm, home: Path, *, learns: bool) -> Workspace:
    """An evaluation home under the arm's settings; only that of a chain learns."""
    from metaclaw_jlab.evaluation.ablation.frozen_home import open_frozen

    settings: dict[str, object] = {**plan.settings, **arm.settings}
    if not learns:
        return open_frozen(home, settings)
    if not _evolves(arm):
        settings["evolver.kind"] = "off"
    if arm.learning.successes_only:
        settings["training.successes_only"] = True
    return open_workspace(home, settings, namespace="")


def _hidden(plan: ArmsPlan) -> tuple[Path, ...]:
    return (plan.source.root, plan.folder.resolve(), plan.benchmark.workspaces.resolve(), *plan.hidden)


def _identity(plan: ArmsPlan, arm: Arm, workspace: Workspace) -> dict[str, Any]:
    """Under what the days of an arm were run; of one that learns the days before belong to it."""
    return {
        "arm": arm_record(arm),
        "seed": plan.seed,
        "settings": workspace.settings().model_dump(mode="json", include=_TERMS),
        "days": [day.id for day in plan.benchmark.days] if arm.learns else [],
    }


__all__ = ["ArmsPlan", "ArmsRun", "check_arms", "run_arms"]

"""A house that learns in a home of its own: its stream, the policy server of that home, warm sandboxes, and notes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm

from metaclaw_jlab.assembly import Workspace, uses_embedded_policy
from metaclaw_jlab.core.adapter import answering, pinned
from metaclaw_jlab.core.errors import EvolverError, LeaseHeld, PolicyError
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.evaluation.evolved_rules import recall
from metaclaw_jlab.evaluation.learning_report import recall_report
from metaclaw_jlab.evaluation.learnt_arms import learnt_of
from metaclaw_jlab.evaluation.practice_arms import (
    COMPOUND_SHARE,
    CONCURRENCY,
    draw_households,
    retrieved_skills,
    rule_of_given,
)
from metaclaw_jlab.evaluation.practice_attempt import Conditions, attempt
from metaclaw_jlab.evaluation.practice_replays import REPLAYS_AT_ONCE, PracticeReplayer
from metaclaw_jlab.evaluation.practice_stream import Attempting, Stream, draw_stream, run_stream
from metaclaw_jlab.evaluation.stream_learning import learn_from
from metaclaw_jlab.practice import PracticeTask, task_set
from metaclaw_jlab.practice.names import Style
from metaclaw_jlab.runtime.policy_server import stop

WORDING_SECONDS = 20.0
RECALL_TASKS = 40  # validation tasks
_WORKERS = 2
_SEEDS = 2**31
_TITLE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured: test tasks of each arm, after how many training tasks. The seed draws everything.

    `names` are those of columns and files, `compound_share` the tasks of two parts, `concurrency` the attempts at once.
    """

    tasks: int = 240
    seed: int = 1
    stream: int = 144
    round_size: int = 8
    names: Style = "random"
    compound_share: float = COMPOUND_SHARE
    concurrency: int = CONCURRENCY


@dataclass
class Notes:
    """What is noted down on the way."""

    seconds: dict[str, float] = field(default_factory=dict)
    recall: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note how long it takes, also where it does not come to its end."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - began, 1)


@dataclass(frozen=True, slots=True)
class HouseRun:
    """A house at work. `conditions` are those of its user, `pin` gives the policy at one adapter version (0: the base
    alone), `say` tells people what is being done."""

    plan: Plan
    stream: Stream
    conditions: Conditions
    pin: Callable[[int], Policy]
    say: Callable[[str], None]
    notes: Notes = field(default_factory=Notes)

    @property
    def model(self) -> str:
        """The name of the model that answers, without a version."""
        return answering(self.conditions.policy.model)[0]

    @property
    def workspace(self) -> Workspace:
        """Its home."""
        return self.stream.workspace

    @property
    def most_skills(self) -> int:
        """How many skills a prompt may have: by the settings, and by what this policy follows."""
        most, own = self.workspace.settings().skills.max_skills, self.conditions.prompting.max_skills
        return most if own is None else min(most, own)

    def at(self, version: int, temperature: float | None = None) -> Conditions:
        """The conditions under one adapter version, at a temperature of their own where it is given."""
        sampling = self.conditions.sampling
        if temperature is not None:
            sampling = replace(sampling, temperature=temperature)
        return replace(self.conditions, policy=self.pin(version), sampling=sampling)


@contextmanager
def open_house(
    plan: Plan, home: Path, overrides: Mapping[str, object], say: Callable[[str], None]
) -> Iterator[HouseRun]:
    """A new house in a new home, which is closed at the end and its policy server stopped.

    Raises ServerStartFailed, ExecutorError.
    """
    (household,) = draw_households(
        plan.seed, plan.tasks, houses=1, names=plan.names, compound_share=plan.compound_share
    )
    stream = draw_stream(
        household,
        home,
        seed=plan.seed,
        length=plan.stream,
        compound_share=plan.compound_share,
        names=plan.names,
        overrides=overrides,
    )
    with closing(stream.workspace) as workspace:
        workspace.overrides.update(of_its_own(workspace))
        settings = workspace.settings()
        wanted = settings.policy
        sampling = Sampling(wanted.temperature, wanted.max_tokens, plan.seed, extra=wanted.extra)
        try:
            policy = workspace.policy(say)
            with workspace.sandbox_pool(_WORKERS) as pool:
                conditions = Conditions(
                    policy=policy,
                    pool=pool,
                    sampling=sampling,
                    max_steps=settings.agent.steps,
                    prompting=workspace.prompting(),
                )
                yield HouseRun(plan, stream, conditions, partial(_pinned, workspace, policy), say)
        finally:
            # A lease that is held is of a start under way, whose server nobody will use: it ends when idle.
            with suppress(LeaseHeld):
                stop(workspace.home)


def of_its_own(workspace: Workspace) -> dict[str, object]:
    """Settings of this home: where trials cost nothing there is time to finish them on a slow machine, and what the
    embedded model writes, which knows nothing but practice tasks, may run where nothing isolates it."""
    settings = workspace.settings()
    own: dict[str, object] = {}
    if settings.policy.base_url is None and settings.evolver.wording_seconds is None:
        own["evolver.wording_seconds"] = WORDING_SECONDS
    if uses_embedded_policy(settings):
        own["sandbox.unattended"] = True
    return own


def _pinned(workspace: Workspace, policy: Policy, version: int) -> Policy:
    """The home's local policy at one adapter version; an endpoint elsewhere has no versions and stays as it is."""
    base, _ = answering(policy.model)
    return workspace.policy(begun=pinned(base, version))


def practice_replayer(run: HouseRun) -> PracticeReplayer:
    """What does the tasks of the stream again, no more at once than the house does anything."""
    return PracticeReplayer(
        run.stream.known_tasks,
        run.conditions,
        names=run.plan.names,
        concurrency=min(REPLAYS_AT_ONCE, run.plan.concurrency),
    )


def learn_stream(
    run: HouseRun,
    *,
    begin: int = 0,
    attempting: Attempting = attempt,
    on_round: Callable[[int], None] = lambda _: None,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """The fast loop over the stream, with a progress bar; the rest as for run_stream."""
    stream, notes, marks, plan = run.stream, run.notes, _marks(run.plan), run.plan
    replayer = practice_replayer(run)

    def learn() -> None:
        shown.set_postfix_str(f"{len(stream.library())} skills, learning")
        try:
            learn_from(stream, replayer)
        except (PolicyError, EvolverError) as error:
            notes.trouble.append(str(error))

    def round_over(number: int) -> None:
        shown.set_postfix_str(f"{len(stream.library())} skills")
        if number in marks:
            notes.recall[marks[number]] = {"after": number, **_recall(run)}
        on_round(number)

    with notes.stage("stream"), bar("stream", len(stream.tasks), done=begin) as shown:
        run_stream(
            stream,
            run.conditions,
            learn,
            round_size=plan.round_size,
            concurrency=plan.concurrency,
            begin=begin,
            attempting=attempting,
            on_attempt=lambda _: shown.update(),
            on_round=round_over,
            goes_on=goes_on,
        )
    notes.recall["given"] = _recall_of_given(run)


def bar(title: str, total: int, unit: str = "task", done: int = 0) -> Any:
    """A progress bar on standard error; what was `done` before does not count for its rate."""
    return tqdm(total=total, desc=title.ljust(_TITLE), unit=unit, initial=done)


def _marks(plan: Plan) -> Mapping[int, str]:
    """After how many tasks recall is looked at: the first round, the middle one, the last one."""
    ends = [min(start + plan.round_size, plan.stream) for start in range(0, plan.stream, plan.round_size)]
    return {ends[0]: "start", ends[(len(ends) - 1) // 2]: "middle", ends[-1]: "end"}


def _validation(run: HouseRun) -> tuple[PracticeTask, ...]:
    house = run.stream.household.house
    own = Random(f"recall/{run.plan.seed}/{house.name}").randrange(_SEEDS)
    plan = run.plan
    return task_set(
        "validation",
        own,
        RECALL_TASKS,
        house=house,
        names=plan.names,
        compound_share=plan.compound_share,
    )


def _recall(run: HouseRun) -> dict[str, Any]:
    learnt = learnt_of(run.stream)
    found = recall(_validation(run), learnt.skills, run.stream.retrieve, learnt.rule_of, run.most_skills)
    return recall_report(found)


def _recall_of_given(run: HouseRun) -> dict[str, Any]:
    settings = run.workspace.settings().skills
    asked = replace(run.stream.household, tasks=_validation(run))
    skills_of = retrieved_skills([asked], settings, run.conditions.prompting)
    return recall_report(recall(asked.tasks, asked.skills, skills_of, rule_of_given, run.most_skills))

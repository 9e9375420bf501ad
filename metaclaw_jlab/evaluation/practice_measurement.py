"""Learns from streams of training tasks, then measures what was learnt on test tasks: one report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from tqdm import tqdm

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import EvolverError, PolicyError
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.evaluation.arm_report import arm_report, share_of_distance
from metaclaw_jlab.evaluation.evolved_rules import Recall, recall
from metaclaw_jlab.evaluation.learning_report import learnt_report, recall_report
from metaclaw_jlab.evaluation.learnt_arms import PLACEBO, SKILLS, Learnt, draw_arms, learnt_of
from metaclaw_jlab.evaluation.obedience import TRIALS, Candidate, compare_obedience, obedience_report
from metaclaw_jlab.evaluation.practice_arms import (
    BASELINE,
    GIVEN_SKILLS,
    Attempt,
    Household,
    draw_households,
    measure,
    retrieved_skills,
    rule_of_given,
)
from metaclaw_jlab.evaluation.practice_attempt import Conditions
from metaclaw_jlab.evaluation.practice_replays import PracticeReplayer
from metaclaw_jlab.evaluation.practice_stream import Stream, draw_streams, run_streams
from metaclaw_jlab.evaluation.stream_learning import learn_from
from metaclaw_jlab.practice import PracticeTask, task_set

WORDING_SECONDS = 20.0
RECALL_TASKS = 40  # validation tasks of each house
_WORKERS = 2
_LEARNERS = 2
_SEEDS = 2**31
_TITLE = 16
_PAIRS = ((BASELINE, SKILLS), (SKILLS, GIVEN_SKILLS), (BASELINE, PLACEBO))


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: test tasks of each arm, over how many houses, after how many training tasks of each."""

    tasks: int = 240
    seed: int = 1
    houses: int = 5
    stream: int = 144
    round_size: int = 8


@dataclass
class _Notes:
    """What is noted down on the way."""

    seconds: dict[str, float] = field(default_factory=dict)
    recall: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 1)


def measure_learning(workspace: Workspace, policy: Policy, plan: Plan) -> dict[str, Any]:
    """The report of all arms at the serving temperature, with progress bars on standard error."""
    settings, notes = workspace.settings(), _Notes()
    sampling = Sampling(
        settings.policy.temperature, settings.policy.max_tokens, plan.seed, extra=settings.policy.extra
    )
    households = draw_households(plan.seed, plan.tasks, houses=plan.houses)
    with ExitStack() as opened:
        folder = Path(
            opened.enter_context(
                tempfile.TemporaryDirectory(prefix="metaclaw-houses-", ignore_cleanup_errors=True)
            )
        )
        pool = opened.enter_context(workspace.sandbox_pool(_WORKERS))
        conditions = Conditions(policy=policy, pool=pool, sampling=sampling, max_steps=settings.agent.steps)
        streams = draw_streams(
            households, folder, seed=plan.seed, length=plan.stream, overrides=_overrides(workspace)
        )
        for stream in streams:
            opened.enter_context(closing(stream.workspace))
        with notes.stage("stream"):
            _learn(streams, conditions, plan, settings.skills.max_skills, notes)
        learnt = [learnt_of(stream) for stream in streams]
        notes.recall["given"] = _recall_of_given(households, workspace, plan)
        attempts = _measured_arms(learnt, conditions, workspace, plan, notes)
        with notes.stage("obedience"):
            obedience = _obedience(
                learnt, replace(conditions, sampling=replace(sampling, temperature=0.0)), plan
            )
        arms = arm_report(attempts, settings.skills.max_skills, _PAIRS)
        return {
            **arms,
            "share_of_distance": share_of_distance(arms, BASELINE, SKILLS, GIVEN_SKILLS),
            **learnt_report(learnt),
            "recall": {"split": "validation", **notes.recall},
            "evolver_trouble": {"n": len(notes.trouble), "example": next(iter(notes.trouble), None)},
            "stage_seconds": notes.seconds,
            "obedience": obedience,
            "split": "test",
            "seed": plan.seed,
            "houses": len(households),
            "stream": plan.stream,
            "model": policy.model,
            "temperature": sampling.temperature,
            "max_skills": settings.skills.max_skills,
            "protections": pool.protections(),
        }


def _overrides(workspace: Workspace) -> dict[str, object]:
    """The settings of the houses' homes: where trials cost nothing there is time to finish them on a slow machine."""
    settings = workspace.settings()
    free = settings.policy.base_url is None and settings.evolver.wording_seconds is None
    return {**workspace.overrides, **({"evolver.wording_seconds": WORDING_SECONDS} if free else {})}


def _learn(
    streams: Sequence[Stream], conditions: Conditions, plan: Plan, max_skills: int, notes: _Notes
) -> None:
    replayers = {stream.name: PracticeReplayer(stream.attempted, conditions) for stream in streams}
    marks = _marks(plan)

    def learn(stream: Stream) -> None:
        try:
            learn_from(stream, replayers[stream.name])
        except (PolicyError, EvolverError) as error:
            notes.trouble.append(str(error))

    def on_round(number: int) -> None:
        skills = sum(len(stream.library()) for stream in streams)
        bar.set_postfix_str(f"{skills} skills")
        if number in marks:
            notes.recall[marks[number]] = {"after": number, **_recall(streams, plan, max_skills)}

    with _bar("stream", sum(len(stream.tasks) for stream in streams)) as bar:
        run_streams(
            streams,
            conditions,
            learn,
            round_size=plan.round_size,
            learners=_LEARNERS,
            on_attempt=lambda _: bar.update(),
            on_round=on_round,
        )


def _marks(plan: Plan) -> Mapping[int, str]:
    """After how many tasks of each stream recall is looked at: the first round, the middle one, the last one."""
    ends = [min(start + plan.round_size, plan.stream) for start in range(0, plan.stream, plan.round_size)]
    return {ends[0]: "start", ends[(len(ends) - 1) // 2]: "middle", ends[-1]: "end"}


def _measured_arms(
    learnt: Sequence[Learnt], conditions: Conditions, workspace: Workspace, plan: Plan, notes: _Notes
) -> dict[str, tuple[Attempt, ...]]:
    drawn = [task for one in learnt for task in one.stream.household.tasks]
    attempts = {}
    for arm in draw_arms(learnt, workspace.settings().skills, plan.seed):
        with notes.stage(arm.name), _bar(arm.name, len(drawn)) as bar:
            attempts[arm.name] = measure(
                arm.name,
                drawn,
                conditions,
                skills_of=arm.skills_of,
                rule_of=arm.rule_of,
                on_progress=lambda _attempt, bar=bar: bar.update(),  # type: ignore[misc]
            )
    return attempts


def _obedience(learnt: Sequence[Learnt], conditions: Conditions, plan: Plan) -> dict[str, Any]:
    candidates = [
        Candidate(one.stream.household, skill, rule)
        for one in learnt
        for skill in one.skills
        if (rule := one.rule_of(skill)) is not None
    ]
    with _bar("obedience", 2 * TRIALS * len(candidates)) as bar:
        found = compare_obedience(candidates, conditions, seed=plan.seed, on_progress=lambda _: bar.update())
    return obedience_report(found)


def _validation(household: Household, plan: Plan) -> tuple[PracticeTask, ...]:
    own = Random(f"recall/{plan.seed}/{household.house.name}").randrange(_SEEDS)
    return task_set("validation", own, RECALL_TASKS, house=household.house)


def _recall(streams: Sequence[Stream], plan: Plan, max_skills: int) -> dict[str, Any]:
    total = Recall(0, 0, 0)
    for stream in streams:
        rules, library = stream.rules(), stream.library()
        total += recall(
            _validation(stream.household, plan),
            library,
            stream.retrieve,
            lambda skill, rules=rules: rules.get(skill.sha256),  # type: ignore[misc]
            max_skills,
        )
    return recall_report(total)


def _recall_of_given(households: Sequence[Household], workspace: Workspace, plan: Plan) -> dict[str, Any]:
    settings, total = workspace.settings().skills, Recall(0, 0, 0)
    for household in households:
        asked = replace(household, tasks=_validation(household, plan))
        skills_of = retrieved_skills([asked], settings)
        total += recall(asked.tasks, asked.skills, skills_of, rule_of_given, settings.max_skills)
    return recall_report(total)


def _bar(title: str, total: int) -> Any:
    return tqdm(total=total, desc=title.ljust(_TITLE), unit="task")

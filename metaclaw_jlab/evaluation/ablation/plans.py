"""Plans of ablations: as JSON and back, and whether one can be carried out in a home."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.ablation import AblationPlan, Budget, Days
from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.arm import BASE, SERVING, Arm, SkillSource
from metaclaw_jlab.core.errors import AblationError, MetaclawError, NotFound, UsageMistake
from metaclaw_jlab.evaluation.ablation.arms import arm_of, arm_record

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

PRACTICE = "practice"
_MAY_SERVE = frozenset({AdapterStatus.PROMOTED, AdapterStatus.FORCED})


def plan_record(plan: AblationPlan) -> dict[str, Any]:
    """The plan in JSON's own types."""
    return {
        "arms": [arm_record(arm) for arm in plan.arms],
        "tasks": plan.tasks,
        "reference": plan.reference,
        "n": plan.n,
        "seeds": list(plan.seeds),
        "samples": plan.samples,
        "days": None if plan.days is None else asdict(plan.days),
        "budget": asdict(plan.budget),
        "parallel": plan.parallel,
        "settings": dict(plan.settings),
    }


def plan_of(record: Mapping[str, Any]) -> AblationPlan:
    """The plan that a record was made of; other keys are left alone. Raises AblationError where it is none."""
    try:
        days = record["days"]
        return AblationPlan(
            arms=tuple(arm_of(arm) for arm in record["arms"]),
            tasks=str(record["tasks"]),
            reference=str(record["reference"]),
            n=int(record["n"]),
            seeds=tuple(int(seed) for seed in record["seeds"]),
            samples=int(record["samples"]),
            days=None if days is None else Days(**days),
            budget=Budget(**record["budget"]),
            parallel=int(record["parallel"]),
            settings=dict(record["settings"]),
        )
    except UsageMistake:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AblationError(
            f"This is no plan of an ablation ({type(error).__name__}: {error}).",
            "Its file was changed, or is of another version: plan the ablation anew.",
        ) from error


def is_practice(spec: str) -> bool:
    """Whether the tasks of a spec are practice tasks, whose house and stream are drawn by the seed."""
    return spec.partition(":")[0].strip() == PRACTICE


def settings_of(plan: AblationPlan, arm: Arm) -> dict[str, object]:
    """What an arm changes of the configuration: what holds for all arms, then its own."""
    return {**plan.settings, **arm.settings}


def check_plan(plan: AblationPlan, workspace: Workspace) -> None:
    """See that every arm can be carried out. Raises UsageMistake, which names the arm and says what to do."""
    for arm in plan.arms:
        _check_settings(plan, arm, workspace)
        _check_generation(arm, workspace)
        _check_adapter(plan, arm, workspace)
        _check_skills(plan, arm)
        _check_learning(plan, arm, workspace)
    _check_budget(plan)


def _check_settings(plan: AblationPlan, arm: Arm, workspace: Workspace) -> None:
    try:
        workspace.configuration(settings_of(plan, arm))
    except MetaclawError as error:
        raise UsageMistake(f"Arm {arm.name} cannot be configured: {error.cause}", error.next_step) from error


def _check_generation(arm: Arm, workspace: Workspace) -> None:
    if arm.generation is None:
        return
    from metaclaw_jlab.store.skills import Skills

    try:
        Skills(workspace.database()).generation(arm.generation)
    except NotFound as error:
        raise UsageMistake(
            f"Arm {arm.name} names generation {arm.generation}, which this home does not have.",
            "See: metaclaw generations. Or leave it out for the current one.",
        ) from error


def _check_adapter(plan: AblationPlan, arm: Arm, workspace: Workspace) -> None:
    version = arm.version
    if version is None:
        return
    if workspace.configuration(settings_of(plan, arm)).settings.policy.base_url:
        raise UsageMistake(
            f"Arm {arm.name} names adapter v{version}, and an endpoint answers, which has none.",
            "Use a local model in this arm: policy.base_url=null.",
        )
    from metaclaw_jlab.store.adapters import Adapters

    try:
        status = Adapters(workspace.database()).get(version).status
    except NotFound as error:
        raise UsageMistake(
            f"Arm {arm.name} names adapter v{version}, which this home does not have.",
            f"See: metaclaw adapters. Or use {BASE} or {SERVING}.",
        ) from error
    if status not in _MAY_SERVE or not (workspace.home.adapters / f"v{version}").is_dir():
        raise UsageMistake(
            f"Arm {arm.name} names adapter v{version}, which may not serve ({status.value}).",
            f"Let it serve first, if you want that: metaclaw adapters promote {version}. Or use {BASE} or {SERVING}.",
        )


def _check_skills(plan: AblationPlan, arm: Arm) -> None:
    if arm.skills is SkillSource.GIVEN and not is_practice(plan.tasks):
        raise UsageMistake(
            f"Arm {arm.name} takes skills that are written for practice houses, and {plan.tasks} has no house.",
            "Use it with tasks such as practice:held-out, or leave the arm out.",
        )
    if arm.skills is SkillSource.NONE and arm.generation is not None:
        raise UsageMistake(
            f"Arm {arm.name} names generation {arm.generation} and has no skills in its prompts.",
            "Give it skills=library, or leave the generation out.",
        )


def _check_learning(plan: AblationPlan, arm: Arm, workspace: Workspace) -> None:
    learning = arm.learning
    odd = [
        name
        for name, is_odd in (
            ("separated", not learning.separated),
            ("wrong", learning.wrong > 0),
            ("window_minutes", learning.window_minutes is not None),
            ("successes_only", learning.successes_only),
            ("gated", not learning.gated),
        )
        if is_odd
    ]
    if plan.days is None:
        if odd:
            raise UsageMistake(
                f"Arm {arm.name} learns otherwise ({', '.join(odd)}), and without days nothing is learnt.",
                "Give days, such as --days 10, or leave the arm out.",
            )
        return
    if odd and not arm.learns:
        raise UsageMistake(
            f"Arm {arm.name} learns nothing, so {', '.join(odd)} changes nothing.",
            "Begin it with full or skills.",
        )
    if arm.version is not None:
        raise UsageMistake(
            f"Arm {arm.name} names adapter v{arm.version}, and in a stream of days its home has none yet.",
            "Use base or serving.",
        )
    settings = workspace.configuration(settings_of(plan, arm)).settings
    if learning.weights and settings.policy.base_url:
        raise UsageMistake(
            f"Arm {arm.name} trains weights, and those of {settings.policy.base_url} are not trained here.",
            "Use a local model (policy.base_url=null), or an arm such as skills.",
        )


def _check_budget(plan: AblationPlan) -> None:
    budget = plan.budget
    for value, what in (
        (budget.tokens, "tokens"),
        (budget.money, "money"),
        (budget.seconds, "seconds"),
    ):
        if value is not None and value <= 0:
            raise UsageMistake(f"A budget of {value:g} {what} allows nothing.", "Give more, or none.")
    if min(budget.prompt_price, budget.completion_price) < 0:
        raise UsageMistake("A token has a negative price.", "Give prices for a million tokens, 0 or more.")
    if budget.money is not None and budget.prompt_price == budget.completion_price == 0:
        raise UsageMistake(
            "There is a budget in money, and tokens cost nothing.",
            "Give the prices of a million prompt and completion tokens too.",
        )


__all__ = ["check_plan", "is_practice", "plan_of", "plan_record", "settings_of"]

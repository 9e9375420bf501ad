"""What the forms offer, of the sidebar and of notebooks, and the plan that comes of one that was filled in."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.ablation import AblationPlan
from metaclaw_jlab.core.errors import TaskSetInvalid, UsageMistake
from metaclaw_jlab.evaluation.ablation.arguments import TASKS, days_of, plan_from
from metaclaw_jlab.evaluation.ablation.arms import PAPER, PRESETS
from metaclaw_jlab.evaluation.ablation.plans import check_plan

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

FILES = ("jsonl", "ipynb")
TEST_TASKS = 100
_YES_OR_NO = ["true", "false"]
_SECTIONS = ("skills", "evolver", "training", "judge")


def choices(workspace: Workspace) -> dict[str, Any]:
    """`arms` that have a name, `parts` that an arm's line can change, `task_sets`, and `defaults`."""
    from metaclaw_jlab.evaluation.task_sets import describe_task_sets

    sets = [asdict(one) for one in describe_task_sets(workspace)]
    days = days_of(TASKS)
    return {
        "arms": [
            {"name": name, "about": one.about, "learns": one.arm.learns} for name, one in PRESETS.items()
        ],
        "parts": _parts(),
        "task_sets": sets,
        "defaults": {
            "arms": list(PAPER),
            "tasks": TASKS,
            "n": TEST_TASKS,
            "seeds": 1,
            "samples": 1,
            "days": None if days is None else days.number,
            "budget_minutes": None,
            "budget_tokens": None,
        },
    }


def plan_of_form(
    workspace: Workspace,
    *,
    arms: Sequence[str],
    extra: Sequence[str],
    tasks: str,
    n: int,
    seeds: int,
    samples: int = 1,
    days: int | None = None,
    budget_minutes: float | None = None,
    budget_tokens: int | None = None,
    reference: str | None = None,
    folder: Path | None = None,
) -> AblationPlan:
    """The plan that the command line would make of the same words, which can be carried out. Files of tasks lie in
    `folder`. Raises UsageMistake, TaskSetInvalid."""
    if not arms and not extra:
        raise UsageMistake("No arm is chosen.", f"Choose two at least, such as {' and '.join(PAPER[::2])}.")
    if not tasks.strip():
        raise TaskSetInvalid("No tasks are named.", f"Use {TASKS}, a JSONL file, a notebook or log.")
    words = Namespace(
        arms=",".join(arms) if arms else None,
        arm=list(extra),
        reference=reference,
        tasks=task_spec(tasks.strip(), folder or Path.cwd()),
        n=n,
        seeds=str(seeds),
        samples=samples,
        set=None,
        days=days or 0,
        day_tasks=None,
        nights=None,
        budget_minutes=budget_minutes,
        budget_tokens=budget_tokens,
        budget_money=None,
        prices=None,
        parallel=None,
    )
    return checked(plan_from(words), workspace)


def checked(
    plan: AblationPlan, workspace: Workspace, settings: Mapping[str, object] | None = None
) -> AblationPlan:
    """The plan, with `settings` of a session under its own, if it can be carried out. Raises UsageMistake,
    TaskSetInvalid."""
    if settings:
        plan = replace(plan, settings={**settings, **plan.settings})
    check_plan(plan, workspace)
    _check_tasks(plan.tasks, workspace)
    return plan


def task_spec(spec: str, folder: Path) -> str:
    """The spec, with the path of a file from its root: the run goes on elsewhere. Raises TaskSetInvalid where there
    is no such file."""
    prefix = next((f"{kind}:" for kind in FILES if spec.startswith(f"{kind}:")), "")
    if not prefix and not spec.endswith(tuple(f".{kind}" for kind in FILES)):
        return spec
    path = folder / Path(spec.removeprefix(prefix)).expanduser()
    if not path.is_file():
        raise TaskSetInvalid(
            f"There is no file {spec.removeprefix(prefix)} in {folder}.", "Name a JSONL file or a notebook."
        )
    return f"{prefix}{path.resolve()}"


def _check_tasks(spec: str, workspace: Workspace) -> None:
    from metaclaw_jlab.evaluation.task_sets import describe_task_sets

    for one in describe_task_sets(workspace):
        if one.spec == spec and one.why_not is not None:
            raise TaskSetInvalid(f"{one.title} cannot be used: {one.why_not}", f"Use {TASKS}, for one.")


def _parts() -> list[dict[str, Any]]:
    """What an arm's line can change, with settings by dotted name as the last."""
    from metaclaw_jlab.core.arm import SkillSource

    listed: tuple[tuple[str, str, list[str]], ...] = (
        ("skills", "where the skills in its prompts come from", [one.value for one in SkillSource]),
        ("generation", "the skill generation that it takes them from, by number", []),
        ("adapter", "which adapter answers: base, serving, or a version such as v3", []),
        ("temperature", "a number from 0 to 2, or best", []),
        ("separated", "whether what evolved the skills is kept from training the weights", _YES_OR_NO),
        ("wrong", "the share of outcomes that are reported the wrong way round, 0 to 1", []),
        ("window_minutes", "how long the weights may train each night", []),
        ("successes_only", "whether the weights train on successes alone", _YES_OR_NO),
        ("gated", "whether an adapter has to pass its gate before it serves", _YES_OR_NO),
        *_settings(),
    )
    return [{"key": key, "about": about, "values": values} for key, about, values in listed]


def _settings() -> list[tuple[str, str, list[str]]]:
    from metaclaw_jlab.core.config import Settings

    return [
        (f"{section}.{name}", field.description or "", [])
        for section in _SECTIONS
        for name, field in getattr(Settings.model_fields[section].annotation, "model_fields", {}).items()
    ]

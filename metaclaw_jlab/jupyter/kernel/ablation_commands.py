"""`%metaclaw ablate ...`: the command line's words, for a notebook. An ablation runs beside it and never blocks it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.jupyter.kernel.arguments import LineParser

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.ablation import AblationPlan
    from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
    from metaclaw_jlab.jupyter.kernel.session import KernelSession
    from metaclaw_jlab.jupyter.kernel.shown import Shown

ABOUT = "Does it help? Compare arms on the same tasks with the same seeds, on a frozen copy of the home."
EXAMPLES = """\
examples:
  %metaclaw ablate                  choose arms, tasks and size, and watch what comes of it
  %metaclaw ablate --arms baseline,skills,full --tasks practice:held-out --n 200 --seeds 3
  %metaclaw ablate --arms baseline --arm few=skills,skills.max_skills=1 --tasks tasks.jsonl
  %metaclaw ablate list
  %metaclaw ablate show 3
  %metaclaw ablate stop 3
  %metaclaw ablate resume 3
  %metaclaw ablate export 3 --as csv"""


def ablate(session: KernelSession, words: list[str]) -> str | Shown:
    """Ablations: begin one, show it as it goes on, stop it. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.evaluation.ablation.arguments import (
        add_ablate_arguments,
        asks_for_a_plan,
        check_arguments,
    )

    parser = _parser()
    add_ablate_arguments(parser)
    found = parser.parse_args(words)
    check_arguments(found)
    workspace = session.workspace()
    if found.action is not None:
        return _acted(session, workspace, found)
    if not asks_for_a_plan(found):
        return _shown(session, workspace, None)
    plan = _planned(workspace, found)
    if found.plan_only:
        return described(plan)
    from metaclaw_jlab.jupyter.kernel.widgets.ablation_acts import begin

    run = begin(workspace, plan)
    session.reporter().note(f"MetaClaw: ablation {run.number} has begun, beside your work.")
    return _shown(session, workspace, run.number)


def described(plan: AblationPlan) -> Shown:
    """What a plan would do, and what it could show."""
    from metaclaw_jlab.evaluation.ablation.arguments import command_of, expected_power
    from metaclaw_jlab.evaluation.ablation.arms import describe
    from metaclaw_jlab.inspection.lines import counted, rows
    from metaclaw_jlab.jupyter.kernel.shown import Heading, Listing, Paragraph, Shown, Table

    arms = [(arm.name, describe(arm)) for arm in plan.arms]
    size = f"{counted(plan.n, 'test task')} at most of {plan.tasks}, {counted(len(plan.seeds), 'seed')}"
    days = f", after {counted(plan.days.number, 'day')}" if plan.days is not None else ""
    head, power, command = f"{size}{days}.", expected_power(plan, plan.n), command_of(plan)
    text = "\n".join([head, *rows(arms, "  "), power, command])
    return Shown(text, (Heading(head), Table(arms), Paragraph(power), Listing(command)))


def _acted(session: KernelSession, workspace: Workspace, found: argparse.Namespace) -> str | Shown:
    """What is done to ablations that are there, and lists."""
    from metaclaw_jlab.evaluation.ablation.arguments import budget_from
    from metaclaw_jlab.jupyter.kernel.widgets.ablation_acts import resume, stop, write_file

    match found.action:
        case "list":
            return _listed(workspace)
        case "arms" | "tasks":
            return _choices(workspace, found.action)
        case "show":
            return _shown(session, workspace, found.number)
        case "stop":
            return stop(_run(workspace, found.number))
        case "resume":
            session.reporter().note(f"MetaClaw: {resume(_run(workspace, found.number), budget_from(found))}")
            return _shown(session, workspace, found.number)
        case "export":
            written = write_file(_run(workspace, found.number), found.kind or "ipynb", Path.cwd())
            return f"Written: {written.name}"
    run = _run(workspace, found.number)
    run.delete()
    return f"Ablation {run.number} is deleted."


def _planned(workspace: Workspace, found: argparse.Namespace) -> AblationPlan:
    """The plan of the words, under what this session has otherwise. Raises UsageMistake, TaskSetInvalid."""
    from metaclaw_jlab.evaluation.ablation.arguments import plan_from
    from metaclaw_jlab.evaluation.ablation.form import checked, task_spec
    from metaclaw_jlab.jupyter.kernel.widgets.ablation_acts import session_settings

    if found.tasks is not None:
        found.tasks = task_spec(found.tasks.strip(), Path.cwd())
    return checked(plan_from(found), workspace, session_settings(workspace))


def _shown(session: KernelSession, workspace: Workspace, number: int | None) -> str:
    """Show a run, or the form: alive in a notebook, as text in a terminal."""
    from IPython.display import display

    from metaclaw_jlab.jupyter.kernel.widgets.ablation import open_board

    board = open_board(workspace, session.shell, number)
    if hasattr(session.shell, "kernel"):
        display(board)  # type: ignore[no-untyped-call]
        return ""
    return repr(board)


def _run(workspace: Workspace, number: int) -> RunFolder:
    from metaclaw_jlab.evaluation.ablation.run_folder import open_run

    return open_run(workspace.home, number)


def _listed(workspace: Workspace) -> Shown:
    from metaclaw_jlab.evaluation.ablation.live_run import run_line
    from metaclaw_jlab.evaluation.ablation.run_folder import list_runs
    from metaclaw_jlab.jupyter.kernel.widgets.ablation_picture import runs_picture

    return runs_picture([run_line(run) for run in list_runs(workspace.home)])


def _choices(workspace: Workspace, what: str) -> Shown:
    """The arms that have a name, or the sets of tasks."""
    from metaclaw_jlab.evaluation.ablation.form import choices
    from metaclaw_jlab.inspection.lines import rows
    from metaclaw_jlab.jupyter.kernel.shown import Shown, Table

    found = choices(workspace)
    if what == "arms":
        listed = [(one["name"], one["about"]) for one in found["arms"]]
    else:
        listed = [(one["spec"], _task_set(one)) for one in found["task_sets"]]
    return Shown("\n".join(rows(listed)), (Table(listed),))


def _task_set(one: dict[str, Any]) -> str:
    count = "" if one["count"] is None else f" ({one['count']:,} tasks)"
    return f"{one['about']}{count}" + (f". {one['why_not']}" if one["why_not"] else "")


def _parser() -> LineParser:
    return LineParser(
        prog="%metaclaw ablate",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )

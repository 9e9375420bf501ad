"""`metaclaw ablate`: compare arms on the same tasks, here or beside the user; look at what earlier ones came to."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.ablation import AblationPlan, AblationState
from metaclaw_jlab.core.errors import AblationError, MetaclawError, NotNow
from metaclaw_jlab.evaluation.ablation.arguments import add_ablate_arguments

if TYPE_CHECKING:
    from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
    from metaclaw_jlab.evaluation.ablation.running import Progress
    from metaclaw_jlab.runtime.home import Home

DESCRIPTION = """\
Compare arms - configurations of the agent - on the same tasks with the same seeds, on a frozen copy of this home, which
learns nothing from it. With days each arm first learns from a stream of tasks in a home of its own, as the paper's do.
The unit of every interval and test is the task; where nothing is shown, that is what it says."""
EXAMPLES = """\
examples:
  metaclaw ablate --arms baseline,skills,full --tasks practice:held-out --n 200 --seeds 3 --json
  metaclaw ablate --plan-only                          what the paper's three arms would take, and could show
  metaclaw ablate --arms baseline,skills --tasks log --n 50 --budget-minutes 20
  metaclaw ablate --arms skills --arm few=skills,skills.max_skills=1 --tasks tasks.jsonl --samples 3
  metaclaw ablate --arms baseline,skills --tasks tasks.ipynb --budget-money 2 --prices 0.5,1.5 --detach
  metaclaw ablate list                                 the ablations of this home, the newest first
  metaclaw ablate show 3                               the table, the differences, the verdict
  metaclaw ablate stop 3                               it can be resumed, and repeats nothing
  metaclaw ablate resume 3 --budget-minutes 60         with another budget, for all of it
  metaclaw ablate export 3 --as ipynb --out three.ipynb
  metaclaw ablate arms                                 the arms that have a name; `ablate tasks`: the sets of tasks

also: --json, --home PATH (see metaclaw --help)
"""
_STEPS = 20  # lines of progress where standard error is no terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to compare, or which ablation to look at."""
    add_ablate_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where an export goes")
    parser.add_argument(
        "--with-texts", action="store_true", help="export the first line of what each task says, too"
    )


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises MetaclawError, and KeyboardInterrupt where an ablation was stopped."""
    from metaclaw_jlab.evaluation.ablation.arguments import check_arguments, plan_from
    from metaclaw_jlab.runtime.home import open_home

    check_arguments(arguments)
    home = open_home(arguments.home)
    match arguments.action:
        case None:
            plan = _located(plan_from(arguments))
            return _planned(arguments, plan) if arguments.plan_only else _begin(home, plan, arguments)
        case "list":
            return {"runs": _list(home)}
        case "arms":
            return {"arms": _arms()}
        case "tasks":
            return {"task_sets": _task_sets(arguments)}
    return _with_run(home, arguments)


def render(result: Mapping[str, Any]) -> str:
    """The table and what it shows; or what was done."""
    if "verdict" in result:
        from metaclaw_jlab.evaluation.ablation.render import WIDTH, render_ablation

        return render_ablation(result, shutil.get_terminal_size((WIDTH, 24)).columns)
    if "told" in result:
        return str(result["told"])
    if "runs" in result:
        return _render_list(result["runs"])
    if "arms" in result and "command" not in result:
        return "\n".join(_rows([(one["name"], one["about"]) for one in result["arms"]]))
    if "task_sets" in result:
        return _render_task_sets(result["task_sets"])
    return _render_plan(result)


def _located(plan: AblationPlan) -> AblationPlan:
    """A file of tasks by its path from the root: the run may be resumed anywhere. Raises TaskSetInvalid."""
    from metaclaw_jlab.evaluation.ablation.form import task_spec

    return replace(plan, tasks=task_spec(plan.tasks.strip(), Path.cwd()))


def _with_run(home: Home, arguments: argparse.Namespace) -> dict[str, object]:
    """What is done with one that is there."""
    from metaclaw_jlab.evaluation.ablation.arguments import budget_from
    from metaclaw_jlab.evaluation.ablation.export import write_export
    from metaclaw_jlab.evaluation.ablation.report import ablation_report
    from metaclaw_jlab.evaluation.ablation.run_folder import open_run
    from metaclaw_jlab.evaluation.ablation.running import replan

    found = open_run(home, arguments.number)
    match arguments.action:
        case "show":
            return ablation_report(found)
        case "stop":
            return _stop(found)
        case "resume":
            if found.state().state is AblationState.DONE:
                raise NotNow(
                    f"Ablation {found.number} is done.", f"See: metaclaw ablate show {found.number}."
                )
            if (budget := budget_from(arguments)) is not None:
                replan(found, budget)
            return _go_on(found, arguments)
        case "delete":
            found.delete()
            return {"number": found.number, "deleted": True, "told": f"Ablation {found.number} is deleted."}
        case _:
            path = write_export(
                found, arguments.kind or "ipynb", arguments.out, with_texts=arguments.with_texts
            )
            told = f"Ablation {found.number} was written to {path}."
            return {"number": found.number, "file": path, "bytes": path.stat().st_size, "told": told}


def _begin(home: Home, plan: AblationPlan, arguments: argparse.Namespace) -> dict[str, object]:
    from metaclaw_jlab.assembly import open_workspace
    from metaclaw_jlab.evaluation.ablation.plans import check_plan
    from metaclaw_jlab.evaluation.ablation.run_folder import create_run

    with closing(open_workspace(arguments.home)) as workspace:
        check_plan(plan, workspace)
    return _go_on(create_run(home, plan), arguments)


def _go_on(found: RunFolder, arguments: argparse.Namespace) -> dict[str, object]:
    """Conduct it in this process to its end, or have it conducted beside the user."""
    from metaclaw_jlab.evaluation.ablation.report import ablation_report
    from metaclaw_jlab.evaluation.ablation.running import run_ablation, start_beside

    if arguments.detach:
        start_beside(found)
        return {
            "number": found.number,
            "told": f"Ablation {found.number} runs beside you. See: metaclaw ablate show {found.number}. "
            f"Stop it: metaclaw ablate stop {found.number}.",
        }
    shown = _Shown(found.number)
    try:
        ended = run_ablation(found, on_progress=shown.show)
    except KeyboardInterrupt:
        raise _stopped(found) from None
    finally:
        shown.close()
    if ended.state in (AblationState.CANCELLED, AblationState.INTERRUPTED):
        raise _stopped(found)
    if ended.state is AblationState.FAILED:
        raise AblationError(
            f"Ablation {found.number} failed: {ended.reason}",
            f"What was done is kept: metaclaw ablate show {found.number}. "
            f"Go on when the cause is mended: metaclaw ablate resume {found.number}.",
        )
    return ablation_report(found)


def _stopped(found: RunFolder) -> KeyboardInterrupt:
    from metaclaw_jlab.evaluation.ablation.attempts_log import read_attempts

    done, of = len(read_attempts(found)), found.state().of
    far = f" at {done:,} of {of:,} attempts" if of else ""
    return KeyboardInterrupt(
        f"Ablation {found.number} is stopped{far}; what was done is kept. "
        f"Go on: metaclaw ablate resume {found.number}. See: metaclaw ablate show {found.number}."
    )


def _stop(found: RunFolder) -> dict[str, object]:
    state = found.state()
    if state.state.over:
        raise NotNow(
            f"Ablation {found.number} does not run: it is {state.state.value}.",
            f"See: metaclaw ablate show {found.number}.",
        )
    found.ask_to_stop()
    told = (
        f"Ablation {found.number} stops as soon as the attempts that run now are over. "
        f"Go on: metaclaw ablate resume {found.number}."
    )
    return {"number": found.number, "stopping": True, "told": told}


def _list(home: Home) -> list[dict[str, object]]:
    from metaclaw_jlab.evaluation.ablation.live_run import run_line, verdict_of
    from metaclaw_jlab.evaluation.ablation.run_folder import list_runs

    kept = ("number", "state", "reason", "created_at", "tasks", "done", "of")
    runs = []
    for found in list_runs(home):
        try:
            verdict = verdict_of(found)
        except MetaclawError as error:  # one that is damaged, or being deleted, must not hide the others
            runs.append({"number": found.number, "state": "damaged", "reason": str(error)})
            continue
        line = run_line(found)
        runs.append({**{key: line[key] for key in kept}, "verdict": verdict, "arms": line["arms"]})
    return runs


def _arms() -> list[dict[str, str]]:
    from metaclaw_jlab.evaluation.ablation.arms import PRESETS

    return [{"name": name, "about": one.about} for name, one in PRESETS.items()]


def _task_sets(arguments: argparse.Namespace) -> list[object]:
    from metaclaw_jlab.assembly import open_workspace
    from metaclaw_jlab.evaluation.task_sets import describe_task_sets

    with closing(open_workspace(arguments.home)) as workspace:
        return list(describe_task_sets(workspace))


def _planned(arguments: argparse.Namespace, plan: AblationPlan) -> dict[str, object]:
    """What would be done, with the tasks looked for and looked over."""
    from metaclaw_jlab.assembly import open_workspace
    from metaclaw_jlab.evaluation.ablation.arguments import command_of, expected_power
    from metaclaw_jlab.evaluation.ablation.arms import describe
    from metaclaw_jlab.evaluation.ablation.plans import check_plan, plan_record
    from metaclaw_jlab.evaluation.task_sets import load_tasks

    with closing(open_workspace(arguments.home)) as workspace:
        check_plan(plan, workspace)
        tasks = load_tasks(plan.tasks, plan.n, seed=plan.seeds[0], workspace=workspace, days=plan.days)
    test, days = len(tasks.test), [len(day) for day in tasks.days]
    chains = len(plan.arms) * len(plan.seeds)
    return {
        "plan": plan_record(plan),
        "arms": {arm.name: describe(arm) for arm in plan.arms},
        "test_tasks": test,
        "day_tasks": days,
        "attempts": chains * (test * plan.samples + sum(days)),
        "notes": list(tasks.notes),
        "power": expected_power(plan, test),
        "command": command_of(plan),
    }


class _Shown:
    """Progress on standard error: one line that is written over on a terminal, else a line each twentieth."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._told: tuple[int, str] | None = None

    def show(self, found: Progress) -> None:
        """Show how far it is."""
        from metaclaw_jlab.cli.progress import progress

        part = _STEPS * found.done // found.of if found.of else 0
        doing = "" if found.sentence[:1].isdigit() else found.sentence  # counts and times go on by themselves
        if not sys.stderr.isatty() and self._told == (part, doing):
            return
        self._told = (part, doing)
        cost = f", cost {found.cost:.2f}" if found.cost else ""
        progress(f"ablation {self._number}: {found.sentence}{cost}")

    def close(self) -> None:
        """Take the line away."""
        from metaclaw_jlab.cli.progress import end_progress

        end_progress()


def _render_list(runs: list[dict[str, Any]]) -> str:
    if not runs:
        return "No ablation yet. See what one would take: metaclaw ablate --plan-only."
    lines = []
    for one in runs:
        if "verdict" not in one:
            lines.append(f"{one['number']:>4}  {one['state']}: {one['reason']}")
            continue
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["created_at"]))
        far = f", {one['done']:,} of {one['of']:,}" if one["done"] < one["of"] else ""
        lines.append(
            f"{one['number']:>4}  {began}  {one['state']}{far}: {', '.join(one['arms'])} on {one['tasks']}"
        )
        lines.append(f"      {one['verdict']}")
    return "\n".join(lines)


def _render_task_sets(sets: list[Any]) -> str:
    lines = []
    for one in sets:
        count = "" if one.count is None else f" ({one.count:,} tasks)"
        lines.append((one.spec, f"{one.about}{count}{f'. {one.why_not}' if one.why_not else ''}"))
    return "\n".join(_rows(lines))


def _render_plan(result: Mapping[str, Any]) -> str:
    plan = result["plan"]
    days = (
        f", after {len(result['day_tasks'])} days of {result['day_tasks'][0]}" if result["day_tasks"] else ""
    )
    samples = f", {plan['samples']} samples of each" if plan["samples"] > 1 else ""
    seeds = ", ".join(map(str, plan["seeds"]))
    told = [
        *_rows(list(result["arms"].items())),
        "",
        *_rows(
            [
                ("tasks", f"{result['test_tasks']:,} of {plan['tasks']}{days}"),
                ("seeds", f"{seeds}{samples}"),
                ("attempts", f"{result['attempts']:,} in all"),
                ("reference", plan["reference"]),
            ]
        ),
        "",
        result["power"],
        *result["notes"],
        "",
        f"Do it: {result['command']}",
    ]
    return "\n".join(told)


def _rows(pairs: list[tuple[str, str]]) -> list[str]:
    width = max(len(label) for label, _ in pairs)
    return [f"{label:<{width}}  {text}" for label, text in pairs]


__all__ = ["DESCRIPTION", "EXAMPLES", "add_arguments", "render", "run"]

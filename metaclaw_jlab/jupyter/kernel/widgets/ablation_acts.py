"""What the buttons of an ablation's widget do. What a page sends is taken for what it is, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.errors import UsageMistake

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.ablation import AblationPlan, Budget
    from metaclaw_jlab.evaluation.ablation.live_run import LiveRun
    from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
    from metaclaw_jlab.jupyter.kernel.widgets.ablation import AblationBoard

KINDS = ("ipynb", "csv", "json", "vega")
_MOST_FILES = 1000


def act(board: AblationBoard, wanted: Mapping[str, object]) -> str:
    """Do what a front end asks for; what was done, in a sentence. Raises MetaclawError, OSError."""
    match wanted:
        case {"do": "refresh"}:
            return ""
        case {"do": "new"}:
            board.open(None)
            return ""
        case {"do": "open", "number": int(number)}:
            board.open(number)
            return ""
        case {"do": "start", "plan": {**plan}}:
            run = begin(board.workspace, _plan(board.workspace, plan))
            board.open(run.number)
            return f"Ablation {run.number} has begun; it goes on when this notebook is closed."
        case {"do": "grid", "on": bool(on)}:
            board.open_grid(on=on)
            return ""
        case {"do": "pair", "task": str(task), "seed": int() | None as seed}:
            live = _shown(board)
            board.send_pair({"number": live.run.number, **live.pair(task, seed)})
            return ""
        case {"do": "stop"}:
            return stop(_shown(board).run)
        case {"do": "resume"}:
            return resume(_shown(board).run)
        case {"do": "export", "kind": str(kind)}:
            return f"Written: {write_file(_shown(board).run, kind, Path.cwd()).name}, beside this notebook."
    raise UsageMistake(
        "The widget asked for something unknown.", "Run its cell again: it is of another version."
    )


def begin(workspace: Workspace, plan: AblationPlan) -> RunFolder:
    """Run a plan in a process of its own. Raises LeaseHeld, AblationError."""
    from metaclaw_jlab.core.errors import MetaclawError
    from metaclaw_jlab.evaluation.ablation.run_folder import create_run
    from metaclaw_jlab.evaluation.ablation.running import start_beside

    run = create_run(workspace.home, plan)
    try:
        start_beside(run)
    except MetaclawError:
        run.delete()
        raise
    return run


def stop(run: RunFolder) -> str:
    """Have a run stop so that it can go on later. Raises UsageMistake."""
    state = run.state().state
    if state.over:
        raise UsageMistake(f"Ablation {run.number} does not run: it is {state}.", "There is nothing to stop.")
    run.ask_to_stop()
    return f"Ablation {run.number} stops as soon as the attempts under way are done."


def resume(run: RunFolder, budget: Budget | None = None) -> str:
    """Have a run go on, with another budget where one is given, without doing again what is done. Raises UsageMistake,
    LeaseHeld, AblationError."""
    from metaclaw_jlab.core.ablation import AblationState
    from metaclaw_jlab.evaluation.ablation.running import replan, start_beside

    before = run.state()
    if before.state is AblationState.DONE:
        raise UsageMistake(f"Ablation {run.number} is done.", "Plan another one with more tasks or seeds.")
    if budget is not None:
        replan(run, budget)
    elif before.state is AblationState.SPENT:
        raise UsageMistake(
            before.reason, f"Give it another: %metaclaw ablate resume {run.number} --budget-minutes 60."
        )
    start_beside(run)
    return f"Ablation {run.number} goes on."


def write_file(run: RunFolder, kind: str, folder: Path) -> Path:
    """Write a run down in a folder, under a name that nothing there has. Raises UsageMistake, OSError."""
    from metaclaw_jlab.evaluation.ablation.export import export

    name, content, _ = export(run, kind)
    stem, dot, ending = name.partition(".")
    for number in range(1, _MOST_FILES):
        path = folder / (name if number == 1 else f"{stem}-{number}{dot}{ending}")
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            continue
        return path
    raise UsageMistake(f"There are {_MOST_FILES - 1} files like {name} in {folder}.", "Delete some of them.")


def session_settings(workspace: Workspace) -> dict[str, object]:
    """What this session has otherwise than the configuration, such as the model of `%metaclaw local`: a process
    beside it reads the configuration alone."""
    return dict(workspace.overrides)


def _plan(workspace: Workspace, filled: Mapping[object, object]) -> AblationPlan:
    from metaclaw_jlab.evaluation.ablation.form import checked, plan_of_form

    plan = {str(name): value for name, value in filled.items()}
    return checked(
        plan_of_form(
            workspace,
            arms=_texts(plan, "arms"),
            extra=_texts(plan, "extra"),
            tasks=str(plan.get("tasks", "")),
            n=_whole(plan, "n", 100),
            seeds=_whole(plan, "seeds", 1),
            days=_whole(plan, "days", 0) or None,
            budget_minutes=_number(plan, "budget_minutes"),
            budget_tokens=_whole(plan, "budget_tokens", 0) or None,
            reference=str(plan["reference"]) if plan.get("reference") else None,
        ),
        workspace,
        session_settings(workspace),
    )


def _texts(plan: Mapping[str, Any], name: str) -> list[str]:
    value = plan.get(name, [])
    return [str(one) for one in value] if isinstance(value, list) else []


def _whole(plan: Mapping[str, Any], name: str, usual: int) -> int:
    value = plan.get(name)
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageMistake(f"{name.replace('_', ' ')} is {value!r}.", "Use a whole number.")
    return value


def _number(plan: Mapping[str, Any], name: str) -> float | None:
    value = plan.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise UsageMistake(f"{name.replace('_', ' ')} is {value!r}.", "Use a number over 0, or nothing.")
    return float(value)


def _shown(board: AblationBoard) -> LiveRun:
    if board.live is None:
        raise UsageMistake("No ablation is shown.", "Choose one in the list, or start one.")
    return board.live

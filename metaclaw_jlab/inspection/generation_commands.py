"""`generations ...`, the same for the magic and the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.generations import (
    CAUSES,
    GenerationAccount,
    GenerationDiff,
    compare_generations,
    describe_generation,
    in_words,
    list_generations,
    render_diff,
    render_generations,
)
from metaclaw_jlab.inspection.lines import counted, local_time, rows
from metaclaw_jlab.inspection.skill_changes import render_done, roll_back_library
from metaclaw_jlab.inspection.whence import LearntFrom, evidence_of, learnt_in_words

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.store.skills import Skills

ABOUT = "The generations of the skill library: numbered snapshots that never change. Back is a new one, too."
LIMIT = 20
FAILURES = 10
MEMBERS = 40


def add_generation_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    parser.add_argument("--limit", type=_positive, default=LIMIT, metavar="N", help="how many (default 20)")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list")
    listing = actions.add_parser("list", help="the newest first (the default)")
    listing.add_argument("--limit", type=_positive, default=argparse.SUPPRESS, metavar="N", help="how many")
    showing = actions.add_parser("show", help="one generation: its skills and the failures behind it")
    showing.add_argument("number", type=generation_number)
    diff = actions.add_parser("diff", help="how the skills differ between two generations")
    diff.add_argument("before", type=generation_number, metavar="A")
    diff.add_argument(
        "after", type=generation_number, nargs="?", metavar="B", help="the current one where left out"
    )
    back = actions.add_parser("rollback", help="have the skills of an earlier generation again")
    back.add_argument(
        "number",
        type=_number_or_previous,
        metavar="N",
        help="its number, or `previous` for the one before the current",
    )
    back.add_argument("--dry-run", action="store_true", help="only say what would change")


def run_generations(workspace: Workspace, arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises NotFound, MetaclawError."""
    from metaclaw_jlab.store.skills import Skills

    skills = Skills(workspace.database())
    match arguments.action:
        case "show":
            return _show(workspace, skills, arguments.number)
        case "diff":
            after = skills.current_generation().number if arguments.after is None else arguments.after
            return {"diff": compare_generations(skills, arguments.before, after)}
        case "rollback":
            number = arguments.number
            if number is None:
                number = max(0, workspace.synchronised().generation.number - 1)
            if arguments.dry_run:
                return {"would": _dry_run(workspace, skills, number)}
            return {"done": roll_back_library(workspace, number)}
    return {"generations": list_generations(skills, arguments.limit)}


def render_generation_result(result: Mapping[str, Any]) -> str:
    """The generations, one of them, a difference, or what a rollback did."""
    match result:
        case {"generation": generation, "members": members, "failures": failures}:
            return _render_one(generation, members, failures)
        case {"diff": diff}:
            return render_diff(diff)
        case {"would": diff}:
            return _render_dry_run(diff)
        case {"done": done}:
            return render_done(done)
    return render_generations(result["generations"])


def _show(workspace: Workspace, skills: Skills, number: int) -> dict[str, object]:
    generation = describe_generation(skills, number)
    return {
        "generation": generation,
        "members": dict(skills.generation(number).members),
        "failures": evidence_of(workspace, generation.number, generation.evidence),
    }


def _dry_run(workspace: Workspace, skills: Skills, number: int) -> GenerationDiff:
    """What a rollback would change; edits by hand would be generations before it, so they are made now."""
    current = workspace.synchronised().generation.number
    return compare_generations(skills, current, number)


def _render_one(
    generation: GenerationAccount, members: Mapping[str, str], failures: tuple[LearntFrom, ...]
) -> str:
    current = " (the current one)" if generation.current else ""
    head = [f"Skill generation {generation.number}{current}"]
    if generation.number:
        head += rows(
            [
                ("made", local_time(generation.created_at)),
                ("cause", CAUSES[Cause(generation.cause)]),
                ("changed", in_words(generation.changes, MEMBERS)),
            ],
            "  ",
        )
    changed = {*generation.changes.added, *generation.changes.changed}
    listed = [("~ " if name in changed else "  ") + f"{name}  {sha[:12]}" for name, sha in members.items()]
    left = len(listed) - MEMBERS
    told = [*listed[:MEMBERS], *([f"… {counted(left, 'skill')} more"] if left > 0 else [])]
    parts = [head, [f"{counted(len(members), 'skill')}", *(f"  {line}" for line in told)]]
    if failures:
        lines = [f"  {learnt_in_words(failure)}" for failure in failures[:FAILURES]]
        more = len(failures) - FAILURES
        more_line = [f"  and {counted(more, 'more failure')}"] if more > 0 else []
        parts.append(["Learnt from", *lines, *more_line])
    return "\n\n".join("\n".join(part) for part in parts)


def _render_dry_run(diff: GenerationDiff) -> str:
    if not diff.changes.any:
        return f"Nothing would change: generation {diff.before} has the skills of {diff.after} already."
    return f"A rollback would change this; nothing is changed yet.\n{render_diff(diff)}"


def generation_number(text: str) -> int:
    """`7` or `g7`, for argparse."""
    digits = text.removeprefix("g")
    if not digits.isascii() or not digits.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a generation")
    return int(digits)


def _number_or_previous(text: str) -> int | None:
    return None if text == "previous" else generation_number(text)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number, 1 or more")
    return int(text)

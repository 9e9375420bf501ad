"""`skills ...`, the same for the magic and the command line; only how a text is edited differs."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.inspection.generation_commands import generation_number
from metaclaw_jlab.inspection.generations import SkillDiff, diff_lines
from metaclaw_jlab.inspection.skill_changes import (
    Done,
    export_skills,
    import_skills,
    pin,
    quarantine,
    remove,
    render_done,
    roll_back,
    switch,
)
from metaclaw_jlab.inspection.skill_library import (
    SkillAccount,
    SkillList,
    compare_skill,
    describe_skill,
    list_skills,
    render_skill,
    render_skills,
)

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace

ABOUT = "The skills that go into prompts: where they come from, what they are worth, and how to change them."
_NAMED = {
    "show": "one skill, whole: text, where it came from, versions, uses",
    "edit": "change its text; the edit is a new generation",
    "pin": "keep evolution from changing it",
    "unpin": "let evolution change it again",
    "disable": "keep it out of prompts; it stays at hand",
    "enable": "let it into prompts again",
    "quarantine": "keep it out of prompts until it is released; it stays in the library",
    "release": "let it out of quarantine",
    "remove": "take it out of the library; earlier generations keep it",
}


def add_skill_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list")
    actions.add_parser("list", help="all of them (the default)")
    for action, told in _NAMED.items():
        actions.add_parser(action, help=told).add_argument("name", metavar="NAME")
    diff = actions.add_parser("diff", help="how its text differs between two generations")
    diff.add_argument("name", metavar="NAME")
    diff.add_argument(
        "before", type=generation_number, nargs="?", metavar="A", help="before its last change if left out"
    )
    diff.add_argument(
        "after", type=generation_number, nargs="?", metavar="B", help="the current one where left out"
    )
    back = actions.add_parser("rollback", help="have the text of an earlier generation again")
    back.add_argument("name", metavar="NAME")
    back.add_argument("generation", type=generation_number, metavar="GENERATION")
    for action, told in (
        ("import", "take skills in: a folder, a SKILL.md or a zip file"),
        ("add", "the same as import"),
    ):
        taking = actions.add_parser(action, help=told)
        taking.add_argument("path", type=Path, metavar="PATH")
        taking.add_argument("--replace", action="store_true", help="where there is one of this name already")
    giving = actions.add_parser("export", help="write the library out: a folder, or a file that ends in .zip")
    giving.add_argument("path", type=Path, metavar="PATH")


def run_skills(
    workspace: Workspace,
    arguments: argparse.Namespace,
    edit: Callable[[Workspace, str], dict[str, object]],
) -> dict[str, object]:
    """What was asked for; `edit` lets a person edit the skill of a name. Raises NotFound, MetaclawError."""
    match arguments.action:
        case "list":
            return _fields(list_skills(workspace))
        case "show":
            return _fields(describe_skill(workspace, arguments.name))
        case "diff":
            diff = compare_skill(workspace, arguments.name, arguments.before, arguments.after)
            return {"name": diff.name, "lines": diff.lines}
        case "edit":
            return edit(workspace, arguments.name)
    return {"done": _change(workspace, arguments)}


def _change(workspace: Workspace, arguments: argparse.Namespace) -> Done:
    action = arguments.action
    match action:
        case "pin" | "unpin":
            return pin(workspace, arguments.name, on=action == "pin")
        case "disable" | "enable":
            return switch(workspace, arguments.name, on=action == "enable")
        case "quarantine" | "release":
            return quarantine(workspace, arguments.name, on=action == "quarantine")
        case "remove":
            return remove(workspace, arguments.name)
        case "rollback":
            return roll_back(workspace, arguments.name, arguments.generation)
        case "export":
            return export_skills(workspace, arguments.path)
    return import_skills(workspace, arguments.path, replace=arguments.replace)


def render_skill_result(result: Mapping[str, Any]) -> str:
    """The skills, one of them, a difference, or what was changed and how to undo it."""
    match result:
        case {"done": done}:
            return render_done(done)
        case {"skills": _}:
            return render_skills(SkillList(**result))
        case {"skill": _}:
            return render_skill(SkillAccount(**result))
        case {"lines": lines, "name": name}:
            return "\n".join(diff_lines(SkillDiff(name, lines))) if lines else f"{name}: no difference."
    return str(result["told"])


def _fields(found: SkillList | SkillAccount) -> dict[str, object]:
    return {field.name: getattr(found, field.name) for field in fields(found)}

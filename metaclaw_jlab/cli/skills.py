"""`metaclaw skills`: the library in the home. Taking one in or out makes a skill generation at once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.errors import NotFound, UsageMistake
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.inspection.lines import one_line, rows
from metaclaw_jlab.skills.library import FILE_NAME, remove_skill, write_skill
from metaclaw_jlab.skills.markdown import BYTE_LIMIT, SkillFile, parse_file
from metaclaw_jlab.skills.markdown import render as markdown

EXAMPLES = """\
examples:
  metaclaw skills                          names and descriptions
  metaclaw skills show csv-separator
  metaclaw skills add ./csv-separator      a folder with a SKILL.md (agentskills.io)
  metaclaw skills remove csv-separator
"""
COLUMNS = 90


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list")
    actions.add_parser("list", help="names and descriptions (the default)")
    actions.add_parser("show", help="one skill, whole").add_argument("name")
    adding = actions.add_parser("add", help="take a skill into the library")
    adding.add_argument("path", type=Path, help="a folder with a SKILL.md, or that file")
    adding.add_argument("--replace", action="store_true", help="where there is one of this name already")
    actions.add_parser("remove", help="take a skill out of the library").add_argument("name")


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises SkillInvalid, NotFound, UsageMistake."""
    with closing(open_workspace(arguments.home)) as workspace:
        match arguments.action:
            case "show":
                return {"skill": _named(workspace, arguments.name)}
            case "add":
                return _add(workspace, arguments.path, replace=arguments.replace)
            case "remove":
                remove_skill(workspace.home.skills, arguments.name)
                return {"removed": arguments.name, "generation": _advance(workspace, Cause.USER)}
        library = workspace.library()
        return {"skills": library.skills, "problems": library.problems, "folder": workspace.home.skills}


def render(result: Mapping[str, Any]) -> str:
    """The skills, one a line; or what happened."""
    match result:
        case {"skill": skill}:
            return markdown(skill).rstrip("\n")
        case {"added": name, "generation": generation, "notes": notes}:
            return "\n".join([f"Skill {name} is in the library (generation {generation}).", *notes])
        case {"removed": name, "generation": generation}:
            return f"Skill {name} is out of the library (generation {generation})."
    told = rows((skill.name, one_line(skill.description, COLUMNS)) for skill in result["skills"])
    if not told:
        told = [
            f"No skills yet. Write one as {result['folder']}/<name>/SKILL.md, or: metaclaw skills add PATH"
        ]
    return "\n".join([*told, *(f"problem: {problem.sentence}" for problem in result["problems"])])


def _named(workspace: Workspace, name: str) -> Skill:
    library = workspace.library()
    found = next((skill for skill in library.skills if skill.name == name), None)
    if found is not None:
        return found
    for problem in library.problems:
        if problem.folder == name:
            raise NotFound(f"Skill {name!r} cannot be used.", problem.sentence)
    raise NotFound(f"There is no skill {name!r}.", "See: metaclaw skills")


def _add(workspace: Workspace, path: Path, *, replace: bool) -> dict[str, object]:
    file = path if path.name == FILE_NAME else path / FILE_NAME
    read = _read(file)
    name = read.skill.name
    if not replace and (workspace.home.skills / name / FILE_NAME).exists():
        raise UsageMistake(f"There is a skill {name!r} already.", "Put --replace to have this one instead.")
    written = write_skill(workspace.home.skills, read.skill)
    notes = list(read.notes)
    if others := sorted(item.name for item in file.parent.iterdir() if item.name != FILE_NAME):
        notes.append(f"Only {FILE_NAME} was taken in; left where it was: {', '.join(others[:5])}.")
    generation = _advance(workspace, Cause.IMPORT)
    return {"added": written.name, "sha256": written.sha256, "generation": generation, "notes": notes}


def _read(file: Path) -> SkillFile:
    if not file.is_file():
        raise UsageMistake(f"There is no {file}.", f"Give a folder that has a {FILE_NAME}.")
    with file.open("rb") as stream:
        data = stream.read(BYTE_LIMIT + 1)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) <= BYTE_LIMIT or error.start < BYTE_LIMIT - 4:
            raise UsageMistake(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from None
        text = " " * (BYTE_LIMIT + 1)
    return parse_file(text, file.resolve().parent.name)


def _advance(workspace: Workspace, cause: Cause) -> int:
    from metaclaw_jlab.store.skills import Skills

    skills = workspace.library().skills
    return Skills(workspace.database()).commit_generation(cause, skills).number

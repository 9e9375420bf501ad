"""`metaclaw skills`: the library, and what can be done with it. Every change is a skill generation at once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.cli.editor import edit_skill
from metaclaw_jlab.inspection.skill_commands import ABOUT as DESCRIPTION
from metaclaw_jlab.inspection.skill_commands import add_skill_arguments, render_skill_result, run_skills

EXAMPLES = """\
examples:
  metaclaw skills                               which there are, since when, what they are worth
  metaclaw skills show csv-separator            its text, the failures it came from, its versions
  metaclaw skills diff csv-separator 3 5        how its text changed from generation 3 to 5
  metaclaw skills edit csv-separator            in $VISUAL or $EDITOR
  metaclaw skills pin csv-separator             evolution leaves it alone
  metaclaw skills disable csv-separator         out of prompts; back with: enable
  metaclaw skills quarantine csv-separator      out of prompts until somebody looked at it; back with: release
  metaclaw skills rollback csv-separator 3      its text of generation 3
  metaclaw skills import ./csv-separator        a folder, a SKILL.md (agentskills.io) or a zip file
  metaclaw skills export skills.zip
  metaclaw skills remove csv-separator
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; `list` where none is named."""
    add_skill_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """What was asked for. Raises SkillInvalid, SkillRefused, NotFound, UsageMistake."""
    with closing(open_workspace(arguments.home)) as workspace:
        return run_skills(workspace, arguments, edit_skill)


def render(result: Mapping[str, Any]) -> str:
    """The skills, one a line; or what happened."""
    return render_skill_result(result)


__all__ = ["DESCRIPTION", "EXAMPLES", "add_arguments", "render", "run"]

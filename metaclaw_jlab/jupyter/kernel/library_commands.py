"""`%metaclaw why`, `skills ...`, `generations ...` and `keys ...`: the command line's words, for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from metaclaw_jlab.inspection.lines import plain
from metaclaw_jlab.jupyter.kernel.arguments import LineParser

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.jupyter.kernel.session import KernelSession
    from metaclaw_jlab.jupyter.kernel.shown import Shown

SCORES = "How many tasks were done right under each skill generation, and how sure that is."


def why(session: KernelSession, words: list[str]) -> Shown:
    """A task explained. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.why_command import ABOUT, add_why_arguments, run_why
    from metaclaw_jlab.inspection.why_text import render_account
    from metaclaw_jlab.jupyter.kernel.answers import account_of_a_task

    parser = _parser("why", ABOUT, "%metaclaw why\n  %metaclaw why 3f9c0d81a2b7 --prompt")
    add_why_arguments(parser)
    found = parser.parse_args(words)
    workspace = session.workspace()
    last = session.last or workspace.trajectories().last(session.origin().notebook)
    return account_of_a_task(plain(render_account(run_why(workspace, found, last))))


def skills(session: KernelSession, words: list[str]) -> Shown:
    """The library. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.skill_commands import (
        ABOUT,
        add_skill_arguments,
        render_skill_result,
        run_skills,
    )
    from metaclaw_jlab.jupyter.kernel.answers import skills_found

    examples = (
        "%metaclaw skills\n  %metaclaw skills show csv-separator\n  %metaclaw skills edit csv-separator\n"
        "  %metaclaw skills rollback csv-separator 3\n  %metaclaw skills import ./csv-separator"
    )
    parser = _parser("skills", ABOUT, examples)
    add_skill_arguments(parser)

    def edit(workspace: Workspace, name: str) -> dict[str, object]:
        return _edit_in_a_cell(session, workspace, name)

    result = run_skills(session.workspace(), parser.parse_args(words), edit)
    return skills_found(result, plain(render_skill_result(result)))


def generations(session: KernelSession, words: list[str]) -> Shown:
    """The history of the library. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.generation_commands import (
        ABOUT,
        add_generation_arguments,
        render_generation_result,
        run_generations,
    )
    from metaclaw_jlab.jupyter.kernel.answers import generations_found

    examples = (
        "%metaclaw generations --limit 5\n  %metaclaw generations diff 6 7\n"
        "  %metaclaw generations rollback 6 --dry-run"
    )
    parser = _parser("generations", ABOUT, examples)
    add_generation_arguments(parser)
    result = run_generations(session.workspace(), parser.parse_args(words))
    return generations_found(result, plain(render_generation_result(result)))


def scores(session: KernelSession, words: list[str]) -> Shown:
    """Whether the agent gets better. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.trend import GENERATIONS, trend
    from metaclaw_jlab.jupyter.kernel.answers import trend_found

    parser = _parser("scores", SCORES, "%metaclaw scores\n  %metaclaw scores --skill csv-separator")
    parser.add_argument(
        "--generations", type=int, default=GENERATIONS, metavar="N", help=f"how many (default {GENERATIONS})"
    )
    parser.add_argument("--notebook", metavar="PATH", help="the tasks of one notebook")
    parser.add_argument("--skill", metavar="NAME", help="the tasks that had one skill in their prompt")
    found = parser.parse_args(words)
    if found.generations < 1:
        raise UsageError(
            f"{found.generations} generations are none. Such as: %metaclaw scores --generations 8"
        )
    database = session.workspace().database()
    return trend_found(
        trend(database, generations=found.generations, notebook=found.notebook, skill=found.skill)
    )


def keys(session: KernelSession, words: list[str]) -> str:
    """The keys of other agents. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.client_commands import (
        ABOUT,
        add_client_arguments,
        render_clients,
        run_clients,
    )

    examples = (
        "%metaclaw keys\n  %metaclaw keys add my-agent --namespace papers\n  %metaclaw keys revoke my-agent"
    )
    parser = _parser("keys", ABOUT, examples)
    parser.set_defaults(action="list", all=False)
    add_client_arguments(parser.add_subparsers(dest="action", metavar="ACTION"))
    result = run_clients(session.workspace(), parser.parse_args(words))
    notes = ["Clear this output before you save or share the notebook."] if "key" in result else []
    return plain("\n".join([render_clients(result), *notes]))


def _edit_in_a_cell(session: KernelSession, workspace: Workspace, name: str) -> dict[str, object]:
    """Offer the text in a new cell; running that cell writes it."""
    from metaclaw_jlab.inspection.skill_changes import editable

    file = editable(workspace, name)
    path = f'"{file.path}"' if any(character.isspace() for character in str(file.path)) else str(file.path)
    session.shell.set_next_input(f"%%writefile {path}\n{file.text}")
    return {
        "told": f"Edit {name} in the cell below and run it: the next prompt is built from what it says, as a new "
        "generation."
    }


def _parser(name: str, about: str, examples: str) -> LineParser:
    import argparse

    return LineParser(
        prog=f"%metaclaw {name}",
        description=about,
        epilog=f"examples:\n  {examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )

"""`%metaclaw why`, `skills ...`, `generations ...` and `keys ...`: the command line's words, for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaclaw_jlab.inspection.lines import plain
from metaclaw_jlab.jupyter.kernel.arguments import LineParser

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.jupyter.kernel.session import KernelSession


def why(session: KernelSession, words: list[str]) -> str:
    """A task explained. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.why_command import ABOUT, add_why_arguments, run_why
    from metaclaw_jlab.inspection.why_text import render_account

    parser = _parser("why", ABOUT, "%metaclaw why\n  %metaclaw why 3f9c0d81a2b7 --prompt")
    add_why_arguments(parser)
    found = parser.parse_args(words)
    workspace = session.workspace()
    last = session.last or workspace.trajectories().last(session.origin().notebook)
    return plain(render_account(run_why(workspace, found, last)))


def skills(session: KernelSession, words: list[str]) -> str:
    """The library. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.skill_commands import (
        ABOUT,
        add_skill_arguments,
        render_skill_result,
        run_skills,
    )

    examples = (
        "%metaclaw skills\n  %metaclaw skills show csv-separator\n  %metaclaw skills edit csv-separator\n"
        "  %metaclaw skills rollback csv-separator 3\n  %metaclaw skills import ./csv-separator"
    )
    parser = _parser("skills", ABOUT, examples)
    add_skill_arguments(parser)

    def edit(workspace: Workspace, name: str) -> dict[str, object]:
        return _edit_in_a_cell(session, workspace, name)

    return plain(render_skill_result(run_skills(session.workspace(), parser.parse_args(words), edit)))


def generations(session: KernelSession, words: list[str]) -> str:
    """The history of the library. Raises UsageError, HelpShown, MetaclawError."""
    from metaclaw_jlab.inspection.generation_commands import (
        ABOUT,
        add_generation_arguments,
        render_generation_result,
        run_generations,
    )

    examples = (
        "%metaclaw generations --limit 5\n  %metaclaw generations diff 6 7\n"
        "  %metaclaw generations rollback 6 --dry-run"
    )
    parser = _parser("generations", ABOUT, examples)
    add_generation_arguments(parser)
    return plain(render_generation_result(run_generations(session.workspace(), parser.parse_args(words))))


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

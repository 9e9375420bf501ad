"""`%metaclaw why`, `skills` and `generations` in a real shell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.error import UsageError

from metaclaw_jlab.core.evolution import Source
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.trajectory import InjectedSkill, Observation, Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.jupyter.kernel.magics import MetaclawMagics
from metaclaw_jlab.store.skills import Lesson, Skills

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.assembly import Workspace

Say = Callable[[str], str]
RULE = Skill(
    "csv-separator", "How values are separated. Use for csv files.", "Write csv files with semicolons."
)
CHECK = Check(CheckKind.FILE, "out.csv")


@pytest.fixture
def say(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a line and give what it printed."""

    def run(line: str) -> str:
        capsys.readouterr()
        outcome: Any = shell.run_cell(line, store_history=True)
        outcome.raise_error()
        return capsys.readouterr().out

    return run


@pytest.fixture
def learnt(shell: InteractiveShell) -> Workspace:
    """A failed task, the skill that came from it, and a task that had it in its prompt."""
    workspace: Workspace = shell.magics_manager.registry[MetaclawMagics.__name__].session.workspace()
    task = Task("Save the rows as csv", checks=(CHECK,), origin=Origin("a.ipynb", "c1"))
    step = Step(0, (), "reply", "save(rows)", Observation("done\x1b[2J"))
    bad = Trajectory(
        "bad",
        task,
        Stamp(0, (), "tiny"),
        steps=(step,),
        stop=StopReason.CHECK_FAILED,
        checks=(CheckResult(CHECK, False, "There is no out.csv."),),
    )
    workspace.trajectories().record(bad)
    lesson = Lesson(RULE.name, Source("bad", "There is no out.csv."))
    Skills(workspace.database()).commit_generation(Cause.EVOLVER, [RULE], ["bad"], lessons=[lesson])
    stamp = Stamp(1, (InjectedSkill(RULE.name, RULE.sha256, 1.0),), "tiny")
    workspace.trajectories().record(
        Trajectory(
            "good", task, stamp, steps=(step,), stop=StopReason.DONE, checks=(CheckResult(CHECK, True),)
        )
    )
    return workspace


def test_why_tells_where_a_skill_came_from(say: Say, learnt: Workspace) -> None:
    told = say("%metaclaw why")
    assert "generation 1 (learnt from failures: +csv-separator)" in told
    assert 'in a.ipynb, cell c1, task bad: "There is no out.csv."' in told


def test_nothing_that_is_told_steers_a_terminal(say: Say, learnt: Workspace) -> None:
    assert "\x1b" not in say("%metaclaw why bad")


def test_why_without_a_task_is_one_sentence(say: Say) -> None:
    with pytest.raises(UsageError, match="%%metaclaw"):
        say("%metaclaw why")


def test_the_library_is_listed_and_shown(say: Say, learnt: Workspace) -> None:
    assert "csv-separator  g1  1 used" in say("%metaclaw skills")
    assert RULE.body in say("%metaclaw skills show csv-separator")


def test_a_name_that_is_not_there_suggests_the_nearest(say: Say, learnt: Workspace) -> None:
    with pytest.raises(UsageError, match="Did you mean csv-separator"):
        say("%metaclaw skills show csv-seperator")


def test_an_edit_is_a_cell_that_writes_the_file(
    say: Say, learnt: Workspace, shell: InteractiveShell, home: Path
) -> None:
    assert "next prompt" in say("%metaclaw skills edit csv-separator")
    cell = shell.rl_next_input
    path = home / "skills" / "csv-separator" / "SKILL.md"
    assert cell.startswith(f"%%writefile {path}\n---\nname: csv-separator\n")
    say(cell.replace("semicolons", "tabs"))
    assert "adopted the edit by hand of csv-separator" in say("%metaclaw skills")
    assert "g2" in say("%metaclaw generations --limit 1")
    assert "Write csv files with tabs." in say("%metaclaw skills show csv-separator")


def test_running_the_cell_as_it_is_changes_nothing(
    say: Say, learnt: Workspace, shell: InteractiveShell
) -> None:
    say("%metaclaw skills edit csv-separator")
    say(shell.rl_next_input)
    assert learnt.synchronised().generation.number == 1


def test_a_rollback_says_how_to_undo_it(say: Say, learnt: Workspace) -> None:
    assert "would change" in say("%metaclaw generations rollback 0 --dry-run")
    assert "`generations rollback 1`" in say("%metaclaw generations rollback 0")
    assert "+csv-separator" in say("%metaclaw generations rollback 1")


def test_skills_are_pinned_disabled_and_taken_out(say: Say, learnt: Workspace) -> None:
    say("%metaclaw skills pin csv-separator")
    say("%metaclaw skills disable csv-separator")
    assert "disabled, pinned" in say("%metaclaw skills")
    say("%metaclaw skills enable csv-separator")
    say("%metaclaw skills remove csv-separator")
    assert "No skills yet" in say("%metaclaw skills")


@pytest.mark.parametrize(
    "line", ["skills --help", "generations --help", "why --help", "skills import --help"]
)
def test_help_is_printed(line: str, say: Say) -> None:
    assert f"usage: %metaclaw {line.removesuffix(' --help')}" in say(f"%metaclaw {line}")


@pytest.mark.parametrize(
    "line", ["skills shwo", "generations rollback x", "generations show", "skills import"]
)
def test_a_mistake_is_one_sentence(line: str, say: Say) -> None:
    with pytest.raises(UsageError) as caught:
        say(f"%metaclaw {line}")
    assert "\n" not in str(caught.value)

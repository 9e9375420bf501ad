import os
from pathlib import Path

import pytest

from metaclaw_jlab.evaluation.metaclaw_bench.checking import Scorer, run_check
from metaclaw_jlab.evaluation.metaclaw_bench.format import FileCheck
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import CheckOutcome
from tests.evaluation.metaclaw_bench.small_bench import CHECKER

CHECKERS = {"scripts/check_word.py": CHECKER.encode()}
COMMAND = "python scripts/check_word.py day01/colour.txt amber"


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "workspace"
    (path / "day01").mkdir(parents=True)
    (path / "day01/colour.txt").write_text("amber\n")
    return path


@pytest.fixture
def checked(check_pool, workspace):
    def check(command: str = COMMAND, **terms) -> CheckOutcome:
        return run_check(
            FileCheck("r1", "", command, "", "", **terms), workspace, Scorer(check_pool, CHECKERS)
        )

    return check


def test_a_check_that_holds_passes(checked):
    assert checked() == CheckOutcome(True, 0, "amber\n\n")


def test_a_check_that_does_not_hold_fails_with_its_exit_code(checked, workspace):
    (workspace / "day01/colour.txt").write_text("azure\n")
    assert (checked().passed, checked().exit_code) == (False, 4)


def test_what_a_check_says_is_kept(checked, workspace):
    (workspace / "day01/colour.txt").unlink()
    outcome = checked()
    assert not outcome.passed
    assert "No such file or directory: 'day01/colour.txt'" in outcome.output


@pytest.mark.parametrize(("command", "passed"), [("exit 3", True), ("exit 0", False)])
def test_another_exit_code_may_be_expected(checked, command, passed):
    assert checked(command, expect_exit=3).passed is passed


@pytest.mark.parametrize(
    ("stdout", "pattern", "passed"),
    [("mbe", False, True), ("m.e", False, False), ("m.e", True, True), ("^b", True, False)],
)
def test_the_output_may_have_to_hold_something(checked, stdout, pattern, passed):
    assert checked(stdout=stdout, stdout_is_pattern=pattern).passed is passed


def test_a_shell_line_is_a_shell_line(checked):
    line = (
        "test -f day01/colour.txt && python -c 'print(1)' | grep -q 1 && test $(cat day01/colour.txt) = amber"
    )
    assert checked(line).passed


def test_a_check_that_takes_too_long_fails(checked):
    assert checked("sleep 60", seconds=0.2) == CheckOutcome(False, None, "")


def test_what_a_check_leaves_running_does_not_hold_it_up(checked):
    assert checked("sleep 60 & exit 0").passed


def test_a_check_that_would_end_its_sandbox_fails(checked):
    assert not checked("kill -9 $PPID; exit 9").passed


def test_the_workspace_never_holds_a_checker(checked, workspace):
    checked()
    assert [path.relative_to(workspace) for path in workspace.rglob("*") if path.is_file()] == [
        Path("day01/colour.txt")
    ]


def test_a_check_changes_nothing_in_the_workspace(checked, workspace):
    assert checked("rm day01/colour.txt && touch day01/new").passed
    assert os.listdir(workspace / "day01") == ["colour.txt"]


def test_a_checker_that_the_agent_wrote_does_not_count(checked, workspace):
    (workspace / "day01/colour.txt").write_text("azure\n")
    (workspace / "scripts").mkdir()
    (workspace / "scripts/check_word.py").write_text("")
    (workspace / "scripts/pathlib.py").write_text("raise SystemExit(0)")
    assert checked().exit_code == 4


@pytest.mark.parametrize("module", ["pathlib.py", "pathlib/__init__.py"])
@pytest.mark.parametrize("command", [COMMAND, "python -c 'import pathlib; raise SystemExit(4)'"])
def test_a_module_of_the_agent_does_not_stand_in_for_a_library(checked, workspace, module, command):
    (workspace / "day01/colour.txt").write_text("azure\n")
    (workspace / module).parent.mkdir(exist_ok=True)
    (workspace / module).write_text("raise SystemExit(0)")
    assert checked(command).exit_code == 4


def test_a_check_may_import_what_the_agent_wrote(checked, workspace):
    (workspace / "day01/colours.py").write_text("BEST = 'amber'")
    assert checked("python -c \"from day01.colours import BEST; assert BEST == 'amber'\"").passed


def test_times_and_modes_of_files_are_those_of_the_workspace(checked, workspace):
    script = workspace / "day01/run.sh"
    script.write_text("#!/bin/sh\nexit 7\n")
    script.chmod(0o755)
    os.utime(script, (1e9, 1e9))
    assert checked("./day01/run.sh").exit_code == 7
    assert checked("test day01/run.sh -ot day01/colour.txt").passed


def test_a_workspace_that_is_too_large_fails_the_check(checked, workspace):
    with open(workspace / "large", "wb") as file:
        file.truncate(65_000_000)
    outcome = checked()
    assert not outcome.passed
    assert "64 MB" in outcome.output


def test_a_name_that_is_no_text_does_no_harm(checked, workspace):
    (workspace / os.fsdecode(b"day01/caf\xe9.txt")).write_text("x")
    assert checked().passed

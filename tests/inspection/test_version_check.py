import json
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.inspection.finding import Level
from metaclaw_jlab.inspection.version_check import PACKAGE, compared, labextension_version, same, versions


def test_what_runs_nowhere_is_no_difference() -> None:
    assert compared("1.0", {"this process": "1.0", "the Jupyter server": None}).level is Level.OK


@pytest.mark.parametrize(
    ("old", "step"),
    [
        ("the page's extension", "reload the page"),
        ("the Jupyter server", "Restart Jupyter"),
        ("this process", "Restart the kernel"),
        ("the local policy server", "Stop the policy server"),
    ],
)
def test_what_runs_old_code_is_named_with_the_way_out(old: str, step: str) -> None:
    found = compared("1.1", {"something else": "1.1", old: "1.0"})
    assert (found.level, f"{old} 1.0" in found.sentence, step in found.next_step) == (Level.WARN, True, True)


def test_a_version_is_the_same_in_npms_spelling() -> None:
    assert same("1.2.0-rc.1", "1.2.0rc1")
    assert not same("1.2.0", "1.2.1")
    assert same("(not installed)", "(not installed)")


def test_the_first_labextension_counts(tmp_path: Path) -> None:
    for name, version in (("a", "1.0"), ("b", "2.0")):
        folder = tmp_path / name / PACKAGE
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"version": version}))
    assert labextension_version([str(tmp_path / name) for name in ("none", "a", "b")]) == "1.0"


@pytest.mark.parametrize("content", ["", "[]", '{"version": 3}'])
def test_a_labextension_that_cannot_be_read_has_no_version(tmp_path: Path, content: str) -> None:
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "package.json").write_text(content)
    assert labextension_version([str(tmp_path)]) is None


def test_a_home_without_processes_is_compared_too(workspace: Workspace) -> None:
    assert versions(workspace).name == "versions"

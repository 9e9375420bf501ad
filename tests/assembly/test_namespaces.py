import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.namespaces import in_home, namespaces, open_namespace, outer_workspace
from metaclaw_jlab.core.errors import ConfigError, UsageMistake
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.runtime.home import ID_FILE
from metaclaw_jlab.settings.configuration import set_value
from metaclaw_jlab.store.events import Events
from tests.store.samples import opened

SKILL = "---\nname: {name}\ndescription: How to write {name} dates in reports.\n---\n\nWrite dates of {name} so.\n"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("METACLAW_AGENT_NAMESPACE", "METACLAW_ADMIN_CONFIG", "METACLAW_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Workspace]:
    workspace = open_workspace(tmp_path / "home")
    yield workspace
    workspace.close()


@pytest.fixture
def papers(home: Workspace) -> Iterator[Workspace]:
    workspace = open_namespace(home, "papers")
    yield workspace
    workspace.close()


def write_skill(workspace: Workspace, name: str) -> None:
    folder = workspace.home.skills / name
    folder.mkdir()
    (folder / "SKILL.md").write_text(SKILL.format(name=name))


def names(workspace: Workspace) -> list[str]:
    return [skill.name for skill in workspace.synchronised().skills]


# ---------------------------------------------------------------- what is apart


def test_skills_of_a_namespace_are_its_own(home: Workspace, papers: Workspace) -> None:
    write_skill(home, "lab")
    write_skill(papers, "review")
    assert (names(home), names(papers)) == (["lab"], ["review"])


def test_no_prompt_gets_a_skill_of_another_namespace(home: Workspace, papers: Workspace) -> None:
    write_skill(home, "lab")
    asked = Task("How do I write lab dates in reports?")
    assert [match.skill.name for match in home.retrieve(asked, home.synchronised().skills)] == ["lab"]
    assert papers.retrieve(asked, papers.synchronised().skills) == ()


def test_trajectories_of_a_namespace_are_its_own(home: Workspace, papers: Workspace) -> None:
    home.trajectories().begin(opened())
    assert home.trajectories().counts().trajectories == 1
    assert papers.trajectories().counts().trajectories == 0


def test_events_of_a_namespace_are_its_own(home: Workspace, papers: Workspace) -> None:
    Events(papers.database()).append("task.begun", id="t1")
    assert Events(home.database()).latest() == 0


def test_siblings_see_as_little_of_each_other(papers: Workspace) -> None:
    write_skill(papers, "review")
    lab = open_namespace(papers, "lab")
    assert lab.home.path == papers.home.path.parent / "lab"
    assert names(lab) == []
    lab.close()


def test_a_sandbox_hides_the_whole_home(
    home: Workspace, papers: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metaclaw_jlab.executors.sandbox.SandboxPool", lambda _, **given: given["hidden"])
    hidden: list[Any] = [workspace.sandbox_pool(1) for workspace in (home, papers)]
    assert hidden == [(home.home.path,)] * 2


# ---------------------------------------------------------------- what is shared


def test_a_namespace_has_the_configuration_of_its_home(home: Workspace, papers: Workspace) -> None:
    set_value(home.home.config, "agent.steps", "9")
    assert papers.settings().agent.steps == 9
    assert not (papers.home.path / "config.toml").exists()


def test_overrides_of_a_session_hold_there_too(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "home", {"agent.steps": 9})
    namespace = open_namespace(workspace, "papers")
    namespace.overrides["agent.steps"] = 3
    assert (workspace.settings().agent.steps, namespace.settings().agent.steps) == (9, 3)


# ---------------------------------------------------------------- how they are opened


def test_a_namespace_is_a_private_home(papers: Workspace) -> None:
    assert (papers.home.path / ID_FILE).exists()
    for folder in (papers.home.path, papers.home.path.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_namespace_is_the_same_when_it_is_opened_again(home: Workspace, papers: Workspace) -> None:
    assert open_namespace(home, "papers").home.id == papers.home.id


def test_its_path_alone_opens_it(papers: Workspace) -> None:
    again = open_workspace(papers.home.path)
    assert (again.home.path, again.home.namespace) == (papers.home.path, "papers")
    assert again.home.config == papers.home.config


def test_the_empty_name_is_the_home(home: Workspace, papers: Workspace) -> None:
    assert open_namespace(home, "") is home
    assert open_namespace(papers, "").home == home.home


def test_the_configured_namespace_is_opened(home: Workspace) -> None:
    set_value(home.home.config, "agent.namespace", "papers")
    assert open_workspace(home.home.path).home.namespace == "papers"


def test_the_environment_can_choose_one(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METACLAW_AGENT_NAMESPACE", "lab")
    assert open_workspace(home.home.path).home.namespace == "lab"


def test_a_caller_can_choose_another(home: Workspace) -> None:
    set_value(home.home.config, "agent.namespace", "papers")
    assert open_workspace(home.home.path, namespace="").home == home.home
    assert open_workspace(home.home.path, namespace="lab").home.namespace == "lab"


def test_the_path_of_a_namespace_goes_before_the_configured_one(home: Workspace, papers: Workspace) -> None:
    set_value(home.home.config, "agent.namespace", "lab")
    assert open_workspace(papers.home.path).home.namespace == "papers"


def test_a_broken_configuration_opens_the_home(home: Workspace) -> None:
    home.home.config.write_text("[agent]\nnamespace = 3\n")
    opened = open_workspace(home.home.path)
    assert opened.home == home.home
    with pytest.raises(ConfigError):
        opened.settings()


@pytest.mark.parametrize("name", ["..", "a/b", "Papers", "a--b", "x" * 65])
def test_no_name_leads_elsewhere(home: Workspace, name: str) -> None:
    with pytest.raises(UsageMistake):
        open_namespace(home, name)
    assert namespaces(home.home) == ()


def test_the_outer_home_of_a_namespace(home: Workspace, papers: Workspace) -> None:
    assert outer_workspace(home) is home
    assert outer_workspace(papers).home == home.home
    with in_home(papers) as opened_meanwhile, in_home(home) as itself:
        assert opened_meanwhile.home == home.home
        assert itself is home


def test_namespaces_are_listed(home: Workspace, papers: Workspace) -> None:
    open_namespace(home, "lab").close()
    (home.home.namespaces / "stray").mkdir()
    assert namespaces(home.home) == ("lab", "papers")
    assert namespaces(papers.home) == ("lab", "papers")


def test_a_home_without_namespaces_lists_none(home: Workspace) -> None:
    assert namespaces(home.home) == ()


def test_a_folder_of_that_name_elsewhere_makes_no_namespace(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "namespaces" / "papers")
    assert (workspace.home.namespace, workspace.home.root) == ("", workspace.home.path)

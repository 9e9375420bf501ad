import json
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.inspection.extension_check import extension_enabled, page, page_disabled, server_extension
from metaclaw_jlab.inspection.finding import Level
from metaclaw_jlab.runtime.host import publish


def server_config(folder: Path, name: str, value: object) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"metaclaw_jlab": value}}}))


def test_what_nothing_names_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "jupyter_server_config.json").write_text("no json")
    assert extension_enabled([str(tmp_path), str(tmp_path / "none")]) is None


def test_the_first_folder_counts_most_and_in_it_the_main_file(tmp_path: Path) -> None:
    user, system = tmp_path / "user", tmp_path / "system"
    server_config(system, "jupyter_server_config.d/metaclaw_jlab.json", True)
    folders = [str(user), str(system)]
    assert extension_enabled(folders) is True
    server_config(system, "jupyter_server_config.json", False)
    assert extension_enabled(folders) is False
    server_config(user, "jupyter_server_config.d/x.json", True)
    assert extension_enabled(folders) is True


@pytest.mark.parametrize("value", [False, None])
def test_an_extension_that_is_not_enabled_says_how_it_is(
    workspace: Workspace, tmp_path: Path, value: object
) -> None:
    if value is not None:
        server_config(tmp_path, "jupyter_server_config.json", value)
    found = server_extension(workspace, folders=[str(tmp_path)])
    assert (found.level, found.command) == (Level.WARN, "jupyter server extension enable metaclaw_jlab")


def test_a_host_that_runs_is_proof_enough(workspace: Workspace, tmp_path: Path) -> None:
    publish(workspace.home, "http://127.0.0.1:9/")
    found = server_extension(workspace, folders=[str(tmp_path)])
    assert (found.level, "active host" in found.sentence) == (Level.OK, True)


def test_a_page_without_the_extension_says_so(tmp_path: Path) -> None:
    assert page(folders=[str(tmp_path)], configs=[]).level is Level.WARN


@pytest.mark.parametrize("listed", [{"metaclaw-jlab": True}, ["metaclaw-jlab"]])
def test_a_disabled_extension_of_the_page_is_found(tmp_path: Path, listed: object) -> None:
    (tmp_path / "labconfig").mkdir()
    (tmp_path / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": listed}))
    assert page_disabled([str(tmp_path)])
    (tmp_path / "metaclaw-jlab").mkdir()
    (tmp_path / "metaclaw-jlab" / "package.json").write_text("{}")
    found = page(folders=[str(tmp_path)], configs=[str(tmp_path)])
    assert found.command == "jupyter labextension enable metaclaw-jlab"


def test_one_that_is_enabled_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "metaclaw-jlab").mkdir()
    (tmp_path / "metaclaw-jlab" / "package.json").write_text("{}")
    assert page(folders=[str(tmp_path)], configs=[str(tmp_path)]).level is Level.OK

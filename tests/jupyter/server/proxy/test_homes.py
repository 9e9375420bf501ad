"""The proxy follows its host: no home, another home, a namespace's own home."""

from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.assembly.namespaces import open_namespace
from metaclaw_jlab.core.errors import HomeRefused
from metaclaw_jlab.store.client_keys import ClientKeys
from tests.jupyter.server.proxy.serving import Home, Served, ask, workspace_of
from tests.loopback.server import ScriptedServer


class Gone:
    """A host whose home cannot be opened."""

    @property
    def workspace(self) -> Workspace:
        raise HomeRefused("The home is gone.", "See: metaclaw doctor.")


@pytest.mark.parametrize("credential", ["", "Bearer mclaw-0123456789ab-" + "x" * 43])
def test_without_a_home_nothing_is_served_and_the_reason_told(
    served: Served, scripted_server: ScriptedServer, credential: str
) -> None:
    served.proxy._host = Gone()
    answer = served.post(ask(), {"Authorization": credential} if credential else None)
    assert answer.status == 503
    assert "The home is gone." in answer.json["error"]["message"]
    assert scripted_server.chats == []


def test_a_host_that_moves_to_another_home_takes_the_proxy_along(
    served: Served, scripted_server: ScriptedServer, tmp_path: Path
) -> None:
    scripted_server.always("Hello.")
    served.post(ask())
    other = workspace_of(tmp_path / "other", scripted_server)
    served.proxy._host = Home(other)
    served.post(ask())
    assert served.kept.wait(2)[0] is other
    other.close()


def test_a_database_that_is_deleted_costs_skills_and_not_the_answer(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.always("Hello.")
    assert served.post(ask()).status == 200
    for path in served.workspace.home.path.glob("metaclaw.db*"):
        path.unlink()
    assert served.post(ask()).status == 200


def test_a_configuration_that_cannot_be_read_is_told(served: Served) -> None:
    served.workspace.home.config.write_text("[proxy]\nskils = false\n")
    answer = served.post(ask())
    assert answer.status == 503
    assert "skils" in answer.json["error"]["message"]


def test_settings_hold_while_their_file_is_broken(
    served: Served, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_server.always("Hello.")
    served.post(ask())
    served.workspace.home.config.write_text("[proxy\n")
    monkeypatch.setattr("metaclaw_jlab.jupyter.server.proxy.room.LOOK_SECONDS", 0.0)
    assert served.post(ask()).status == 200


def test_a_server_in_a_namespace_serves_that_and_its_clients_theirs(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    scripted_server.always("Hello.")
    outer = workspace_of(tmp_path / "home", scripted_server)
    inner = open_namespace(outer, "project")
    served = Served(inner)
    try:
        _, key = ClientKeys(outer.database()).add("agent")
        served.post(ask())
        assert served.kept.wait()[0] is inner
        served.post(ask(), {"Authorization": f"Bearer {key}"})
        assert served.kept.wait(2)[0].home.path == outer.home.path
    finally:
        served.close()
        inner.close()
        outer.close()

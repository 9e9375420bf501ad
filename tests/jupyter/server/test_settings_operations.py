"""The settings over HTTP: what is listed, what a change does, and what is refused."""

from collections.abc import Iterator

import pytest

from tests.jupyter.server.live_server import LiveServer, live_server


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose configuration the tests change."""
    with live_server(tmp_path_factory.mktemp("configured")) as server:
        yield server


def test_settings_are_listed_with_their_sources(configured: LiveServer) -> None:
    found = configured.api("GET", "settings").json
    sources = {setting["key"]: setting["source"] for setting in found["settings"]}
    assert (sources["policy.base_url"], sources["agent.steps"]) == ("config.toml", "default")
    assert found["path"] == str(configured.home / "config.toml")


def test_a_value_is_written_and_taken_back(configured: LiveServer) -> None:
    written = configured.api("PUT", "settings/agent.steps", {"value": 9})
    assert (written.status, written.json["value"], written.json["source"]) == (200, 9, "config.toml")
    assert "steps = 9" in (configured.home / "config.toml").read_text()
    again = configured.api("DELETE", "settings/agent.steps").json
    assert (again["value"], again["source"]) == (again["default"], "default")


def test_a_value_that_cannot_be_is_refused_with_the_reason(configured: LiveServer) -> None:
    answer = configured.api("PUT", "settings/agent.steps", {"value": "many"})
    assert (answer.status, answer.json["reason"]) == (400, "SettingInvalid")
    assert answer.json["next_step"]


def test_what_is_no_setting_is_not_found(configured: LiveServer) -> None:
    for answer in (
        configured.api("PUT", "settings/agent.none", {"value": 1}),
        configured.api("DELETE", "settings/agent.none"),
    ):
        assert (answer.status, answer.json["reason"]) == (404, "SettingUnknown")


def test_a_configuration_that_cannot_be_read_is_told_and_left_alone(configured: LiveServer) -> None:
    path = configured.home / "config.toml"
    before = path.read_text()
    path.write_text("[policy\n")
    try:
        listed = configured.api("GET", "settings")
        assert (listed.status, "line 1" in listed.json["message"]) == (409, True)
        assert configured.api("PUT", "settings/agent.steps", {"value": 3}).status == 409
        assert path.read_text() == "[policy\n"
    finally:
        path.write_text(before)

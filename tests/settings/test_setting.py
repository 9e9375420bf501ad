import tomllib
from pathlib import Path

import pytest

from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import ConfigError, SettingInvalid, SettingLocked, SettingUnknown
from metaclaw_jlab.settings.configuration import fields
from metaclaw_jlab.settings.setting import Setting, find_setting, list_settings, put_value, reset


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture
def administrators(tmp_path: Path) -> Path:
    file = tmp_path / "administrator.toml"
    file.write_text("[sandbox]\nisolation = 'require'\n")
    return file


def found(path: Path, key: str, **where: object) -> Setting:
    return find_setting(path, key, environment={}, **where)  # type: ignore[arg-type]


def written(path: Path) -> dict[str, object]:
    return tomllib.loads(path.read_text())


def test_every_setting_is_listed_in_order(path: Path) -> None:
    listed = list_settings(path, environment={})
    assert [setting.key for setting in listed.settings] == list(fields())
    assert {setting.section for setting in listed.settings} == set(Settings.model_fields)
    assert listed.path == str(path)


@pytest.mark.parametrize(
    ("key", "kind", "nullable"),
    [
        ("agent.learn", "bool", False),
        ("agent.steps", "integer", False),
        ("policy.temperature", "number", False),
        ("policy.base_url", "text", True),
        ("agent.mode", "choice", False),
        ("policy.extra", "table", False),
        ("training.keep_starts", "bool", True),
        ("skills.threshold", "number", True),
    ],
)
def test_a_setting_says_what_it_may_be(path: Path, key: str, kind: str, nullable: bool) -> None:
    setting = found(path, key)
    assert (setting.kind, setting.nullable) == (kind, nullable)


def test_a_choice_names_what_there_is_to_choose(path: Path) -> None:
    assert found(path, "agent.mode").choices == ("ask", "auto", "off")


def test_bounds_are_told(path: Path) -> None:
    setting = found(path, "agent.steps")
    assert (setting.minimum, setting.maximum) == (1, 50)


def test_optional_settings_have_their_bounds_too(path: Path) -> None:
    setting = found(path, "skills.dense_weight")
    assert (setting.minimum, setting.maximum) == (0, 1)


def test_what_the_environment_overrides_is_told(path: Path) -> None:
    path.write_text("[agent]\nsteps = 2\n")
    setting = find_setting(path, "agent.steps", environment={"METACLAW_AGENT_STEPS": "3"})
    assert (setting.value, setting.source, setting.overridden) == (3, "environment", True)
    assert setting.variable == "METACLAW_AGENT_STEPS"


def test_what_the_administrator_sets_is_locked(path: Path, administrators: Path) -> None:
    setting = found(path, "sandbox.isolation", administrator=administrators)
    assert (setting.value, setting.locked, setting.overridden) == ("require", True, False)


def test_a_locked_setting_cannot_be_written(path: Path, administrators: Path) -> None:
    for change in (
        lambda **where: put_value(path, "sandbox.isolation", "none", **where),
        lambda **where: reset(path, "sandbox.isolation", **where),
    ):
        with pytest.raises(SettingLocked):
            change(environment={}, administrator=administrators)
    assert not path.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agent.learn", False),
        ("agent.steps", 7),
        ("agent.steps", 7.0),
        ("policy.temperature", 1),
        ("agent.mode", "auto"),
        ("policy.extra", {"top_p": 0.9, "nested": {"a": [1, "x"]}}),
        ("scheduler.sleep_hours", ""),
    ],
)
def test_a_value_of_json_is_written_and_in_force(path: Path, key: str, value: object) -> None:
    put_value(path, key, value)
    setting = found(path, key)
    assert (setting.value, setting.source) == (value, "config.toml")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agent.learn", 1),
        ("agent.learn", "yes"),
        ("agent.steps", "3"),
        ("agent.steps", 3.5),
        ("agent.steps", True),
        ("agent.steps", 0),
        ("agent.steps", None),
        ("agent.mode", "sometimes"),
        ("policy.local_model", "  "),
        ("policy.local_model", ["a"]),
        ("policy.extra", {"a": None}),
        ("policy.extra", "a"),
        ("policy.base_url", "http://user:pass@host/v1"),
        ("scheduler.sleep_hours", "25:00-26:00"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_give(path: Path, key: str, value: object) -> None:
    path.write_text("[agent]\nsteps = 2  # mine\n")
    with pytest.raises(SettingInvalid) as raised:
        put_value(path, key, value)
    assert raised.value.next_step
    assert path.read_text() == "[agent]\nsteps = 2  # mine\n"


def test_a_table_is_nested_so_deep_and_no_deeper(path: Path) -> None:
    value: dict[str, object] = {}
    for _ in range(20):
        value = {"a": value}
    with pytest.raises(SettingInvalid):
        put_value(path, "policy.extra", value)


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_unsets_what_may_be_unset(path: Path, value: object) -> None:
    path.write_text("[policy]\nmodel = 'a'\nmax_tokens = 5\n")
    put_value(path, "policy.model", value)
    assert written(path) == {"policy": {"max_tokens": 5}}


def test_a_reset_brings_the_default_back(path: Path) -> None:
    put_value(path, "agent.steps", 9)
    assert reset(path, "agent.steps")
    assert found(path, "agent.steps").source == "default"
    assert not reset(path, "agent.steps")


def test_what_is_no_setting_is_not_found(path: Path) -> None:
    for change in (
        lambda: put_value(path, "agent.stepz", 3),
        lambda: reset(path, "agent"),
        lambda: found(path, ""),
    ):
        with pytest.raises(SettingUnknown):
            change()


def test_a_key_in_the_wrong_place_is_never_quoted(path: Path) -> None:
    with pytest.raises(SettingInvalid) as raised:
        put_value(path, "policy.key_env", "sk-very-secret")
    assert "sk-very" not in str(raised.value)


def test_a_file_that_is_broken_is_no_fault_of_what_was_sent(path: Path) -> None:
    path.write_text("[agent\n")
    with pytest.raises(ConfigError) as raised:
        put_value(path, "agent.steps", 3)
    assert not isinstance(raised.value, SettingInvalid)
    assert path.read_text() == "[agent\n"


def test_another_origin_takes_its_key_with_it(path: Path) -> None:
    path.write_text("[policy]\nbase_url = 'http://a.example/v1'\nkey_env = 'A'\n")
    put_value(path, "policy.base_url", "http://b.example/v1")
    assert found(path, "policy.key_env").value is None

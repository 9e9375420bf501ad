from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.settings import configuration
from metaclaw_jlab.settings.configuration import load, set_value, unset


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture
def administrators(tmp_path: Path) -> Path:
    file = tmp_path / "administrator.toml"
    file.write_text("[sandbox]\nisolation = 'require'\n")
    return file


def test_without_anything_the_defaults_hold(path: Path) -> None:
    loaded = load(path, environment={})
    assert loaded.settings.agent.mode == "ask"
    assert loaded.source("agent.mode") == "default"


def test_each_layer_overrides_the_one_before(path: Path) -> None:
    path.write_text("[agent]\nsteps = 2\nmode = 'auto'\n[policy]\nmax_tokens = 2\n")
    environment = {"METACLAW_AGENT_STEPS": "3", "METACLAW_POLICY_MAX_TOKENS": "3"}
    loaded = load(path, {"policy.max_tokens": 4}, environment=environment)
    found = {key: (loaded.value(key), loaded.source(key)) for key in ("agent.mode", "agent.steps")}
    assert found == {"agent.mode": ("auto", "config.toml"), "agent.steps": (3, "environment")}
    assert (loaded.settings.policy.max_tokens, loaded.source("policy.max_tokens")) == (4, "session")


def test_the_administrators_value_overrides_the_users(path: Path, administrators: Path) -> None:
    path.write_text("[sandbox]\nisolation = 'none'\n")
    environment = {"METACLAW_SANDBOX_ISOLATION": "none"}
    loaded = load(path, environment=environment, administrator=administrators)
    assert loaded.settings.sandbox.isolation == "require"
    assert loaded.source("sandbox.isolation") == "administrator"


def test_a_locked_setting_cannot_be_written(path: Path, administrators: Path) -> None:
    with pytest.raises(ConfigError, match="locked"):
        set_value(path, "sandbox.isolation", "none", administrator=administrators)
    assert not path.exists()


def test_a_locked_setting_cannot_be_overridden_for_a_session(path: Path, administrators: Path) -> None:
    with pytest.raises(ConfigError, match="locked"):
        load(path, {"sandbox.isolation": "none"}, environment={}, administrator=administrators)


def test_the_administrators_file_is_found_by_its_variable(path: Path, administrators: Path) -> None:
    loaded = load(path, environment={"METACLAW_ADMIN_CONFIG": str(administrators)})
    assert loaded.source("sandbox.isolation") == "administrator"


def test_the_variable_does_not_lead_past_the_systems_own_file(
    path: Path, tmp_path: Path, administrators: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "ADMINISTRATOR_PATH", administrators)
    empty = tmp_path / "empty.toml"
    empty.touch()
    loaded = load(path, environment={"METACLAW_ADMIN_CONFIG": str(empty)})
    assert loaded.settings.sandbox.isolation == "require"


def test_an_administrators_file_that_is_gone_is_an_error(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not there"):
        load(path, environment={"METACLAW_ADMIN_CONFIG": str(tmp_path / "gone.toml")})


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("[agent]\nstep = 3\n", "agent.steps"),
        ("[polices]\nx = 1\n", "policy"),
        ("[policy]\nbaseurl = 'x'\n", "policy.base_url"),
    ],
)
def test_an_unknown_key_suggests_the_nearest(path: Path, text: str, nearest: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"Did you mean {nearest}\\?"):
        load(path, environment={})


def test_an_unknown_key_like_none_lists_what_there_is(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"There are: policy\.base_url"):
        load(path, environment={}).source("zzz")


def test_an_unknown_variable_is_noted(path: Path) -> None:
    (note,) = load(path, environment={"METACLAW_AGENT_STEP": "3", "METACLAW_HOME": "/x"}).notes
    assert "Did you mean METACLAW_AGENT_STEPS?" in note


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("policy.temperature", "3"),
        ("policy.temperature", "nan"),
        ("policy.temperature", "warm"),
        ("agent.mode", "yolo"),
        ("agent.steps", "1.5"),
        ("policy.base_url", "ftp://x"),
        ("policy.extra", "[1]"),
        ("policy.extra", "{"),
        ("policy.model", "  "),
    ],
)
def test_a_value_out_of_bounds_is_refused_and_nothing_written(path: Path, key: str, text: str) -> None:
    with pytest.raises(ConfigError, match=key):
        set_value(path, key, text)
    assert not path.exists()


def test_a_refused_value_names_the_choices(path: Path) -> None:
    with pytest.raises(ConfigError, match="Choose one of: ask, auto, off"):
        set_value(path, "agent.mode", "yolo")


@pytest.mark.parametrize("key", ["policy.key_env", "policy.api_key"])
def test_a_key_put_in_the_file_is_refused_and_not_repeated(path: Path, key: str) -> None:
    path.write_text(f"[policy]\n{key.partition('.')[2]} = 'sk-not-for-print'\n")
    with pytest.raises(ConfigError) as caught:
        load(path, environment={})
    assert "sk-not-for-print" not in str(caught.value)
    assert "variable" in str(caught.value)


def test_what_is_set_is_read_back_in_its_type(path: Path) -> None:
    assert set_value(path, "policy.temperature", "0.5", environment={}) == 0.5
    loaded = load(path, environment={})
    assert (loaded.settings.policy.temperature, loaded.source("policy.temperature")) == (0.5, "config.toml")


@pytest.mark.parametrize("text", ['{"top_p": 0.9, "stop": ["x"]}', '{ top_p = 0.9, stop = ["x"] }'])
def test_a_table_is_given_as_json_or_toml(path: Path, text: str) -> None:
    set_value(path, "policy.extra", text, environment={})
    assert load(path, environment={}).settings.policy.extra == {"top_p": 0.9, "stop": ["x"]}


@pytest.mark.parametrize(
    "text",
    [
        "policy = { model = 'm' }\n[agent]\nsteps = 3\n",
        "policy.model = 'm'\nagent.steps = 3\n",
        "[policy.extra]\ntop_k = 1\n[agent]\nsteps = 3\n[policy]\nmodel = 'm'\n",
        "[policy]\r\nmodel = 'm'\r\n[agent]\r\nsteps = 3",
        "\ufeff[policy]\nmodel = 'm'\n[agent]\nsteps = 3\n",
    ],
)
def test_however_the_file_is_laid_out_the_others_stay(path: Path, text: str) -> None:
    path.write_text(text)
    set_value(path, "policy.extra", '{"a": {"b": [1]}}', environment={})
    set_value(path, "agent.mode", "auto", environment={})
    settings = load(path, environment={}).settings
    assert (settings.policy.model, settings.agent.steps) == ("m", 3)
    assert (settings.policy.extra, settings.agent.mode) == ({"a": {"b": [1]}}, "auto")


def test_setting_one_key_keeps_comments_and_the_others(path: Path) -> None:
    path.write_text("# mine\n[agent]\nmode = 'auto' # bold\n")
    set_value(path, "agent.steps", "9", environment={})
    assert path.read_text() == "# mine\n[agent]\nmode = 'auto' # bold\nsteps = 9\n"


def test_unset_brings_the_default_back(path: Path) -> None:
    set_value(path, "agent.steps", "9", environment={})
    assert unset(path, "agent.steps", environment={})
    assert load(path, environment={}).source("agent.steps") == "default"


def test_unset_says_when_there_was_nothing(path: Path) -> None:
    assert not unset(path, "agent.steps", environment={})


def test_a_session_may_set_a_key_back_to_nothing(path: Path) -> None:
    path.write_text("[policy]\nmodel = 'm'\n")
    assert load(path, {"policy.model": None}, environment={}).settings.policy.model is None


def test_the_description_has_every_setting_with_its_source(path: Path) -> None:
    loaded = load(path, {"agent.steps": 2}, environment={})
    entries = {entry.key: entry for entry in loaded.describe()}
    steps = entries["agent.steps"]
    assert (steps.value, steps.source, steps.default) == (2, "session", 6)
    assert all(entry.description for entry in entries.values())
    assert set(entries) >= {"policy.base_url", "sandbox.seconds", "server.idle_minutes"}


# ---------------------------------------------------------------- a key variable stays with its endpoint

OURS = "[policy]\nbase_url = 'https://ours.example/v1'\nkey_env = 'OUR_KEY'\n"


def test_a_key_variable_does_not_follow_to_another_endpoint(path: Path) -> None:
    path.write_text(OURS)
    loaded = load(path, {"policy.base_url": "http://other.example/v1"}, environment={})
    assert loaded.settings.policy.key_env is None
    assert "given for https://ours.example" in loaded.notes[0]


def test_a_key_variable_follows_to_another_path_of_its_origin(path: Path) -> None:
    path.write_text(OURS)
    loaded = load(path, {"policy.base_url": "https://ours.example/v2"}, environment={})
    assert loaded.settings.policy.key_env == "OUR_KEY"


def test_a_key_variable_given_with_the_endpoint_is_taken(path: Path) -> None:
    path.write_text(OURS)
    session = {"policy.base_url": "http://other.example/v1", "policy.key_env": "OTHER_KEY"}
    assert load(path, session, environment={}).settings.policy.key_env == "OTHER_KEY"


def test_a_key_variable_serves_the_endpoint_that_the_administrator_set(path: Path, tmp_path: Path) -> None:
    path.write_text("[policy]\nkey_env = 'MY_KEY'\n")
    administrators = tmp_path / "administrator.toml"
    administrators.write_text("[policy]\nbase_url = 'https://corp.example/v1'\n")
    loaded = load(path, environment={}, administrator=administrators)
    assert loaded.settings.policy.key_env == "MY_KEY"


def test_writing_another_endpoint_takes_the_key_variable_out(path: Path) -> None:
    path.write_text(OURS)
    set_value(path, "policy.base_url", "http://other.example/v1", environment={})
    assert load(path, environment={}).settings.policy.key_env is None


# ---------------------------------------------------------------- and so does the one of the model that writes skills

BOTH = """[policy]
base_url = 'https://ours.example/v1'
[evolver]
base_url = 'https://writer.example/v1'
key_env = 'WRITER_KEY'
"""
SHARED = "[policy]\nbase_url = 'https://ours.example/v1'\n[evolver]\nkey_env = 'WRITER_KEY'\n"


def test_the_evolvers_key_variable_stays_when_the_policy_moves(path: Path) -> None:
    path.write_text(BOTH)
    loaded = load(path, {"policy.base_url": "http://other.example/v1"}, environment={})
    assert loaded.settings.evolver.key_env == "WRITER_KEY"


def test_the_evolvers_key_variable_does_not_follow_to_another_endpoint(path: Path) -> None:
    path.write_text(BOTH)
    loaded = load(path, {"evolver.base_url": "http://other.example/v1"}, environment={})
    assert loaded.settings.evolver.key_env is None
    assert "evolver.key_env is left out: it was given for https://writer.example" in loaded.notes[0]


def test_without_an_endpoint_of_its_own_it_was_given_for_the_policys(path: Path) -> None:
    path.write_text(SHARED)
    assert load(path, environment={}).settings.evolver.key_env == "WRITER_KEY"
    loaded = load(path, {"policy.base_url": "http://other.example/v1"}, environment={})
    assert loaded.settings.evolver.key_env is None


def test_an_environments_evolver_endpoint_does_not_get_the_files_key(path: Path) -> None:
    path.write_text(SHARED)
    loaded = load(path, environment={"METACLAW_EVOLVER_BASE_URL": "http://other.example/v1"})
    assert loaded.settings.evolver.key_env is None


@pytest.mark.parametrize(
    ("text", "key"), [(BOTH, "evolver.base_url"), (SHARED, "evolver.base_url"), (SHARED, "policy.base_url")]
)
def test_writing_another_evolver_endpoint_takes_its_key_variable_out(path: Path, text: str, key: str) -> None:
    path.write_text(text)
    set_value(path, key, "http://other.example/v1", environment={})
    assert load(path, environment={}).settings.evolver.key_env is None


def test_unsetting_the_evolver_endpoint_does_not_leave_its_key_to_the_policys(path: Path) -> None:
    path.write_text(BOTH)
    unset(path, "evolver.base_url", environment={})
    assert load(path, environment={}).settings.evolver.key_env is None


def test_writing_the_key_variable_itself_keeps_it(path: Path) -> None:
    path.write_text(BOTH)
    set_value(path, "evolver.key_env", "NEW_KEY", environment={})
    assert load(path, environment={}).settings.evolver.key_env == "NEW_KEY"


def test_the_evolvers_endpoint_is_kept_in_one_form(path: Path) -> None:
    assert (
        set_value(path, "evolver.base_url", "https://writer.example/v1/chat/completions/", environment={})
        == "https://writer.example/v1"
    )


def test_a_key_in_place_of_the_evolvers_variable_is_not_repeated(path: Path) -> None:
    path.write_text("[evolver]\nkey_env = 'sk-not-for-print'\n")
    with pytest.raises(ConfigError) as caught:
        load(path, environment={})
    assert "sk-not-for-print" not in str(caught.value)

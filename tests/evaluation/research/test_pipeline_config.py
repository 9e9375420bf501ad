import pytest
import yaml

from metaclaw_jlab.core.errors import ResearchError
from metaclaw_jlab.evaluation.research.pipeline_config import derived, read_config, write_config

BASE = "http://127.0.0.1:8888/metaclaw/v1"


def config(tmp_path, text="", **more):
    path = tmp_path / "config.yaml"
    path.write_text(text or yaml.safe_dump({"research": {"topic": "T"}, **more}))
    return read_config(path)


def test_calls_are_led_to_the_proxy_with_a_key_of_the_environment(tmp_path):
    asked = config(tmp_path, llm={"provider": "anthropic", "api_key": "sk-mine", "timeout_sec": 900})
    llm = derived(asked, BASE, tmp_path)["llm"]
    assert llm["base_url"] == BASE
    assert (llm["provider"], llm["primary_model"], llm["fallback_models"]) == (
        "openai-compatible",
        "metaclaw",
        [],
    )
    assert (llm["api_key"], llm["api_key_env"]) == ("", "METACLAW_RESEARCH_KEY")
    assert llm["timeout_sec"] == 900


def test_all_else_is_kept_and_the_users_values_are_unchanged(tmp_path):
    asked = config(tmp_path, experiment={"mode": "sandbox"}, llm={"primary_model": "gpt-4o"})
    made = derived(asked, BASE, tmp_path)
    assert made["experiment"] == {"mode": "sandbox"}
    assert asked.values["llm"] == {"primary_model": "gpt-4o"}


def test_a_bridge_leads_to_the_same_place_and_keeps_nothing_between_runs(tmp_path):
    bridge = {
        "enabled": True,
        "proxy_url": "http://localhost:30000",
        "fallback_url": "https://api.openai.com/v1",
        "fallback_api_key": "sk-mine",
        "lesson_to_skill": {"enabled": True, "min_severity": "error"},
    }
    made = derived(config(tmp_path, metaclaw_bridge=bridge), BASE, tmp_path)["metaclaw_bridge"]
    assert (made["proxy_url"], made["fallback_url"], made["fallback_api_key"]) == (BASE, "", "")
    assert made["skills_dir"].startswith(str(tmp_path))
    assert made["lesson_to_skill"] == {"enabled": False, "min_severity": "error"}


def test_a_bridge_that_is_off_stays_as_it_is(tmp_path):
    bridge = {"enabled": False, "proxy_url": "http://localhost:30000"}
    assert derived(config(tmp_path, metaclaw_bridge=bridge), BASE, tmp_path)["metaclaw_bridge"] == bridge


def test_knowledge_is_kept_with_the_run(tmp_path):
    asked = config(tmp_path, knowledge_base={"backend": "markdown", "root": "docs/kb"})
    assert derived(asked, BASE, tmp_path)["knowledge_base"]["root"].startswith(str(tmp_path))


@pytest.mark.parametrize(("limit", "retries"), [(0, 0), (4, 4), ("many", 2), (True, 2), (None, 2)])
def test_a_failed_stage_is_tried_as_often_as_is_configured(tmp_path, limit, retries):
    assert config(tmp_path, runtime={"retry_limit": limit}).retries == retries


@pytest.mark.parametrize("text", ["- a list", "llm: [", "research: {topic: ''}", "{}"])
def test_what_is_no_configuration_is_refused(tmp_path, text):
    with pytest.raises(ResearchError):
        config(tmp_path, text)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ResearchError, match="cannot be read"):
        read_config(tmp_path / "none.yaml")


def test_what_is_written_is_for_its_owner_and_reads_the_same(tmp_path):
    write_config({"llm": {"base_url": BASE}, "topic": "é"}, tmp_path / "made.yaml")
    assert (tmp_path / "made.yaml").stat().st_mode & 0o077 == 0
    assert yaml.safe_load((tmp_path / "made.yaml").read_text()) == {"llm": {"base_url": BASE}, "topic": "é"}

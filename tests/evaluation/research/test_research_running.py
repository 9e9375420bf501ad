"""The pipeline through a real server and a stand-in for the program: two arms, two runs, lessons that become skills."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.errors import ResearchError, UsageMistake
from metaclaw_jlab.evaluation.ablation.arms import parse_arms
from metaclaw_jlab.evaluation.research.pipeline_config import read_config
from metaclaw_jlab.evaluation.research.report import research_report
from metaclaw_jlab.evaluation.research.running import Research, run_research

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in.py")))
HOME = '[policy]\nbase_url = "{base_url}"\nmodel = "scripted"\n\n[evolver]\nkind = "distiller"\n'
RULE = "csv files must have semicolons"
NEEDS = {"needs": {"CODE_GENERATION": {"word": "semicolon", "error": RULE}}}


def follows_skills(body):
    """A model that does what its system message says, and nothing else."""
    told = " ".join(str(one["content"]) for one in body["messages"] if one["role"] == "system")
    return "Saved with a semicolon." if "semicolon" in told else "Saved."


@pytest.fixture
def workspace(tmp_path, scripted_server):
    scripted_server.always(follows_skills)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(HOME.format(base_url=scripted_server.base_url))
    workspace = open_workspace(home)
    yield workspace
    workspace.close()


def research(
    tmp_path, arms="baseline,skills", *, runs=1, program=STAND_IN, say=lambda _: None, bridge=False, **wanted
):
    config = {
        "project": {"name": "a-test", "mode": "full-auto"},
        "research": {"topic": "Tables that can be read"},
        "runtime": {"retry_limit": 1},
        "llm": {
            "provider": "openai",
            "base_url": "https://models.example/v1",
            "api_key_env": "NOBODYS_KEY",
            "primary_model": "gpt-4o",
            "fallback_models": ["gpt-4.1"],
        },
        "stand_in": wanted,
    }
    if bridge:
        config["metaclaw_bridge"] = {"enabled": True, "proxy_url": "http://localhost:30000"}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return Research(
        read_config(path), program, parse_arms(arms), tmp_path / "out", runs, 10.0, say, look_seconds=0.2
    )


def test_lessons_of_a_run_become_skills_of_the_next(tmp_path, workspace):
    said = []
    asked = research(tmp_path, runs=2, say=said.append, bridge=True, **NEEDS)
    results = run_research(asked, workspace)
    assert [(one["arm"], one["run"]) for one in results] == [
        ("baseline", 1),
        ("skills", 1),
        ("baseline", 2),
        ("skills", 2),
    ]
    # Nothing was known in run 1: the stage failed, was tried again as often as is configured, and failed again.
    for one in (*results[:2], results[2]):
        assert (one["state"], one["stages_done"], one["stages_total"]) == ("failed", 9, 23)
        assert (one["retries"], one["failed_at"]) == (1, ["code_generation"])
    learnt, second = results[1]["learnt"], results[3]
    assert results[0]["learnt"] is None
    assert learnt["lessons"] == 1
    assert len(learnt["skills"]) == 1
    assert (second["state"], second["stages_done"], second["retries"]) == ("finished", 23, 0)
    assert second["skills_by_stage"]["code_generation"] == {learnt["skills"][0]: 1}
    assert second["stage_told_by"] == {"header": 3, "time": 0, "unknown": 0}
    assert second["calls"] == 3
    assert second["prompt_tokens"] > 0
    assert any("stage" in line for line in said)
    report = research_report(results, ["baseline", "skills"], config="c", topic="t", out="o")
    assert report["arms"]["skills"]["completion"]["runs"] == [9 / 23, 1.0]
    assert json.loads(json.dumps(report)) == report
    # The user's own home has learnt nothing, and holds none of it.
    assert workspace.synchronised().generation.number == 0
    assert workspace.trajectories().recent(5) == ()
    # The user's own file is as it was, and what a run was given differs in the model alone.
    before = yaml.safe_load((tmp_path / "config.yaml").read_text())
    given = yaml.safe_load((tmp_path / "out/skills/run-1/config.yaml").read_text())
    assert before["llm"]["base_url"] == "https://models.example/v1"
    assert given["research"] == before["research"]
    assert given["llm"]["primary_model"] == "metaclaw"


def test_a_run_that_is_over_is_not_repeated(tmp_path, workspace, scripted_server):
    asked = research(tmp_path, "baseline", decisions=["refine"])
    (first,) = run_research(asked, workspace)
    calls = len(scripted_server.chats)
    (again,) = run_research(asked, workspace)
    assert again == first
    assert len(scripted_server.chats) == calls == first["calls"]
    # Without its bridge no header tells the stage.
    assert first["stage_told_by"]["header"] == 0
    assert first["stage_told_by"]["time"] == 3
    assert (first["refine_cycles"], first["retries"], first["stages_done"]) == (1, 0, 23)
    assert first["refine_iterations"] == 4


def test_a_stage_that_fails_once_is_a_retry(tmp_path, workspace):
    (found,) = run_research(research(tmp_path, "baseline", fails={"RESOURCE_PLANNING": 1}), workspace)
    assert (found["state"], found["starts"], found["retries"]) == ("finished", 2, 1)
    assert found["retry_rate"] == pytest.approx(1 / 23)
    stage = next(one for one in found["stages"] if one["name"] == "resource_planning")
    assert (stage["executions"], stage["retries"], stage["status"]) == (2, 1, "done")


def test_a_program_that_does_not_begin_is_no_result(tmp_path, workspace):
    with pytest.raises(ResearchError, match=r"before its first stage.*Invalid API key"):
        run_research(research(tmp_path, "baseline", broken=True), workspace)
    assert not (tmp_path / "out/baseline/run-1/result.json").exists()


def test_another_configuration_needs_another_folder(tmp_path, workspace):
    run_research(research(tmp_path, "baseline"), workspace)
    with pytest.raises(ResearchError, match="another configuration"):
        run_research(research(tmp_path, "baseline", fails={"SYNTHESIS": 1}), workspace)


@pytest.mark.parametrize("arm", ["placebo", "feedback", "best-temperature", "wrong-10", "full", "adapter"])
def test_arms_that_cannot_be_here_are_refused_first(tmp_path, workspace, arm):
    with pytest.raises(UsageMistake, match=f"Arm {arm} "):
        run_research(research(tmp_path, f"baseline,{arm}"), workspace)
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_cut_off_goes_on_where_it_was(tmp_path, workspace, scripted_server):
    def leave(line):
        if "peer_review" in line:
            raise KeyboardInterrupt

    asked = research(tmp_path, "baseline", sleeps="PEER_REVIEW", say=leave)
    with pytest.raises(KeyboardInterrupt):
        run_research(asked, workspace)
    calls = len(scripted_server.chats)
    # The file is the same; the stand-in's nap alone is taken out of what was read of it.
    awake = replace(
        asked, config=replace(asked.config, values={**asked.config.values, "stand_in": {}}), say=str
    )
    (found,) = run_research(awake, workspace)
    assert (found["state"], found["starts"], found["stages_done"]) == ("finished", 2, 23)
    # Stages that were done are not done again: only the one that was cut off asks once more.
    assert len(scripted_server.chats) == calls + 1
    assert found["calls"] == calls + 1

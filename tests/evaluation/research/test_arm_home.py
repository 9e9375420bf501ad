import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.ablation.arms import preset
from metaclaw_jlab.evaluation.research.arm_home import arm_home, environment_of, frozen, refuse_arm
from metaclaw_jlab.settings.configuration import load
from metaclaw_jlab.skills.working_copy import publish
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.client_keys import ClientKeys
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.serving import Serving, ServingCause
from metaclaw_jlab.store.skills import Skills

CONFIG = """\
[policy]
base_url = "http://127.0.0.1:9/v1"
model = "nobody"

[judge]
base_url = "http://127.0.0.1:9/v1"
model = "somebody"

[agent]
namespace = "papers"
"""


@pytest.fixture
def workspace(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text(CONFIG)
    workspace = open_workspace(home, namespace="")
    store = Skills(workspace.database())
    store.commit_generation(Cause.USER, [Skill("cite-well", "Cite well", "Cite each source once.")])
    publish(workspace.home, store)
    ClientKeys(workspace.database()).add("an-agent")
    yield workspace
    workspace.close()


def made(name, workspace, tmp_path):
    return arm_home(
        preset(name), workspace, frozen(workspace, tmp_path / "out/home"), tmp_path / "out" / name
    )


def settings_of(home, name):
    return load(home.config, environment=environment_of(home, preset(name))).settings


def test_an_arm_has_the_skills_of_the_home_and_what_it_learns_is_its_own(workspace, tmp_path):
    home = made("skills", workspace, tmp_path)
    arm = open_workspace(home.path, namespace="")
    try:
        assert [skill.name for skill in arm.synchronised().skills] == ["cite-well"]
        Skills(arm.database()).commit_generation(Cause.USER, [])
    finally:
        arm.close()
    assert [skill.name for skill in workspace.synchronised().skills] == ["cite-well"]


def test_the_baseline_gets_no_skills_and_has_nobody_to_learn(workspace, tmp_path):
    settings = settings_of(made("baseline", workspace, tmp_path), "baseline")
    assert settings.proxy.skills is False
    assert settings.evolver.kind == "off"
    assert settings.judge.base_url is None


def test_skills_are_made_and_judged_as_in_the_users_home(workspace, tmp_path):
    settings = settings_of(made("skills", workspace, tmp_path), "skills")
    assert settings.proxy.skills is True
    assert settings.evolver.kind == "auto"
    assert settings.judge.model == "somebody"
    assert settings.scheduler.enabled is False
    assert settings.agent.namespace == ""


def test_an_arms_settings_hold_against_the_environment(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("METACLAW_SKILLS_MAX_SKILLS", "9")
    monkeypatch.setenv("METACLAW_AGENT_NAMESPACE", "papers")
    settings = settings_of(made("one-skill", workspace, tmp_path), "one-skill")
    assert settings.skills.max_skills == 1
    assert settings.agent.namespace == ""


def test_the_keys_of_other_agents_are_good_for_nothing_in_it(workspace, tmp_path):
    database = open_database(made("skills", workspace, tmp_path).database)
    try:
        assert ClientKeys(database).list() == ()
    finally:
        database.close()
    assert len(ClientKeys(workspace.database()).list()) == 1


def test_a_home_that_is_there_is_used_again(workspace, tmp_path):
    home = made("skills", workspace, tmp_path)
    before = home.id
    assert made("skills", workspace, tmp_path).id == before


def test_arms_that_the_proxy_can_be_are_taken(workspace):
    for name in ("baseline", "skills", "words", "one-skill"):
        refuse_arm(preset(name), workspace)


@pytest.fixture
def local(tmp_path):
    """A home whose own policy answers, with an adapter that serves."""
    workspace = open_workspace(tmp_path / "local", namespace="")
    adapters = Adapters(workspace.database())
    version = adapters.add(EMBEDDED_MODEL, "aa", 0).version
    adapters.decide(version, AdapterStatus.FORCED, "Wanted.")
    Serving(workspace.database()).put(version, ServingCause.FORCE, "Wanted.")
    yield workspace
    workspace.close()


@pytest.mark.parametrize(
    ("name", "served"), [("full", 1), ("adapter", 1), ("skills", None), ("baseline", None)]
)
def test_the_adapter_of_an_arm_answers_in_it(local, tmp_path, name, served):
    refuse_arm(preset(name), local)
    database = open_database(made(name, local, tmp_path).database)
    try:
        assert Serving(database).current() == served
    finally:
        database.close()
    assert Serving(local.database()).current() == 1

"""The workspace: what the configuration asks for is what is put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import open_workspace, policy_name, uses_embedded_policy
from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.policy import Message, Sampling
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.runtime import policy_server
from metaclaw_jlab.runtime.policy_server import Endpoint
from metaclaw_jlab.skills.distiller import Distiller
from metaclaw_jlab.skills.evolver import ModelEvolver
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.marks import Mark, Marks
from metaclaw_jlab.store.serving import Serving, ServingCause

DATES = Skill("iso-dates", "Use when dates are written.", "Write dates as YYYY-MM-DD.")
UNITS = Skill("si-units", "Use when lengths are printed.", "Print lengths in metres.")


def test_without_an_endpoint_the_embedded_policy_answers_and_is_named(tmp_path: Path) -> None:
    settings = open_workspace(tmp_path).settings()
    assert uses_embedded_policy(settings)
    assert "knows only the practice tasks" in policy_name(settings)


def test_an_endpoint_takes_the_place_of_the_embedded_policy(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, {"policy.base_url": "http://127.0.0.1:9/v1", "policy.model": "m"})
    assert not uses_embedded_policy(workspace.settings())
    assert policy_name(workspace.settings()) == "m at http://127.0.0.1:9/v1"
    assert workspace.policy().model == "m"


def test_a_policy_is_kept_until_the_configuration_changes(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path, {"policy.base_url": "http://127.0.0.1:9/v1", "policy.model": "m"})
    first = workspace.policy()
    assert workspace.policy() is first
    workspace.overrides["policy.model"] = "other"
    assert workspace.policy().model == "other"


def test_the_server_is_started_under_the_configured_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def ensure(*_: object, **how: Any) -> Endpoint:
        asked.update(how)
        return Endpoint("http://127.0.0.1:9/v1", "token", "tiny", 1)

    monkeypatch.setattr(policy_server, "ensure", ensure)
    workspace = open_workspace(tmp_path, {"server.idle_minutes": 2.5, "server.max_batch": 4})
    workspace.serve(workspace.settings())
    assert asked["options"] == ("--idle-minutes", "2.5", "--max-batch", "4")
    for model, form in ((EMBEDDED_MODEL, "auto"), ("smollm2-135m", "gguf")):
        workspace.overrides.update({"policy.local_model": model, "policy.local_form": "gguf"})
        workspace.serve(workspace.settings())
        assert asked["form"] == form


def test_a_model_is_not_asked_for_what_was_trained_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Endpoint("http://127.0.0.1:9/v1", "token", "tiny", 1)
    monkeypatch.setattr(policy_server, "ensure", lambda *_, **__: served)
    workspace = open_workspace(tmp_path)
    serving = Serving(workspace.database())
    for base, asked in (("tiny", "tiny@v1"), ("another", "tiny@v1")):
        made = Adapters(workspace.database()).add(base, "c" * 64, 0)
        Adapters(workspace.database()).decide(made.version, AdapterStatus.FORCED, "")
        serving.put(made.version, ServingCause.FORCE, "")
        assert workspace.policy().model == asked
    workspace.close()


def test_the_users_task_goes_on_where_another_notebook_took_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ensure(_: object, model: str, **__: object) -> Endpoint:
        asked.append(model)
        return Endpoint("http://127.0.0.1:9/v1", "token", model, 1)

    monkeypatch.setattr(policy_server, "ensure", ensure)
    workspace = open_workspace(tmp_path, {"policy.local_model": "tiny", "policy.retries": 0})
    policy = workspace.policy(lasting=True)
    for said in (["tiny"] * 2, ["tiny"] * 2):  # once: another model is wanted by then
        with pytest.raises(PolicyUnavailable):
            policy.complete((Message("user", "hello"),), Sampling())
        assert asked == said
        workspace.overrides["policy.local_model"] = "other"
    workspace.close()


def test_an_edit_of_the_library_becomes_a_generation_and_only_once(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    assert workspace.synchronised().generation.number == 0
    write_skill(workspace.home.skills, DATES)
    made = [workspace.synchronised().generation for _ in range(2)]
    assert [(generation.number, generation.cause) for generation in made] == [(1, Cause.USER)] * 2
    workspace.close()


def test_a_skill_in_quarantine_is_put_in_no_prompt(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    Marks(workspace.database()).mark(DATES.name, Mark.QUARANTINED)
    assert workspace.retrieve(Task("Write the dates of the orders"), (UNITS, DATES)) == ()
    Marks(workspace.database()).unmark(DATES.name, Mark.QUARANTINED)
    assert workspace.retrieve(Task("Write the dates of the orders"), (UNITS, DATES)) != ()
    workspace.close()


def test_who_writes_the_skills(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    assert isinstance(workspace.evolver(), Distiller)
    workspace.overrides["policy.base_url"] = "http://127.0.0.1:9/v1"
    assert isinstance(workspace.evolver(), ModelEvolver)
    workspace.overrides["evolver.kind"] = "distiller"
    assert isinstance(workspace.evolver(), Distiller)
    workspace.overrides["evolver.kind"] = "off"
    assert workspace.evolver() is None
    workspace.close()


def test_wordings_are_tried_where_it_costs_nothing(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    assert workspace.wording_seconds() == 3.0
    workspace.overrides["policy.base_url"] = "http://127.0.0.1:9/v1"
    assert workspace.wording_seconds() == 0.0
    workspace.overrides["evolver.wording_seconds"] = 1.5
    assert workspace.wording_seconds() == 1.5


def test_retrieval_follows_the_library_and_the_limits(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path)
    task = Task("Write the dates of the orders")
    assert workspace.retrieve(task, (UNITS,)) == ()
    assert [match.skill for match in workspace.retrieve(task, (UNITS, DATES))] == [DATES]
    workspace.overrides["skills.max_skills"] = 0
    assert workspace.retrieve(task, (UNITS, DATES)) == ()

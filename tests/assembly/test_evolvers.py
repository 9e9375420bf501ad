from collections.abc import Callable
from pathlib import Path

import pytest

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.assembly.evolvers import evolver_kind, judges_skills
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.evolution import Failure, FailureKind
from metaclaw_jlab.core.policy import Message, Policy
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.skills.distiller import Distiller
from metaclaw_jlab.skills.evolver import ModelEvolver
from metaclaw_jlab.skills.evolver_pair import EvolverPair
from metaclaw_jlab.skills.small_evolver import SmallModelEvolver

LOCAL = {"policy.local_model": "smollm2-135m"}
ENDPOINT = {"policy.base_url": "http://127.0.0.1:9/v1", "policy.model": "m"}
REPLY = '{"when": "Use when a csv is saved.", "rule": "Put semicolons between values.", "name": "semicolons"}'
FAILURE = Failure(
    "t1",
    FailureKind.CHECK,
    "Save it",
    "",
    "",
    ("the csv was expected to have semicolons between its values",),
)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Workspace]:
    return lambda **overrides: open_workspace(tmp_path / "home", overrides)


@pytest.mark.parametrize(
    ("overrides", "kind", "judged", "seconds"),
    [
        ({}, "distiller", False, 3.0),
        (LOCAL, "both", True, 90.0),
        (ENDPOINT, "model", True, 0.0),
        ({"evolver.base_url": "http://127.0.0.1:9/v1"}, "model", True, 3.0),
        ({**LOCAL, "evolver.kind": "distiller"}, "distiller", True, 90.0),
        ({**LOCAL, "evolver.kind": "model"}, "model", True, 90.0),
        ({**ENDPOINT, "evolver.kind": "both"}, "both", True, 0.0),
        ({**LOCAL, "evolver.kind": "off"}, "off", True, 90.0),
        ({**LOCAL, "evolver.wording_seconds": 7.0}, "both", True, 7.0),
    ],
)
def test_who_writes_skills_and_how_they_are_tried(
    opened: Callable[..., Workspace],
    overrides: dict[str, object],
    kind: str,
    judged: bool,
    seconds: float,
) -> None:
    workspace = opened(**overrides)
    assert evolver_kind(workspace.settings()) == kind
    assert judges_skills(workspace.settings()) is judged
    loop = workspace.inner_loop()
    assert (loop.judges, loop.wording_seconds) == (judged, seconds)
    workspace.close()


def test_what_answers_at_an_endpoint_is_asked_as_a_capable_model(opened: Callable[..., Workspace]) -> None:
    assert isinstance(opened(**ENDPOINT).evolver(), ModelEvolver)


def test_a_local_model_writes_beside_the_distiller(opened: Callable[..., Workspace]) -> None:
    evolver = opened(**LOCAL).evolver()
    assert isinstance(evolver, EvolverPair)
    assert isinstance(evolver.model, SmallModelEvolver)
    assert isinstance(evolver.distiller, Distiller)


def test_the_evolver_is_made_anew_where_the_settings_change(opened: Callable[..., Workspace]) -> None:
    workspace = opened(**LOCAL)
    before = workspace.evolver()
    assert workspace.evolver() is before
    workspace.overrides["policy.local_model"] = EMBEDDED_MODEL
    assert isinstance(workspace.evolver(), Distiller)


def test_a_local_model_is_asked_without_its_adapter_and_gives_way_to_the_user(
    opened: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    workspace = opened(**LOCAL, **{"evolver.kind": "model"})

    class Interrupting(ScriptedPolicy):
        def complete(self, messages: tuple[Message, ...], sampling, *, on_text=None):  # type: ignore[no-untyped-def]
            if self.requests:
                return super().complete(messages, sampling, on_text=on_text)
            with workspace.precedence.first():
                return super().complete(messages, sampling, on_text=on_text)

    policy = Interrupting([REPLY, REPLY], "smollm2-135m")

    def given(*_: object, begun: str | None = None) -> Policy:
        asked.append(begun)
        return policy

    monkeypatch.setattr(workspace, "policy", given)
    evolver = workspace.evolver()
    assert evolver is not None
    assert [draft.name for draft in evolver.propose([FAILURE], ()).drafts] == ["semicolons"]
    assert asked == ["smollm2-135m"]
    assert len(policy.requests) == 2

"""What a pipeline says of itself in headers: its session, the stage that asks, and that it is done."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.jupyter.server.proxy.recording import Recording
from metaclaw_jlab.learning.turn_keeping import STAGE
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.turns import Turns
from tests.jupyter.server.proxy.serving import DEADLINE, Served, ask, workspace_of
from tests.jupyter.server.proxy.tools import SCHEMA, call_weather
from tests.loopback.server import ScriptedServer

SESSION = {"X-Session-Id": "arc-rc-1", "X-Turn-Type": "main"}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
SKILLS = (
    Skill("citation-verify", "Citation verify", "Check every citation against its source."),
    Skill("experiment-design", "Experiment design", "Plan an ablation for every part of an experiment."),
)
OVER = {
    "model": "session-end",
    "messages": [{"role": "user", "content": "session complete"}],
    "max_tokens": 1,
}


@pytest.fixture
def served(tmp_path: Path, scripted_server: ScriptedServer) -> Iterator[Served]:
    served = Served(workspace_of(tmp_path / "home", scripted_server), kept=Recording())  # type: ignore[arg-type]
    yield served
    served.close()
    served.workspace.close()


def turns_of(served: Served) -> list[Trajectory]:
    """The turns, the oldest first, when all is written."""
    served.kept.close(DEADLINE)
    return list(reversed(served.workspace.trajectories().recent(9)))


def stage_of(turn: Trajectory) -> list[str]:
    return [one.text for one in turn.task.references if one.name == STAGE]


def test_a_turn_keeps_the_stage_that_asked(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.always("Yes.")
    served.post(ask("Go on."), {**SESSION, "X-AutoRC-Stage": "hypothesis_gen"})
    served.post(ask("Go on."), SESSION)
    first, second = turns_of(served)
    assert (stage_of(first), stage_of(second)) == (["hypothesis_gen"], [])


def test_turns_of_all_stages_are_of_one_session(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.always("Yes.")
    for stage in ("synthesis", "peer_review"):
        served.post(ask(f"Do {stage}."), {**SESSION, "X-AutoRC-Stage": stage})
    turns_of(served)
    assert len(Turns(served.workspace.database()).of_session("arc-rc-1")) == 2


def test_skills_are_found_by_the_name_of_the_stage(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.always("Yes.")
    Skills(served.workspace.database()).commit_generation(Cause.USER, SKILLS)
    body = ask("Please continue with what you have.")
    found = [
        served.post(body, {**SESSION, "X-AutoRC-Stage": stage} if stage else SESSION).headers.get(
            "x-metaclaw-skills"
        )
        for stage in ("citation_verify", "experiment_design", "")
    ]
    assert found == ["citation-verify", "experiment-design", None]


def test_the_stage_is_not_put_into_the_prompt(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.always("Yes.")
    body = ask("Go on.")
    served.post(body, {**SESSION, "X-AutoRC-Stage": "paper_draft"})
    assert scripted_server.chats[-1].body == body


def test_a_stage_that_is_too_long_is_refused(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.always("Yes.")
    answer = served.post(ask("Go on."), {"X-AutoRC-Stage": "x" * 101})
    assert answer.status == 400
    assert "X-AutoRC-Stage" in answer.body.decode()


def test_a_session_that_says_that_it_is_over_asks_nobody(
    served: Served, scripted_server: ScriptedServer
) -> None:
    call_weather(scripted_server)
    served.post(ask("Rome?", tools=TOOLS), SESSION)
    answer = served.post(OVER, {**SESSION, "X-Session-Done": "true"})
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == ""
    assert len(scripted_server.chats) == 1
    (turn,) = turns_of(served)
    assert turn.stop is StopReason.CANCELLED


def test_a_last_request_that_is_refused_ends_its_session_too(
    served: Served, scripted_server: ScriptedServer
) -> None:
    call_weather(scripted_server)
    served.post(ask("Rome?", tools=TOOLS), SESSION)
    scripted_server.fail(400, "No such model.")
    assert served.post(ask("Bye."), {**SESSION, "X-Session-Done": "1"}).status == 400
    (turn,) = turns_of(served)
    assert turn.stop is StopReason.CANCELLED


def test_the_end_of_one_session_leaves_others_open(served: Served, scripted_server: ScriptedServer) -> None:
    call_weather(scripted_server)
    served.post(ask("Rome?", tools=TOOLS), {"X-Session-Id": "another"})
    served.post(OVER, {**SESSION, "X-Session-Done": "true"})
    (turn,) = turns_of(served)
    assert turn.stop is None


def test_what_waits_is_looked_at_when_a_session_is_over(
    tmp_path: Path, scripted_server: ScriptedServer
) -> None:
    looks: list[str] = []
    kept = Recording(on_ended=lambda workspace, _: looks.append(str(workspace.home.path)))
    served = Served(workspace_of(tmp_path / "home", scripted_server), kept=kept)  # type: ignore[arg-type]
    try:
        served.post(OVER, {**SESSION, "X-Session-Done": "true"})
        kept.close(DEADLINE)
    finally:
        served.close()
        served.workspace.close()
    assert looks == [str(tmp_path / "home")]

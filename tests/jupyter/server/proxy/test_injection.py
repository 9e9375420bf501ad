"""Skills in another agent's prompt."""

import copy
import threading
from typing import Any

import pytest

from metaclaw_jlab.agent.prompt import SKILLS_PREAMBLE
from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.errors import EmbedderError
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.jupyter.server.proxy.injection import (
    Injection,
    Turns,
    continues,
    query_of,
    turn_key,
    with_skills,
)
from metaclaw_jlab.skills.working_copy import publish
from metaclaw_jlab.store.client_keys import ClientKeys, ClientSettings
from metaclaw_jlab.store.skills import Skills
from tests.jupyter.server.proxy.conftest import Serve
from tests.jupyter.server.proxy.serving import DEADLINE, Served, ask
from tests.loopback.server import ScriptedServer

USER = {"role": "user", "content": "Hi."}
QUARTER = "Begin the fiscal year of every report in April."
INVOICES = "Round amounts on invoices to whole cents."
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def teach(workspace: Workspace, *bodies: str) -> int:
    """Make a generation of skills with these bodies; its number."""
    skills = [
        Skill(f"rule-{number}", f"Use when: {body}", body) for number, body in enumerate(bodies, start=1)
    ]
    store = Skills(workspace.database())
    number = store.commit_generation(Cause.USER, skills).number
    assert publish(workspace.home, store) == ()
    return number


def told(server: ScriptedServer) -> str:
    """The system message of the newest request."""
    first = server.chats[-1].body["messages"][0]
    return first["content"] if first["role"] == "system" else ""


# ---------------------------------------------------------------- where skills are put


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([USER], [{"role": "system", "content": "S"}, USER]),
        (
            [{"role": "system", "content": "A"}, USER],
            [{"role": "system", "content": "A\n\nS"}, USER],
        ),
        (
            [{"role": "developer", "content": "A", "name": "n"}, USER],
            [{"role": "developer", "content": "A\n\nS", "name": "n"}, USER],
        ),
        (
            [{"role": "system", "content": "A"}, {"role": "developer", "content": "B"}, USER],
            [{"role": "system", "content": "A"}, {"role": "developer", "content": "B\n\nS"}, USER],
        ),
        (
            [{"role": "system", "content": [{"type": "text", "text": "A"}]}, USER],
            [
                {"role": "system", "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "S"}]},
                USER,
            ],
        ),
        (
            [USER, {"role": "system", "content": "late"}],
            [{"role": "system", "content": "S"}, USER, {"role": "system", "content": "late"}],
        ),
        (
            [{"role": "system", "content": None}, USER],
            [{"role": "system", "content": "S"}, {"role": "system", "content": None}, USER],
        ),
    ],
    ids=["none", "system", "developer", "both", "parts", "in the middle", "empty"],
)
def test_skills_go_to_the_end_of_the_instructions(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    body = {"model": "m", "messages": before, "tools": []}
    untouched = copy.deepcopy(body)
    assert with_skills(body, "S") == {**body, "messages": after}
    assert body == untouched


def test_no_skills_leave_the_very_same_body() -> None:
    body = ask()
    assert with_skills(body, "") is body


# ---------------------------------------------------------------- which turn, and what it says


def test_a_turn_is_named_by_its_last_user_message() -> None:
    first = [USER]
    later = [*first, {"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "tool"}]
    assert turn_key("c", "", first) == turn_key("c", "", later)
    assert not continues(first)
    assert continues(later)


@pytest.mark.parametrize(
    ("client", "session", "messages"),
    [
        ("d", "", [USER]),
        ("c", "s", [USER]),
        ("c", "", [{"role": "user", "content": "Ho."}]),
        ("c", "", [USER, {"role": "assistant", "content": "Ho."}, USER]),
    ],
    ids=["client", "session", "text", "later"],
)
def test_other_turns_have_other_names(client: str, session: str, messages: list[dict[str, Any]]) -> None:
    assert turn_key(client, session, messages) != turn_key("c", "", [USER])


def test_a_conversation_without_a_user_has_no_turn() -> None:
    messages = [{"role": "system", "content": "A"}]
    assert (turn_key("c", "", messages), continues(messages), query_of(messages)) == (None, False, "")


def test_the_query_is_the_text_of_the_last_user_turn() -> None:
    parts = [
        {"type": "text", "text": "one"},
        {"type": "image_url", "image_url": {"url": "data:"}},
        {"type": "text", "text": "two"},
    ]
    messages = [USER, {"role": "user", "content": parts}, {"role": "tool", "content": "a result"}]
    assert query_of(messages) == "one\ntwo"


def test_of_a_long_turn_beginning_and_end_are_searched_with() -> None:
    query = query_of([{"role": "user", "content": "first " + "x" * 1_000_000 + " last"}])
    assert len(query) < 10_000
    assert query.startswith("first")
    assert query.endswith("last")


def test_a_turn_is_forgotten_after_a_while_and_when_others_come() -> None:
    now = [0.0]
    turns = Turns(limit=2, clock=lambda: now[0])
    for key in "abc":
        turns.remember(key, Injection(generation=1))
    assert turns.remembered("a", 60) is None
    assert turns.remembered("c", 60) == Injection(generation=1)
    now[0] = 61
    assert turns.remembered("c", 60) is None


# ---------------------------------------------------------------- through the proxy


def test_the_skills_that_bear_on_the_last_turn_are_told(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("Done.")
    generation = teach(served.workspace, QUARTER, INVOICES)
    answer = served.post(ask("In which month does the fiscal year of a report begin?"))
    assert SKILLS_PREAMBLE in told(scripted_server)
    assert QUARTER in told(scripted_server)
    assert INVOICES not in told(scripted_server)
    assert answer.headers["x-metaclaw-skills"] == "rule-1"
    assert answer.headers["x-metaclaw-generation"] == str(generation)


def test_what_was_told_is_recorded_and_the_clients_own_body_too(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("Done.")
    generation = teach(served.workspace, QUARTER)
    body = ask("When does the fiscal year of a report begin?")
    served.post(body)
    _, asked, _ = served.kept.wait()
    assert [skill.name for skill in asked.skills] == ["rule-1"]
    assert (asked.generation, asked.learn) == (generation, True)
    assert asked.body == body
    assert asked.sent == scripted_server.chats[0].body


def test_nothing_is_told_where_no_skill_bears_on_it(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Done.")
    teach(served.workspace, QUARTER)
    body = ask("Translate bonjour.")
    served.post(body)
    assert scripted_server.chats[0].body == body


def test_a_header_turns_skills_off(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Done.")
    generation = teach(served.workspace, QUARTER)
    served.post(ask("When does the fiscal year of a report begin?"), {"X-MetaClaw-Skills": "off"})
    assert told(scripted_server) == ""
    assert served.kept.wait()[1].generation == generation


def test_a_client_may_go_without_skills(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Done.", "Done.")
    teach(served.workspace, QUARTER)
    _, key = ClientKeys(served.workspace.database()).add("agent", "", ClientSettings(skills=False))
    body = ask("When does the fiscal year of a report begin?")
    served.post(body, {"Authorization": f"Bearer {key}"})
    assert told(scripted_server) == ""
    served.post(body, {"Authorization": f"Bearer {key}", "X-MetaClaw-Skills": "on"})
    assert QUARTER in told(scripted_server)


def test_a_turn_keeps_its_skills_and_generation_to_its_end(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.always("Done.")
    generation = teach(served.workspace, QUARTER)
    body = ask("When does the fiscal year of a report begin?")
    served.post(body)
    before = told(scripted_server)
    teach(served.workspace, "Begin the fiscal year of every report in May.")
    result = {"role": "tool", "tool_call_id": "c1", "content": "a result"}
    call = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    served.post({**body, "messages": [*body["messages"], call, result]})
    assert told(scripted_server) == before
    assert served.kept.wait(2)[1].generation == generation


def test_the_next_turn_has_the_new_skills_at_once(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.always("Done.")
    body = ask("When does the fiscal year of a report begin?")
    served.post(body)
    assert told(scripted_server) == ""
    teach(served.workspace, QUARTER)
    served.post(body)
    assert QUARTER in told(scripted_server)


def test_a_skill_edited_by_hand_is_told_within_a_look(
    served: Served, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_server.always("Done.")
    teach(served.workspace, QUARTER)
    body = ask("When does the fiscal year of a report begin?")
    served.post(body)
    path = served.workspace.home.skills / "rule-1" / "SKILL.md"
    path.write_text(path.read_text().replace("in April", "in November"))
    monkeypatch.setattr("metaclaw_jlab.jupyter.server.proxy.injection.LOOK_SECONDS", 0.0)
    served.post(body)
    assert "in November" in told(scripted_server)


@pytest.mark.parametrize("error", [EmbedderError("The embedder is gone.", "Look at it."), KeyError("a bug")])
def test_a_request_goes_on_without_skills_that_cannot_be_found(
    served: Served, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    scripted_server.say("Done.")
    teach(served.workspace, QUARTER)
    monkeypatch.setattr(served.workspace, "retrieval", fail)
    body = ask("When does the fiscal year of a report begin?")
    assert served.post(body).status == 200
    assert scripted_server.chats[0].body == body
    assert served.kept.exchanges == []


def test_a_request_does_not_wait_for_skills_for_ever(
    served: Served, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr("metaclaw_jlab.jupyter.server.proxy.room.FIND_SECONDS", 0.05)
    monkeypatch.setattr(served.workspace, "synchronised", lambda: go_on.wait(DEADLINE))
    scripted_server.always("Done.")
    assert [served.post(ask()).status for _ in range(8)] == [200] * 8
    go_on.set()


def test_anthropics_clients_get_skills_too(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("Done.")
    teach(served.workspace, QUARTER)
    messages = [{"role": "user", "content": "When does the fiscal year of a report begin?"}]
    body = {"model": "scripted", "max_tokens": 9, "system": "Be brief.", "messages": messages}
    answer = served.post(body, path="messages")
    assert answer.json["content"][0]["text"] == "Done."
    assert told(scripted_server).startswith("Be brief.")
    assert QUARTER in told(scripted_server)


def test_a_changed_configuration_holds_for_later_requests(
    serve: Serve, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve()
    scripted_server.always("Done.")
    teach(served.workspace, QUARTER)
    body = ask("When does the fiscal year of a report begin?")
    served.post(body)
    assert QUARTER in told(scripted_server)
    served.workspace.home.config.write_text("[proxy]\nskills = false\n")
    monkeypatch.setattr("metaclaw_jlab.jupyter.server.proxy.room.LOOK_SECONDS", 0.0)
    served.post(body)
    assert told(scripted_server) == ""

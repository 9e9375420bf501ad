"""What a client's namespace keeps apart, seen from outside."""

from collections.abc import Iterator

import pytest

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.assembly.namespaces import open_namespace
from metaclaw_jlab.store.client_keys import ClientKeys, ClientSettings
from tests.jupyter.server.proxy.serving import Served, ask
from tests.loopback.server import ScriptedServer

ASKED = "How do I write the dates of a report?"


def write_skill(workspace: Workspace, name: str) -> None:
    folder = workspace.home.skills / name
    folder.mkdir()
    description = f"How to write the dates of a report, as {name} has it."
    (folder / "SKILL.md").write_text(
        f"---\nname: {name}\ndescription: {description}\n---\n\nWrite the dates of a report as {name} does.\n"
    )


def bearer(
    served: Served, name: str, namespace: str = "", settings: ClientSettings | None = None
) -> dict[str, str]:
    _, key = ClientKeys(served.workspace.database()).add(name, namespace, settings)
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def papers(served: Served) -> Iterator[Workspace]:
    """A namespace; it and the home each have a skill of their own."""
    workspace = open_namespace(served.workspace, "papers")
    write_skill(served.workspace, "lab")
    write_skill(workspace, "review")
    yield workspace
    workspace.close()


def test_a_client_gets_the_skills_of_its_namespace_only(
    served: Served, papers: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("a", "b")
    own = served.post(ask(ASKED), bearer(served, "reviewer", "papers"))
    others = served.post(ask(ASKED), bearer(served, "agent"))
    assert (own.headers["x-metaclaw-skills"], others.headers["x-metaclaw-skills"]) == ("review", "lab")
    first, second = (str(chat.messages) for chat in scripted_server.chats)
    assert ("as review does" in first, "as lab does" in first) == (True, False)
    assert ("as review does" in second, "as lab does" in second) == (False, True)


def test_its_turns_are_kept_in_its_namespace(
    served: Served, papers: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("a")
    served.post(ask(ASKED), bearer(served, "reviewer", "papers"))
    workspace, asked, _ = served.kept.wait()
    assert workspace.home.path == papers.home.path
    assert [skill.name for skill in asked.skills] == ["review"]


def test_a_namespace_is_made_at_its_first_request(served: Served, scripted_server: ScriptedServer) -> None:
    scripted_server.say("a")
    headers = bearer(served, "agent", "new-one")
    assert not served.workspace.home.namespaces.exists()
    assert served.post(ask(), headers).status == 200
    assert (served.workspace.home.namespaces / "new-one" / "metaclaw.db").exists()


def test_a_client_can_want_no_skills(
    served: Served, papers: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("a")
    headers = bearer(served, "agent", settings=ClientSettings(skills=False, learn=False))
    answer = served.post(ask(ASKED), headers)
    assert "x-metaclaw-skills" not in answer.headers
    assert scripted_server.chats[0].body == ask(ASKED)
    assert served.kept.exchanges == []


def test_all_dialects_have_the_skills(
    served: Served, papers: Workspace, scripted_server: ScriptedServer
) -> None:
    scripted_server.say("a", "b")
    headers = bearer(served, "reviewer", "papers")
    served.post(ask(ASKED, max_tokens=9, system="Be kind."), headers, "messages")
    served.post({"model": "scripted", "input": ASKED, "instructions": "Be kind."}, headers, "responses")
    for chat in scripted_server.chats:
        system = chat.messages[0]
        assert system["role"] == "system"
        assert "Be kind." in system["content"]
        assert "as review does" in system["content"]

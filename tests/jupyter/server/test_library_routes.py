"""The library over HTTP: read by the page, and changed."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.assembly import open_workspace
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.inspection.generations import skill_text
from metaclaw_jlab.store.skills import Skills
from tests.jupyter.server.live_server import LiveServer, live_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose library the tests change, each a skill of its own."""
    folder = tmp_path_factory.mktemp("library")
    with live_server(folder, home=folder / "home") as found:
        yield found


@pytest.fixture
def skill(server: LiveServer, request: pytest.FixtureRequest) -> Skill:
    """A skill of this test alone, in the library."""
    name = request.node.name.partition("[")[0].removeprefix("test_").replace("_", "-")[:60].strip("-")
    made = Skill(name, "What it does.", "Do it.")
    assert server.api("POST", "skills", {"text": skill_text(made)}).status == 201
    return made


def done(answer: Any) -> Any:
    assert answer.status in {200, 201}, answer.body
    return answer.json


def test_a_written_skill_is_found_by_group_search_and_name(server: LiveServer, skill: Skill) -> None:
    groups = done(server.api("GET", f"library/groups?search={skill.name}"))
    assert [(group["key"], group["count"]) for group in groups["groups"]] == [("hand", 1)]
    rows = done(server.api("GET", f"library/rows?by=source&group=hand&search={skill.name}"))
    assert [(row["name"], row["sha256"]) for row in rows["rows"]] == [(skill.name, skill.sha256)]
    account = done(server.api("GET", f"skills/{skill.name}"))
    assert (account["source"], account["base"]) == (skill_text(skill), skill.sha256)
    assert account["worth"]["difference"] is None
    assert account["worth"]["sentence"]


def test_an_edit_is_a_generation(server: LiveServer, skill: Skill) -> None:
    text = done(server.api("GET", f"skills/{skill.name}/text"))
    told = done(
        server.api("PUT", f"skills/{skill.name}", {"text": text["text"] + "\nMore.", "base": text["base"]})
    )
    assert (told["made"], told["changes"]["changed"]) == (told["before"] + 1, [skill.name])
    old = done(server.api("GET", f"skills/{skill.name}/text?generation={told['before']}"))
    assert (old["text"], old["sha256"]) == (text["text"], skill.sha256)


def test_the_second_of_two_edits_is_told_that_it_comes_late(server: LiveServer, skill: Skill) -> None:
    for body, status in (("One.", 200), ("Two.", 409)):
        answer = server.api(
            "PUT",
            f"skills/{skill.name}",
            {"text": skill_text(skill) + body, "base": skill.sha256},
        )
        assert answer.status == status
    assert answer.json["reason"] == "SkillChanged"
    assert answer.json["next_step"]


def test_what_is_no_skill_is_refused_with_the_cause(server: LiveServer, skill: Skill) -> None:
    answer = server.api("PUT", f"skills/{skill.name}", {"text": "nothing", "base": skill.sha256})
    assert (answer.status, answer.json["reason"]) == (400, "SkillInvalid")
    assert "frontmatter" in answer.json["message"]


def test_a_megabyte_is_refused_as_too_large(server: LiveServer, skill: Skill) -> None:
    large = skill_text(skill) + "x" * (900 << 10)
    answer = server.api("PUT", f"skills/{skill.name}", {"text": large, "base": skill.sha256})
    assert (answer.status, answer.json["reason"]) == (400, "SkillInvalid")
    larger = skill_text(skill) + "x" * (1 << 20)
    assert server.api("PUT", f"skills/{skill.name}", {"text": larger, "base": skill.sha256}).status == 413


def test_a_name_that_is_taken_is_refused(server: LiveServer, skill: Skill) -> None:
    answer = server.api("POST", "skills", {"text": skill_text(skill)})
    assert (answer.status, answer.json["reason"]) == (409, "SkillRefused")


@pytest.mark.parametrize(
    ("action", "on", "mark"),
    [("pin", True, "pinned"), ("enable", False, "disabled"), ("quarantine", True, "quarantined")],
)
def test_a_mark_is_set_and_taken_back(server: LiveServer, action: str, on: bool, mark: str) -> None:
    name = f"marked-{mark}"
    server.api("POST", "skills", {"text": skill_text(Skill(name, "What it does.", "Do it."))})
    for wanted, marks in ((on, [mark]), (not on, [])):
        done(server.api("POST", f"skills/{name}/{action}", {"on": wanted}))
        (row,) = done(server.api("GET", f"library/rows?search={name}"))["rows"]
        assert row["marks"] == marks


def test_a_deleted_skill_comes_back_with_its_generation(server: LiveServer, skill: Skill) -> None:
    gone = done(server.api("DELETE", f"skills/{skill.name}"))
    assert server.api("GET", f"skills/{skill.name}").status == 404
    preview = done(server.api("GET", f"generations/{gone['before']}/difference"))
    changes = preview["changes"]
    assert (changes["added"], changes["removed"], changes["changed"]) == ([skill.name], [], [])
    back = done(server.api("POST", f"generations/{gone['before']}/rollback"))
    assert back["changes"] == preview["changes"]
    assert done(server.api("GET", f"skills/{skill.name}"))["sha256"] == skill.sha256


def test_one_skill_goes_back(server: LiveServer, skill: Skill) -> None:
    told = done(
        server.api("PUT", f"skills/{skill.name}", {"text": skill_text(skill) + "More.", "base": skill.sha256})
    )
    done(server.api("POST", f"skills/{skill.name}/rollback", {"generation": told["before"]}))
    assert done(server.api("GET", f"skills/{skill.name}"))["sha256"] == skill.sha256


def test_generations_come_by_the_page(server: LiveServer, skill: Skill) -> None:
    first = done(server.api("GET", "generations?limit=1"))
    assert first["generations"][0]["number"] == first["current"]
    second = done(server.api("GET", f"generations?limit=200&before={first['next']}"))
    assert second["generations"][0]["number"] == first["current"] - 1
    assert (second["generations"][-1]["number"], second["next"]) == (0, None)
    one = done(server.api("GET", f"generations/{first['current']}"))
    assert {"name": skill.name, "sha256": skill.sha256} in one["members"]
    assert one["failures"] == []


@pytest.mark.parametrize("number", ["9999", "-1", "x", "1.5", "9" * 40])
def test_a_generation_that_never_was_is_not_found(server: LiveServer, number: str) -> None:
    for method, path in (("GET", ""), ("GET", "/difference"), ("POST", "/rollback")):
        answer = server.api(method, f"generations/{number}{path}")
        assert (answer.status, answer.json["reason"]) == (404, "NotFound")


def test_what_nobody_wrote_cannot_be_changed(server: LiveServer) -> None:
    for method, path, body in (
        ("PUT", "skills/none", {"text": "x", "base": "y"}),
        ("DELETE", "skills/none", None),
        ("POST", "skills/none/pin", {"on": True}),
        ("POST", "skills/none/quarantine", {"on": False}),
        ("POST", "skills/none/rollback", {"generation": 0}),
    ):
        assert server.api(method, path, body).status == 404, path


def test_what_another_process_learns_is_there_at_once(server: LiveServer) -> None:
    other = Skill("learnt-elsewhere", "What it does.", "Do it.")
    with closing(open_workspace(Path(server.home))) as workspace:
        skills = Skills(workspace.database())
        current = skills.members(skills.current_number())
        skills.commit_generation(Cause.IMPORT, [*current, other])
    rows = done(server.api("GET", "library/rows?group=import"))["rows"]
    assert [row["name"] for row in rows] == ["learnt-elsewhere"]

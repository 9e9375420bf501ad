import json
import re
from pathlib import Path
from typing import Any

import pytest

from metaclaw_jlab.jupyter.server.events import HAPPENED, MOVED, SCHEDULE
from metaclaw_jlab.jupyter.server.openapi import describe
from metaclaw_jlab.jupyter.server.routes import OPERATIONS


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return describe(OPERATIONS, "/hub/user/ann/", "1.2.3")


def test_every_operation_is_described(description: dict[str, Any]) -> None:
    told = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    assert told == {(found.method, found.path) for found in OPERATIONS}


def test_everything_that_is_referred_to_is_there(description: dict[str, Any]) -> None:
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(description)))
    assert names
    assert names <= description["components"]["schemas"].keys()


def test_every_answer_says_what_it_is(description: dict[str, Any]) -> None:
    for found in OPERATIONS:
        answers = description["paths"][found.path][found.method.lower()]["responses"]
        contents = answers[str(found.status)]["content"]
        assert contents.keys() == {*(found.files or ("application/json",))}
        assert all(one["schema"].keys() & {"$ref", "type"} for one in contents.values()), found.name


def test_the_server_lies_under_the_base_url(description: dict[str, Any]) -> None:
    assert description["servers"] == [{"url": "/hub/user/ann/metaclaw/api"}]


def test_a_number_that_is_sent_may_be_null(description: dict[str, Any]) -> None:
    loss = description["components"]["schemas"]["Curves"]["properties"]["loss"]
    assert loss["items"]["type"] == ["number", "null"]


def test_a_number_that_is_taken_may_not(description: dict[str, Any]) -> None:
    assert description["components"]["schemas"]["Seen"]["properties"]["seconds_ago"]["type"] == "number"


def test_the_limits_of_an_argument_are_told(description: dict[str, Any]) -> None:
    parameters = {
        found["name"]: found["schema"] for found in description["paths"]["/tasks"]["get"]["parameters"]
    }
    assert parameters["limit"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert parameters["before"] == {"type": "integer", "minimum": 1, "maximum": 2**53}


def test_a_body_whose_fields_may_all_be_left_out_may_be_left_out(description: dict[str, Any]) -> None:
    bodies = {
        path: methods["post"]["requestBody"]["required"]
        for path, methods in description["paths"].items()
        if "requestBody" in methods.get("post", ())
    }
    assert bodies["/training/start"] is False
    assert bodies["/activity"] is True


def test_the_guide_names_every_operation() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "server.md").read_text()
    assert [found.path for found in OPERATIONS if f"`{found.path}`" not in guide] == []


def test_the_guide_names_every_schema_of_events() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "server.md").read_text()
    assert [schema for schema in (HAPPENED, MOVED, SCHEDULE) if f"`{schema}`" not in guide] == []

import re

import pytest
from pydantic import ValidationError

from metaclaw_jlab.jupyter.server.operation import Arguments, Operation, Whole, by_path
from metaclaw_jlab.jupyter.server.routes import OPERATIONS


class Numbered(Arguments):
    number: Whole


def operation(path: str, method: str = "GET") -> Operation:
    return Operation(method=method, path=path, name="x", about="", call=dict, answer=dict)  # type: ignore[arg-type]


def test_a_field_of_the_path_is_one_part_of_it() -> None:
    pattern = operation("/tasks/{id}/feedback").pattern
    found = re.fullmatch(pattern, "/metaclaw/api/tasks/a%2Fb/feedback")
    assert found is not None
    assert found["id"] == "a%2Fb"
    assert not re.fullmatch(pattern, "/metaclaw/api/tasks/a/b/feedback")


def test_a_dot_in_the_path_is_a_dot() -> None:
    assert not re.fullmatch(operation("/openapi.json").pattern, "/metaclaw/api/openapi-json")


def test_operations_of_one_path_are_together() -> None:
    get, post = operation("/a"), operation("/a", "POST")
    assert by_path((get, post)) == {get.pattern: {"GET": get, "POST": post}}


def test_every_operation_has_a_name_of_its_own() -> None:
    assert len({found.name for found in OPERATIONS}) == len(OPERATIONS)


def test_no_operation_hides_another() -> None:
    assert len({(found.method, found.path) for found in OPERATIONS}) == len(OPERATIONS)


def test_what_only_reads_takes_no_body() -> None:
    assert [found.name for found in OPERATIONS if found.method == "GET" and found.body is not None] == []


def test_reading_counts_as_no_activity() -> None:
    assert [found.name for found in OPERATIONS if found.method == "GET" and found.counts] == []


def test_the_secret_of_the_home_changes_nothing() -> None:
    asked = {found.name for found in OPERATIONS if found.secret and found.method != "GET"}
    assert asked == {"retrieve"}


@pytest.mark.parametrize("text", ["0", "7", "-3", "900719925474099"])
def test_a_whole_number_is_taken(text: str) -> None:
    assert Numbered.model_validate({"number": text}).number == int(text)


@pytest.mark.parametrize("text", ["", " 7", "+7", "07", "7.0", "1_000", "٧", "1e3", "true", "9" * 40])
def test_what_json_calls_no_integer_is_none(text: str) -> None:
    with pytest.raises(ValidationError):
        Numbered.model_validate({"number": text})

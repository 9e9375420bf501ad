import json

import pytest
from pydantic import Field

from metaclaw_jlab.core.errors import RequestInvalid
from metaclaw_jlab.jupyter.server.operation import Arguments, Body, Operation, Whole
from metaclaw_jlab.jupyter.server.request import LARGEST, read_request


class Page(Arguments):
    limit: Whole = Field(5, ge=1)


class Said(Body):
    kind: str
    weight: float = 1.0


OPERATION = Operation(
    method="POST", path="/a/{id}", name="a", about="", call=dict, answer=dict, arguments=Page, body=Said
)


def read(body: bytes = b'{"kind": "good"}', **arguments: list[bytes]) -> dict[str, object]:
    return read_request(OPERATION, {"id": "t1"}, arguments, body)


def test_everything_asked_is_found_by_name() -> None:
    assert read(limit=[b"3"]) == {"id": "t1", "limit": 3, "kind": "good", "weight": 1.0}


def test_an_unknown_argument_is_left_aside() -> None:
    assert read(**{"1763740000000": [b""]})["limit"] == 5


def test_an_argument_that_is_given_twice_is_refused() -> None:
    with pytest.raises(RequestInvalid, match="limit is given 2 times"):
        read(limit=[b"1", b"2"])


def test_an_argument_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(RequestInvalid, match="UTF-8"):
        read(limit=[b"\xff"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"good"',
        b'{"kind": 1}',
        b'{"kind": null}',
        b'{"kind": "good", "more": 1}',
        b'{"kind": "good", "weight": NaN}',
        b'{"kind": "good", "weight": 1e999}',
        b'{"kind": "\xff"}',
        b"\x00",
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_wrong_is_refused(body: bytes) -> None:
    with pytest.raises(RequestInvalid) as refused:
        read(body)
    assert refused.value.status == 400


def test_the_refusal_names_what_is_wrong() -> None:
    with pytest.raises(RequestInvalid, match=r"^kind: ") as refused:
        read(b"{}")
    assert refused.value.param == "kind"


def test_a_body_that_is_too_large_is_not_read() -> None:
    with pytest.raises(RequestInvalid) as refused:
        read(json.dumps({"kind": "x" * LARGEST}).encode())
    assert refused.value.status == 413


def test_what_was_sent_is_not_repeated_in_the_refusal() -> None:
    with pytest.raises(RequestInvalid) as refused:
        read(b'{"kind": "good", "weight": "a secret"}')
    assert "a secret" not in str(refused.value)

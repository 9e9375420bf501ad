import io
from collections.abc import Callable, Iterator
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail

Metaclaw = Callable[..., Any]
URL = "https://example.org/v1"
KEY = "sk-made-up-1234"


class Kept(KeyringBackend):
    priority = -1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Kept]:
    before = keyring.get_keyring()
    ring = Kept()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_a_key_comes_from_standard_input_and_is_never_shown(
    metaclaw: Metaclaw, ring: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    ran = metaclaw("keys", "set", URL)
    assert ran.code == 0
    assert KEY not in ran.out + ran.err
    assert list(ring.kept.values()) == [KEY]


def test_a_key_is_bound_to_its_origin(
    metaclaw: Metaclaw, ring: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY))
    told = metaclaw("keys", "set", URL, "--json").json
    assert told == {"origin": "https://example.org", "kept": True}


def test_a_key_is_forgotten(metaclaw: Metaclaw, ring: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY))
    metaclaw("keys", "set", URL)
    assert metaclaw("keys", "forget", URL, "--json").json["forgotten"] is True
    assert metaclaw("keys", "forget", URL, "--json").json["forgotten"] is False
    assert ring.kept == {}


def test_a_key_is_no_argument(metaclaw: Metaclaw, ring: Kept) -> None:
    assert metaclaw("keys", "set", URL, KEY).code == 2
    assert ring.kept == {}


def test_no_key_is_a_usage_error(metaclaw: Metaclaw, ring: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert metaclaw("keys", "set", URL).code == 2
    assert ring.kept == {}


def test_without_a_keyring_that_encrypts_nothing_is_kept(
    metaclaw: Metaclaw, ring: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(fail.Keyring())
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY))
    ran = metaclaw("keys", "set", URL)
    assert (ran.code, KEY in ran.err) == (1, False)

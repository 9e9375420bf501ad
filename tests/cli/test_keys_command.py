import io
from collections.abc import Callable, Iterator
from pathlib import Path
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


# ---------------------------------------------------------------- keys of other agents


def test_the_key_of_a_client_is_shown_once(metaclaw: Metaclaw) -> None:
    told = metaclaw("keys", "add", "my-agent", "--json").json
    assert told["key"].startswith("mclaw-")
    assert told["key"] not in metaclaw("keys", "list").out
    assert told["key"] not in metaclaw("keys", "list", "--json").out


def test_a_key_is_told_with_what_it_is_for(metaclaw: Metaclaw) -> None:
    told = metaclaw("keys", "add", "my-agent").out
    assert "mclaw-" in told
    assert "base URL http://localhost:8888/metaclaw/v1" in told
    assert "base URL http://localhost:8888/metaclaw\n" in told


def test_clients_are_listed(metaclaw: Metaclaw) -> None:
    metaclaw("keys", "add", "my-agent")
    metaclaw("keys", "add", "reviewer", "--namespace", "papers", "--skills", "off", "--learn", "on")
    told = metaclaw("keys", "list").out
    assert "2 clients" in told
    (line,) = [line for line in told.splitlines() if "reviewer" in line]
    assert "papers" in line
    assert line.split("never")[1].strip() == "skills off, learn on"


def test_the_settings_of_a_client_are_json(metaclaw: Metaclaw) -> None:
    told = metaclaw("keys", "add", "a", "--learn", "off", "--json").json["client"]
    assert told["settings"] == {"skills": None, "learn": False}


def test_a_revoked_client_is_listed_only_on_request(metaclaw: Metaclaw) -> None:
    metaclaw("keys", "add", "my-agent")
    assert "its next request is refused" in metaclaw("keys", "revoke", "my-agent").out
    assert "No client has a key" in metaclaw("keys", "list").out
    assert "revoked" in metaclaw("keys", "list", "--all").out


def test_whom_nobody_knows_cannot_be_revoked(metaclaw: Metaclaw) -> None:
    assert metaclaw("keys", "revoke", "nobody").code == 1


def test_a_name_that_is_in_use_makes_no_key(metaclaw: Metaclaw) -> None:
    metaclaw("keys", "add", "my-agent")
    ran = metaclaw("keys", "add", "my-agent")
    assert (ran.code, "mclaw-" in ran.out) == (1, False)


def test_a_namespace_that_cannot_be_is_a_usage_error(metaclaw: Metaclaw) -> None:
    assert metaclaw("keys", "add", "my-agent", "--namespace", "../x").code == 2


def test_keys_are_the_homes_whatever_namespace_is_configured(
    metaclaw: Metaclaw, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metaclaw("keys", "add", "my-agent")
    monkeypatch.setenv("METACLAW_AGENT_NAMESPACE", "papers")
    assert "my-agent" in metaclaw("keys", "list").out
    assert "my-agent" in metaclaw("keys", "list", "--home", home / "namespaces" / "papers").out

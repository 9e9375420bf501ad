import logging
import pickle
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked

from metaclaw_jlab.core.errors import SecretError
from metaclaw_jlab.settings.secrets import Secret, forget_key, key_for, save_key

HERE = "http://localhost:8000/v1"
OPENAI = "https://api.openai.com/v1"


class MemoryKeyring(KeyringBackend):
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


class PlaintextKeyring(MemoryKeyring):
    pass


class LockedKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("locked")


@pytest.fixture(autouse=True)
def memory() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def revealed(secret: Secret | None) -> str | None:
    return secret.reveal() if secret else None


def test_a_secret_does_not_print_itself() -> None:
    secret = Secret("sk-1")
    assert not [text for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}") if "sk-1" in text]


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("sk-1"))


def test_a_saved_key_comes_back_for_its_origin() -> None:
    assert save_key("http://LOCALHOST:8000/v1/", "sk-1") == "http://localhost:8000"
    assert revealed(key_for(HERE, environment={})) == "sk-1"


@pytest.mark.parametrize(
    "other", ["http://localhost:8001/v1", "https://localhost:8000/v1", "http://evil.example:8000/v1"]
)
def test_a_saved_key_goes_to_no_other_origin(other: str) -> None:
    save_key(HERE, "sk-1")
    assert key_for(other, environment={}) is None


def test_a_forgotten_key_is_gone(memory: MemoryKeyring) -> None:
    save_key(HERE, "sk-1")
    assert forget_key(HERE)
    assert not memory.kept
    assert not forget_key(HERE)


@pytest.mark.parametrize("backend", [PlaintextKeyring, null.Keyring, fail.Keyring])
def test_no_key_is_stored_in_plain_text(backend: type[KeyringBackend]) -> None:
    keyring.set_keyring(backend())
    with pytest.raises(SecretError, match="plain text"):
        save_key(HERE, "sk-1")
    assert key_for(HERE, environment={}) is None


def test_in_a_chain_the_backend_that_encrypts_is_used(
    memory: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = PlaintextKeyring()
    monkeypatch.setattr(ChainerBackend, "backends", [plain, memory])
    keyring.set_keyring(ChainerBackend())
    save_key(HERE, "sk-1")
    assert (len(plain.kept), len(memory.kept)) == (0, 1)


def test_a_locked_keyring_is_no_key_for_reading(caplog: pytest.LogCaptureFixture) -> None:
    keyring.set_keyring(LockedKeyring())
    with caplog.at_level(logging.WARNING):
        assert key_for(HERE, environment={}) is None
    assert "KeyringLocked" in caplog.text


def test_a_locked_keyring_refuses_a_key() -> None:
    keyring.set_keyring(LockedKeyring())
    with pytest.raises(SecretError, match="Unlock"):
        save_key(HERE, "sk-1")


@pytest.mark.parametrize("key", ["", "  ", "sk 1", "sk-1\nx", "schlüssel"])
def test_what_cannot_be_a_key_is_refused_and_not_repeated(key: str, memory: MemoryKeyring) -> None:
    with pytest.raises(SecretError) as caught:
        save_key(HERE, key)
    assert not key.strip() or key not in str(caught.value)
    assert not memory.kept


def test_openais_key_goes_to_openai() -> None:
    assert revealed(key_for(OPENAI, environment={"OPENAI_API_KEY": " sk-o\n"})) == "sk-o"


@pytest.mark.parametrize(
    "url",
    [HERE, "http://api.openai.com/v1", "https://api.openai.com.evil.example", "https://api.openai.com:444"],
)
def test_openais_key_goes_nowhere_else(url: str) -> None:
    assert key_for(url, environment={"OPENAI_API_KEY": "sk-o"}) is None


def test_openais_key_goes_to_the_origin_of_openai_base_url() -> None:
    environment = {"OPENAI_API_KEY": "sk-o", "OPENAI_BASE_URL": "http://localhost:8000/other"}
    assert revealed(key_for(HERE, environment=environment)) == "sk-o"


def test_a_broken_openai_base_url_is_ignored() -> None:
    environment = {"OPENAI_API_KEY": "sk-o", "OPENAI_BASE_URL": "ftp://x"}
    assert revealed(key_for(OPENAI, environment=environment)) == "sk-o"


def test_a_named_variable_is_taken_before_all_else() -> None:
    save_key(OPENAI, "sk-ring")
    environment = {"OPENAI_API_KEY": "sk-o", "MINE": "sk-mine"}
    assert revealed(key_for(OPENAI, "MINE", environment=environment)) == "sk-mine"


def test_openais_variable_cannot_be_named_for_another_origin() -> None:
    with pytest.raises(SecretError, match="not sent to http://localhost:8000"):
        key_for(HERE, "OPENAI_API_KEY", environment={"OPENAI_API_KEY": "sk-o"})


@pytest.mark.parametrize("environment", [{}, {"MINE": " "}])
def test_a_named_variable_that_is_not_set_is_an_error(environment: dict[str, str]) -> None:
    with pytest.raises(SecretError, match="MINE is not set"):
        key_for(HERE, "MINE", environment=environment)

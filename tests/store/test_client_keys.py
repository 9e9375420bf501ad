import threading
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import InvariantViolation, NotFound, UsageMistake
from metaclaw_jlab.redaction.text import redact
from metaclaw_jlab.store.client_keys import ClientKeys, ClientSettings
from metaclaw_jlab.store.database import Database, open_database
from tests.store.samples import Attack


@pytest.fixture
def keys(database: Database) -> ClientKeys:
    return ClientKeys(database, clock=lambda: 100.0)


def test_a_key_finds_its_client(keys: ClientKeys) -> None:
    client, key = keys.add("lab agent", "papers", ClientSettings(skills=False))
    assert keys.find(key) == client
    assert (client.name, client.namespace) == ("lab agent", "papers")
    assert client.settings == ClientSettings(skills=False, learn=None)


def test_the_key_itself_is_nowhere_in_the_file(keys: ClientKeys, database: Database, tmp_path: Path) -> None:
    _, key = keys.add("agent")
    database.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"agent" in kept
    assert key.encode() not in kept
    assert key.rsplit("-", 1)[1].encode() not in kept


def test_no_other_key_finds_it(keys: ClientKeys) -> None:
    client, key = keys.add("agent")
    other = "B" if key[-1] == "A" else "A"
    for wrong in ("", "agent", client.id, key[:-1], key + "A", key[:-1] + other, f" {key}", f"{key}\n"):
        assert keys.find(wrong) is None


def test_what_is_no_text_of_ours_is_no_key(keys: ClientKeys) -> None:
    for wrong in ("\udc80", "mclaw-" + "0" * 12 + "-" + "é" * 43, "x" * 1_000_000):
        assert keys.find(wrong) is None


def test_a_revoked_key_is_no_key(keys: ClientKeys) -> None:
    client, key = keys.add("agent")
    assert keys.revoke("agent").revoked_at == 100.0
    assert keys.find(key) is None
    assert keys.list() == ()
    assert [kept.id for kept in keys.list(revoked=True)] == [client.id]


def test_a_key_is_revoked_by_its_id(keys: ClientKeys) -> None:
    client, key = keys.add("agent")
    _, kept = keys.add("other")
    keys.revoke(client.id)
    assert keys.find(key) is None
    assert keys.find(kept) is not None


def test_an_id_goes_before_a_name_that_looks_like_it(keys: ClientKeys) -> None:
    client, key = keys.add("agent")
    keys.add(client.id)
    assert keys.revoke(client.id).name == "agent"
    assert keys.find(key) is None


def test_what_is_not_there_cannot_be_revoked(keys: ClientKeys) -> None:
    keys.add("agent")
    keys.revoke("agent")
    with pytest.raises(NotFound, match="metaclaw keys list"):
        keys.revoke("agent")


def test_a_name_is_in_use_once(keys: ClientKeys) -> None:
    keys.add("agent")
    with pytest.raises(InvariantViolation, match="there already"):
        keys.add("agent")
    keys.revoke("agent")
    keys.add("agent")
    assert len(keys.list(revoked=True)) == 2


@pytest.mark.parametrize("name", ["", " ", " x", "x ", "a\nb", "a" * 65])
def test_names_are_one_line(keys: ClientKeys, name: str) -> None:
    with pytest.raises(UsageMistake):
        keys.add(name)


@pytest.mark.parametrize("namespace", ["..", "a/b", "A", "a--b", "-a", "a" * 65, "a\n"])
def test_a_namespace_is_the_name_of_a_folder(keys: ClientKeys, namespace: str) -> None:
    with pytest.raises(UsageMistake):
        keys.add("agent", namespace)
    assert keys.list() == ()


def test_use_is_noted_once_a_minute(database: Database) -> None:
    now = [100.0]
    keys = ClientKeys(database, clock=lambda: now[0])
    _, key = keys.add("agent")

    def touch() -> bool:
        client = keys.find(key)
        assert client is not None
        return keys.touch(client)

    assert touch()
    now[0] = 159.0
    assert not touch()
    now[0] = 160.0
    assert touch()
    assert [client.used_at for client in keys.list()] == [160.0]


def test_a_clock_that_was_put_back_is_survived(database: Database) -> None:
    now = [1000.0]
    keys = ClientKeys(database, clock=lambda: now[0])
    client, _ = keys.add("agent")
    keys.touch(client)
    now[0] = 10.0
    assert keys.touch(keys.list()[0])
    assert keys.list()[0].used_at == 10.0


def test_threads_that_hold_an_old_row_write_once(keys: ClientKeys) -> None:
    client, _ = keys.add("agent")
    written: list[bool] = []
    threads = [threading.Thread(target=lambda: written.append(keys.touch(client))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [False, False, False, True]


def test_settings_can_change(keys: ClientKeys) -> None:
    client, key = keys.add("agent", settings=ClientSettings(skills=False))
    keys.set_settings(client.id, ClientSettings(learn=False))
    found = keys.find(key)
    assert found is not None
    assert found.settings == ClientSettings(skills=None, learn=False)


def test_settings_of_a_revoked_client_stay(keys: ClientKeys) -> None:
    client, _ = keys.add("agent")
    keys.revoke(client.id)
    with pytest.raises(NotFound):
        keys.set_settings(client.id, ClientSettings(learn=False))


def test_a_revoked_key_stays_revoked(keys: ClientKeys, attack: Attack) -> None:
    keys.add("agent")
    keys.revoke("agent")
    attack("UPDATE client_keys SET revoked_at = NULL")


def test_a_key_stays_in_its_namespace(keys: ClientKeys, attack: Attack) -> None:
    keys.add("agent", "papers")
    attack("UPDATE client_keys SET namespace = ''")


def test_a_key_is_not_replaced(keys: ClientKeys, attack: Attack) -> None:
    client, _ = keys.add("agent")
    attack(
        "INSERT OR REPLACE INTO client_keys (id, name, sha256, namespace, settings, created_at)"
        f" VALUES ('{client.id}', 'x', 'x', '', '{{}}', 1)"
    )


def test_another_process_sees_a_revocation(keys: ClientKeys, tmp_path: Path) -> None:
    _, key = keys.add("agent")
    other = open_database(tmp_path / "metaclaw.db")
    assert ClientKeys(other).find(key) is not None
    keys.revoke("agent")
    assert ClientKeys(other).find(key) is None
    other.close()


def test_a_key_is_redacted_from_texts(keys: ClientKeys) -> None:
    _, key = keys.add("agent")
    assert key.rsplit("-", 1)[1] not in redact(f"It said {key} and went on.").text

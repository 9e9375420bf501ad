import pytest

from metaclaw_jlab.core.adapter import Adapter, AdapterStatus
from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database


@pytest.fixture
def adapters(database: Database) -> Adapters:
    return Adapters(database, clock=lambda: 2.5)


def test_versions_count_up(adapters: Adapters) -> None:
    first = adapters.add("tiny", "aa", 0, "from 3 tasks")
    assert first == Adapter(1, "tiny", "aa", AdapterStatus.CANDIDATE, 0, 2.5, "from 3 tasks")
    assert adapters.add("tiny", "bb", 0).version == 2
    assert adapters.get(1) == first
    assert [adapter.version for adapter in adapters.recent(9)] == [2, 1]
    assert adapters.count() == 2


def test_a_version_is_not_given_again_after_a_deletion(database: Database, adapters: Adapters) -> None:
    adapters.add("tiny", "aa", 0)
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM adapters")
    assert adapters.add("tiny", "bb", 0).version == 2


def test_a_candidate_is_decided_once(adapters: Adapters) -> None:
    adapters.add("tiny", "aa", 0)
    promoted = adapters.decide(1, AdapterStatus.PROMOTED, "the gate passed")
    assert (promoted.status, promoted.reason) == (AdapterStatus.PROMOTED, "the gate passed")
    with pytest.raises(InvariantViolation, match="decided on once"):
        adapters.decide(1, AdapterStatus.REJECTED, "")


def test_a_rejected_one_may_be_forced(adapters: Adapters) -> None:
    adapters.add("tiny", "aa", 0)
    adapters.decide(1, AdapterStatus.REJECTED, "no gain")
    assert adapters.decide(1, AdapterStatus.FORCED, "by hand").status is AdapterStatus.FORCED


def test_an_adapter_of_no_generation_is_refused(adapters: Adapters) -> None:
    with pytest.raises(InvariantViolation, match="generation that exists"):
        adapters.add("tiny", "aa", 5)


def test_what_is_not_there_is_named(adapters: Adapters) -> None:
    with pytest.raises(NotFound, match="version 3"):
        adapters.get(3)
    with pytest.raises(NotFound, match="version 3"):
        adapters.decide(3, AdapterStatus.PROMOTED, "")

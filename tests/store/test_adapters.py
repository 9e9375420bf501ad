import pytest

from metaclaw_jlab.core.adapter import Adapter, AdapterStatus
from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.core.training import RunState
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.gates import Gates
from metaclaw_jlab.store.training import Training
from tests.store.samples import Attack, begun, promoted, report


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


def test_a_candidate_is_decided_once(database: Database, adapters: Adapters) -> None:
    adapters.add("tiny", "aa", 0)
    Gates(database).record(1, report())
    promoted = adapters.decide(1, AdapterStatus.PROMOTED, "the gate passed")
    assert (promoted.status, promoted.reason) == (AdapterStatus.PROMOTED, "the gate passed")
    with pytest.raises(InvariantViolation, match="decided on once"):
        adapters.decide(1, AdapterStatus.REJECTED, "")


def test_a_rejected_one_may_be_forced(adapters: Adapters) -> None:
    adapters.add("tiny", "aa", 0)
    adapters.decide(1, AdapterStatus.REJECTED, "no gain")
    assert adapters.decide(1, AdapterStatus.FORCED, "by hand").status is AdapterStatus.FORCED


@pytest.mark.parametrize("verdicts", [[], [Verdict.INSUFFICIENT], [Verdict.PROMOTE, Verdict.REJECT]])
def test_what_its_last_gate_did_not_let_through_is_not_promoted(
    database: Database, adapters: Adapters, attack: Attack, verdicts: list[Verdict]
) -> None:
    adapters.add("tiny", "aa", 0)
    for verdict in verdicts:
        Gates(database).record(1, report(verdict))
    with pytest.raises(InvariantViolation, match="last gate"):
        adapters.decide(1, AdapterStatus.PROMOTED, "I say so")
    attack("UPDATE adapters SET status = 'promoted'")
    assert adapters.decide(1, AdapterStatus.FORCED, "by hand").status is AdapterStatus.FORCED


def test_candidates_are_those_that_are_not_decided_on(adapters: Adapters) -> None:
    for sha256 in "abc":
        adapters.add("tiny", sha256, 0)
    adapters.decide(2, AdapterStatus.REJECTED, "no gain")
    assert [adapter.version for adapter in adapters.candidates()] == [3, 1]


def test_a_candidate_may_be_explained_again(adapters: Adapters) -> None:
    adapters.add("tiny", "aa", 0, "trained")
    explained = adapters.explain(1, "40 more tasks are needed.")
    assert (explained.status, explained.reason) == (AdapterStatus.CANDIDATE, "40 more tasks are needed.")


@pytest.mark.parametrize("status", [AdapterStatus.REJECTED, AdapterStatus.FORCED])
def test_the_reason_of_a_decision_stays(adapters: Adapters, attack: Attack, status: AdapterStatus) -> None:
    adapters.add("tiny", "aa", 0)
    adapters.decide(1, status, "because")
    with pytest.raises(InvariantViolation, match="reason"):
        adapters.explain(1, "another")
    attack("UPDATE adapters SET reason = 'another'")
    assert adapters.get(1).reason == "because"


@pytest.mark.parametrize("status", [AdapterStatus.CANDIDATE, AdapterStatus.REJECTED])
def test_what_never_served_may_be_removed_and_its_version_does_not_come_again(
    database: Database, adapters: Adapters, status: AdapterStatus
) -> None:
    adapters.add("tiny", "aa", 0)
    Gates(database).record(1, report(Verdict.REJECT))
    if status is AdapterStatus.REJECTED:
        adapters.decide(1, status, "no gain")
    adapters.remove(1)
    with pytest.raises(NotFound):
        adapters.get(1)
    assert Gates(database).of(1) == (report(Verdict.REJECT),)
    assert adapters.add("tiny", "bb", 0).version == 2
    assert database.problems() == ()


def test_what_may_have_served_is_not_removed(database: Database, adapters: Adapters) -> None:
    adapters.add("tiny", "aa", 0)
    adapters.decide(1, AdapterStatus.FORCED, "by hand")
    for version in (1, promoted(database)):
        with pytest.raises(InvariantViolation, match="never deleted"):
            adapters.remove(version)


def test_what_a_run_works_on_is_not_removed_before_it_is_over(database: Database, adapters: Adapters) -> None:
    training = Training(database)
    adapters.add("tiny", "aa", 0)
    run = begun(database, parent=1).number
    adapters.add("tiny", "bb", 0)
    training.change(run, RunState.TRAINING, "", adapter=2)
    for version in (1, 2):
        with pytest.raises(InvariantViolation, match="training run works on"):
            adapters.remove(version)
    training.change(run, RunState.FAILED, "It broke down.")
    adapters.remove(2)
    assert training.get(run).adapter == 2


def test_an_adapter_of_no_generation_is_refused(adapters: Adapters) -> None:
    with pytest.raises(InvariantViolation, match="generation that exists"):
        adapters.add("tiny", "aa", 5)


def test_what_is_not_there_is_named(adapters: Adapters) -> None:
    with pytest.raises(NotFound, match="version 3"):
        adapters.get(3)
    with pytest.raises(NotFound, match="version 3"):
        adapters.decide(3, AdapterStatus.PROMOTED, "")
    with pytest.raises(NotFound, match="version 3"):
        adapters.explain(3, "")
    with pytest.raises(NotFound, match="version 3"):
        adapters.remove(3)

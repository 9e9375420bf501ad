import pytest

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.core.gate import Verdict
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.gates import Gates
from tests.store.samples import Attack, dump, promoted, report


@pytest.fixture
def gates(database: Database) -> Gates:
    Adapters(database).add("tiny", "aa", 0)
    return Gates(database, clock=lambda: 3.0)


def test_every_gate_is_kept_in_order(gates: Gates) -> None:
    first = report(Verdict.INSUFFICIENT, missing=40)
    second = report(Verdict.REJECT, look=2, comparisons=())
    gates.record(1, first)
    gates.record(1, second)
    assert gates.of(1) == (first, second)
    assert gates.of(2) == ()


def test_the_latest_of_many_adapters_is_found_at_once(database: Database, gates: Gates) -> None:
    Adapters(database).add("tiny", "ab", 0)
    Adapters(database).add("tiny", "ac", 0)
    last = report(Verdict.REJECT, look=2)
    gates.record(1, report(Verdict.INSUFFICIENT))
    gates.record(1, last)
    gates.record(2, report(Verdict.INSUFFICIENT))
    assert gates.latest([1, 3]) == {1: last}
    assert gates.latest([]) == {}


def test_looks_count_from_the_last_promotion(database: Database, gates: Gates) -> None:
    assert gates.looks_since_promotion() == 0
    gates.record(1, report(Verdict.INSUFFICIENT))
    gates.record(1, report(Verdict.REJECT))
    assert gates.looks_since_promotion() == 2
    promoted(database)
    assert gates.looks_since_promotion() == 0
    gates.record(1, report(Verdict.REJECT))
    assert gates.looks_since_promotion() == 1


@pytest.mark.parametrize("status", [None, AdapterStatus.REJECTED, AdapterStatus.FORCED])
def test_only_candidates_are_gated(database: Database, gates: Gates, status: AdapterStatus | None) -> None:
    if status is not None:
        Adapters(database).decide(1, status, "")
    with pytest.raises(InvariantViolation, match="candidate"):
        gates.record(1 if status else 9, report())


GATE = "gates (number, adapter, verdict, reason, comparisons, look, missing, at) VALUES"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM gates",
        "UPDATE gates SET verdict = 'promote'",
        f"INSERT OR REPLACE INTO {GATE} (1, 1, 'promote', '', '[]', 1, 0, 0)",
        f"INSERT INTO {GATE} (9, 1, 'promote', '', '[]', 1, 0, 0)",
        f"INSERT INTO {GATE} (NULL, 1, 'promote', '', '[]', 1, 0, 0)",
        f"INSERT INTO {GATE} (2, 7, 'promote', '', '[]', 1, 0, 0)",
        f"INSERT INTO {GATE} (2, 1, 'perhaps', '', '[]', 1, 0, 0)",
    ],
)
def test_what_a_gate_said_is_final(database: Database, gates: Gates, attack: Attack, statement: str) -> None:
    gates.record(1, report(Verdict.REJECT))
    before = dump(database, "gates")
    attack(statement)
    assert dump(database, "gates") == before

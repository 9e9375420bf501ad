import pytest

from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.core.errors import InvariantViolation
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.serving import Served, Serving, ServingCause
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import Attack, dump, ended, promoted


@pytest.fixture
def serving(database: Database) -> Serving:
    return Serving(database, clock=lambda: 4.0)


def forced(database: Database) -> int:
    version = Adapters(database).add("tiny", "ff", 0).version
    return Adapters(database).decide(version, AdapterStatus.FORCED, "by hand").version


def test_the_base_serves_first(serving: Serving) -> None:
    assert serving.current() is None
    assert serving.previous() is None
    assert serving.history(9) == ()
    assert serving.ever_promoted() == ()


def test_the_newest_change_says_what_serves(database: Database, serving: Serving) -> None:
    Trajectories(database).record(ended())
    first, second = promoted(database, "aa"), forced(database)
    serving.put(first, ServingCause.PROMOTE, "It gained.")
    serving.put(second, ServingCause.FORCE, "By hand.")
    assert serving.current() == second
    serving.put(first, ServingCause.ROLLBACK, "It was no good.")
    assert serving.current() == first
    serving.put(None, ServingCause.WATCH, "It dropped.")
    assert serving.current() is None
    assert serving.history(2) == (
        Served(4, None, ServingCause.WATCH, "It dropped.", 4.0, after=1),
        Served(3, first, ServingCause.ROLLBACK, "It was no good.", 4.0, after=1),
    )


def test_what_served_before_the_newest_promotion(database: Database, serving: Serving) -> None:
    first, second = promoted(database, "aa"), promoted(database, "bb")
    serving.put(first, ServingCause.PROMOTE, "")
    assert serving.previous() is None
    serving.put(second, ServingCause.PROMOTE, "")
    assert serving.previous() == first
    serving.put(first, ServingCause.ROLLBACK, "")
    assert serving.previous() == first


def test_what_was_ever_promoted(database: Database, serving: Serving) -> None:
    first, by_hand, second = promoted(database, "aa"), forced(database), promoted(database, "bb")
    for version, cause in (
        (second, ServingCause.PROMOTE),
        (by_hand, ServingCause.FORCE),
        (first, ServingCause.PROMOTE),
        (second, ServingCause.ROLLBACK),
    ):
        serving.put(version, cause, "")
    assert serving.ever_promoted() == (second, first)


@pytest.mark.parametrize("status", [None, AdapterStatus.CANDIDATE, AdapterStatus.REJECTED])
@pytest.mark.parametrize("cause", list(ServingCause))
def test_only_what_was_promoted_or_forced_serves(
    database: Database, serving: Serving, status: AdapterStatus | None, cause: ServingCause
) -> None:
    if status is not None:
        Adapters(database).add("tiny", "aa", 0)
    if status is AdapterStatus.REJECTED:
        Adapters(database).decide(1, status, "")
    with pytest.raises(InvariantViolation, match="promoted or forced"):
        serving.put(1, cause, "")
    assert serving.current() is None


def test_what_was_forced_is_not_called_promoted(database: Database, serving: Serving) -> None:
    with pytest.raises(InvariantViolation, match="promoted or forced"):
        serving.put(forced(database), ServingCause.PROMOTE, "")


@pytest.mark.parametrize("cause", [ServingCause.PROMOTE, ServingCause.FORCE])
def test_the_base_is_gone_back_to_and_not_promoted(serving: Serving, cause: ServingCause) -> None:
    with pytest.raises(InvariantViolation, match="promoted or forced"):
        serving.put(None, cause, "")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM serving",
        "UPDATE serving SET version = NULL",
        "INSERT OR REPLACE INTO serving VALUES (1, NULL, 'rollback', '', 0, 0)",
        "INSERT INTO serving VALUES (9, 1, 'promote', '', 0, 0)",
        "INSERT INTO serving VALUES (NULL, 1, 'promote', '', 0, 0)",
        "INSERT INTO serving VALUES (2, 2, 'force', '', 0, 0)",
        "INSERT INTO serving VALUES (2, 9, 'force', '', 0, 0)",
        "INSERT INTO serving VALUES (2, 1, 'whim', '', 0, 0)",
        "DELETE FROM adapters WHERE version = 1",
        "UPDATE adapters SET status = 'rejected' WHERE version = 1",
    ],
)
def test_what_served_is_final(database: Database, serving: Serving, attack: Attack, statement: str) -> None:
    serving.put(promoted(database), ServingCause.PROMOTE, "")
    Adapters(database).add("tiny", "cc", 0)
    before = dump(database, "serving", "adapters")
    attack(statement)
    assert dump(database, "serving", "adapters") == before


def test_when_one_version_came_to_serve_is_told(database: Database, serving: Serving) -> None:
    first, second = promoted(database, "aa"), forced(database)
    serving.put(first, ServingCause.PROMOTE, "It gained.")
    serving.put(second, ServingCause.FORCE, "By hand.")
    serving.put(first, ServingCause.ROLLBACK, "It was no good.")
    assert [one.number for one in serving.of(first, 9)] == [3, 1]
    assert [one.number for one in serving.of(first, 1)] == [3]
    assert serving.of(9, 9) == ()


def test_what_serves_of_one_model_is_not_hidden_by_what_serves_of_another(
    database: Database, serving: Serving
) -> None:
    first = promoted(database, "aa")
    serving.put(first, ServingCause.PROMOTE, "")
    base = Adapters(database).get(first).base
    other = Adapters(database).add("another-model", "c" * 64, 0)
    Adapters(database).decide(other.version, AdapterStatus.FORCED, "")
    serving.put(other.version, ServingCause.FORCE, "")
    assert serving.current(base) == first
    assert serving.previous("another-model") is None
    assert serving.current("a-third") is None
    serving.put(None, ServingCause.ROLLBACK, "")
    assert serving.current(base) is None

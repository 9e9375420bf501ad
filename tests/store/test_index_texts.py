import pytest

from metaclaw_jlab.core.errors import InvariantViolation, NotFound
from metaclaw_jlab.core.trajectory import Purpose
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.index_texts import IndexText, IndexTexts
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import Attack, dump, ended


@pytest.fixture
def texts(database: Database, trajectories: Trajectories) -> IndexTexts:
    now = iter(range(1000))
    trajectories.record(ended("t1"))
    trajectories.record(ended("t2"))
    return IndexTexts(database, clock=lambda: float(next(now)))


def test_texts_are_kept_by_skill_the_oldest_first(texts: IndexTexts) -> None:
    texts.add("a", "sort FILE", "t2")
    texts.add("a", "count \udc80 FILE", "t1")
    texts.add("b", "sort FILE", "t1")
    assert texts.of_all() == {
        "a": (IndexText("sort FILE", "t2"), IndexText("count \udc80 FILE", "t1")),
        "b": (IndexText("sort FILE", "t1"),),
    }


def test_a_text_that_is_there_stays_with_its_tally(texts: IndexTexts) -> None:
    texts.add("a", "sort FILE", "t1")
    texts.tally("a", "sort FILE", True)
    texts.add("a", "sort FILE", "t2")
    assert texts.of_all() == {"a": (IndexText("sort FILE", "t1", 1, 0),)}


def test_hits_and_misses_are_counted_apart(texts: IndexTexts) -> None:
    texts.add("a", "sort FILE", "t1")
    for hit in (True, False, True):
        texts.tally("a", "sort FILE", hit)
    assert texts.of_all() == {"a": (IndexText("sort FILE", "t1", 2, 1),)}
    with pytest.raises(NotFound, match="'b'"):
        texts.tally("b", "sort FILE", True)


def test_a_removed_text_is_gone(texts: IndexTexts) -> None:
    texts.add("a", "sort FILE", "t1")
    texts.remove("a", "sort FILE")
    texts.remove("a", "sort FILE")
    assert texts.of_all() == {}


def test_the_version_grows_when_texts_come_or_go_and_only_then(
    texts: IndexTexts, trajectories: Trajectories
) -> None:
    seen = [texts.version()]
    for change in (
        lambda: texts.add("a", "sort FILE", "t1"),
        lambda: texts.add("a", "count FILE", "t2"),
        lambda: texts.remove("a", "count FILE"),
        lambda: trajectories.forget("t1"),
    ):
        change()
        seen.append(texts.version())
    assert seen == sorted(set(seen))
    texts.add("a", "count FILE", "t2")
    settled = texts.version()
    texts.add("a", "count FILE", "t2")
    texts.remove("a", "sort FILE")
    texts.tally("a", "count FILE", True)
    assert texts.version() == settled


@pytest.mark.parametrize("changes", [{"learn": False}, {"purpose": Purpose.BENCHMARK}])
def test_what_may_not_teach_leaves_no_text(
    texts: IndexTexts, trajectories: Trajectories, changes: dict[str, object]
) -> None:
    trajectories.record(ended("t3", **changes))
    with pytest.raises(InvariantViolation, match="may teach"):
        texts.add("a", "sort FILE", "t3")
    with pytest.raises(InvariantViolation, match="may teach"):
        texts.add("a", "sort FILE", "t9")
    assert texts.of_all() == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE index_texts SET text = 'x'",
        "UPDATE index_texts SET trajectory = 't2'",
        "UPDATE index_texts SET hits = 0",
        "UPDATE index_texts SET misses = -1",
        "INSERT OR REPLACE INTO index_texts VALUES ('a', 'sort FILE', 't2', 0, 0, 0)",
    ],
)
def test_a_text_never_changes(database: Database, texts: IndexTexts, attack: Attack, statement: str) -> None:
    texts.add("a", "sort FILE", "t1")
    texts.tally("a", "sort FILE", True)
    before = dump(database, "index_texts")
    attack(statement)
    assert dump(database, "index_texts") == before

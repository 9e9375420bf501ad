from metaclaw_jlab.store.activity import Activities, Activity
from metaclaw_jlab.store.database import Database


def test_the_last_word_of_each_process_counts(database: Database) -> None:
    now = [100.0]
    activities = Activities(database, clock=lambda: now[0])
    activities.touch("k1", "a.ipynb", "busy")
    now[0] = 101.0
    activities.touch("k1", "a.ipynb", "idle")
    activities.touch("k2", None, "busy")
    assert activities.since(60) == (
        Activity("k1", "a.ipynb", "idle", 101.0),
        Activity("k2", None, "busy", 101.0),
    )


def test_the_silent_are_left_out(database: Database) -> None:
    now = [100.0]
    activities = Activities(database, clock=lambda: now[0])
    activities.touch("k1", None, "busy")
    now[0] = 200.0
    assert activities.since(60) == ()


def test_who_leaves_is_forgotten(database: Database) -> None:
    activities = Activities(database)
    activities.touch("k1", None, "busy")
    activities.leave("k1")
    assert activities.since(60) == ()

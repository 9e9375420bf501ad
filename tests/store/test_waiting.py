"""Proposals that wait to be run."""

from dataclasses import replace

import pytest

from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.trajectory import StopReason
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import ended, opened, step


def propose(trajectories: Trajectories, id_: str, *, after: int = 0, **changes: object) -> None:
    trajectories.begin(opened(id_, **changes))
    for index in range(after):
        trajectories.append(id_, step(index))
    trajectories.append(id_, step(after, observed=False))


def ids(trajectories: Trajectories, *arguments: object) -> list[str]:
    return [trajectory.id for trajectory in trajectories.waiting(*arguments)]  # type: ignore[arg-type]


def test_what_was_proposed_and_not_run_waits(trajectories: Trajectories) -> None:
    propose(trajectories, "t1")
    propose(trajectories, "t2", after=2)
    trajectories.begin(opened("begun"))
    trajectories.record(opened("observed", steps=(step(0),)))
    trajectories.record(ended("closed", steps=(step(0, observed=False),)))
    cut_off = replace(step(0, observed=False), action="")
    trajectories.record(opened("no code", steps=(cut_off,)))
    assert ids(trajectories) == ["t2", "t1"]
    assert trajectories.waiting()[0] == trajectories.get("t2")
    assert ids(trajectories, None, 1) == ["t2"]


def test_it_does_not_wait_once_it_ran(trajectories: Trajectories) -> None:
    propose(trajectories, "t1")
    trajectories.observe("t1", step(0))
    assert ids(trajectories) == []


@pytest.mark.parametrize("notebook", ["b.ipynb", "\udc80.ipynb"])
def test_a_notebook_waits_for_its_own(trajectories: Trajectories, notebook: str) -> None:
    propose(trajectories, "t1")
    propose(trajectories, "t2", task=Task("Else", origin=Origin(notebook)))
    propose(trajectories, "t3", task=Task("Else"))
    assert ids(trajectories, notebook) == ["t2"]
    assert ids(trajectories, "c.ipynb") == []


def test_what_ran_in_place_of_the_action_is_kept(trajectories: Trajectories) -> None:
    propose(trajectories, "t1")
    edited = replace(step(0), ran="len(df) - 1 # \udc80")
    trajectories.observe("t1", edited)
    assert trajectories.get("t1").steps == (edited,)


def test_what_nobody_ran_expires(trajectories: Trajectories) -> None:
    propose(trajectories, "old", created_at=1.0)
    propose(trajectories, "new", created_at=9.0)
    trajectories.record(opened("observed", created_at=1.0, steps=(step(0),)))
    assert trajectories.expire(9.0) == ("old",)
    assert trajectories.expire(9.0) == ()
    assert trajectories.get("old").stop is StopReason.EXPIRED
    assert ids(trajectories) == ["new"]
    assert trajectories.get("observed").stop is None


def test_a_proposal_outlives_its_process(database: Database) -> None:
    dead = Trajectories(database, process="dead")
    propose(dead, "t1")
    dead.record(opened("t2", steps=(step(0),)))
    assert Trajectories(database).interrupt_orphans(lambda mark: False) == ("t2",)
    assert ids(dead) == ["t1"]

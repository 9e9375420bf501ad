"""Four kernels record failures while a fifth evolves and a person edits a skill: nothing is lost."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path

from metaclaw_jlab.core.errors import LeaseHeld
from metaclaw_jlab.core.evolution import Draft, Failure, Proposal, Source
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.trajectory import Role
from metaclaw_jlab.learning.inner_loop import evolve_once
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.skills.working_copy import synchronise
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.support import Support
from tests.kills import assert_whole
from tests.learning.homes import SAID, Ground, ScriptedEvolver, failed, ground

KERNELS, FAILURES, EDITS = 4, 5, 8


def one_skill_each(failures: Sequence[Failure], _: Sequence[Skill]) -> Proposal:
    """A skill for each of the first three failures, in words of its own."""
    return Proposal(
        tuple(
            Draft(
                f"rule-{failure.trajectory}",
                f"Use for {failure.task}.",
                (f"Mind the {failure.task}",),
                (Source(failure.trajectory, SAID),),
            )
            for failure in failures[:3]
        )
    )


def opened(home: Home) -> Ground:
    return Ground(home, open_database(home.database), ScriptedEvolver(one_skill_each))


def record(home: Home, kernel: int) -> None:
    """What a kernel does: build a prompt from the current generation, fail, record it."""
    kernels = opened(home)
    for number in range(FAILURES):
        generation = synchronise(home, kernels.skills).generation.number
        topic = f"topic{kernel}{number} subject{number}{kernel}"
        trajectory = failed(topic)
        kernels.record(replace(trajectory, stamp=replace(trajectory.stamp, skill_generation=generation)))
    kernels.database.close()


def evolve(home: Home, over: Event) -> None:
    """What the evolving kernel does, until nothing more comes."""
    evolving = opened(home)
    while True:
        last = over.is_set()
        try:
            idle = evolve_once(evolving.loop()).idle
        except LeaseHeld:
            continue
        if last and idle:
            break
    evolving.database.close()


def test_generations_are_consecutive_and_no_edit_and_no_support_is_lost(tmp_path: Path) -> None:
    made = ground(tmp_path / "home")
    home = made.home
    made.database.close()
    processes = multiprocessing.get_context("spawn")
    over = processes.Event()
    kernels = [processes.Process(target=record, args=(home, kernel)) for kernel in range(KERNELS)]
    evolving = processes.Process(target=evolve, args=(home, over))
    for process in (*kernels, evolving):
        process.start()
    person = opened(home)
    texts = [f"The {number}. text of a person" for number in range(EDITS)]
    for text in texts:
        write_skill(home.skills, Skill("by-hand", "Use when a person says so.", text))
        synchronise(home, person.skills)
    for process in kernels:
        process.join(60)
    over.set()
    evolving.join(60)
    assert [process.exitcode for process in (*kernels, evolving)] == [0] * (KERNELS + 1)

    synchronise(home, person.skills)
    generations = person.skills.generations(1000)
    assert [generation.number for generation in generations] == list(range(len(generations)))[::-1]
    history = {
        skill.body
        for generation in generations
        for skill in person.skills.members(generation.number)
        if skill.name == "by-hand"
    }
    assert history == set(texts)
    assert person.bodies()["by-hand"] == texts[-1]
    trajectories = person.trajectories.recent(1000)
    assert len(trajectories) == KERNELS * FAILURES
    assert {trajectory.role for trajectory in trajectories} == {Role.SUPPORT}
    evidence = [id_ for generation in generations for id_ in generation.evidence]
    assert sorted(evidence) == sorted(trajectory.id for trajectory in trajectories)
    assert all(
        generation.cause in {Cause.EVOLVER, Cause.USER} for generation in generations if generation.number
    )
    assert Support(person.database).pending(9) == ()
    assert_whole(home, person.skills)
    person.database.close()

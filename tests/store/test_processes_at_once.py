"""Several processes on one store, and processes that are killed."""

import multiprocessing
import random
import signal
import subprocess
import sys
from pathlib import Path

from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories
from tests.store.samples import ended, step

PROCESSES = 5
EACH = 500

WRITER = """
import sys
from pathlib import Path
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory, new_trajectory_id
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories
database = open_database(Path(sys.argv[1]))
trajectories, skills = Trajectories(database), Skills(database)
print("ready", flush=True)
while True:
    current = skills.current_generation()
    id_ = new_trajectory_id()
    trajectories.begin(Trajectory(id_, Task("x"), Stamp(current.number, (), "m")))
    trajectories.close(id_, StopReason.CHECK_FAILED)
    made = skills.commit_generation(Cause.EVOLVER, [Skill("a", f"After {current.number}.", "b")], [id_])
    print(made.number, flush=True)
"""


def record_many(path: Path) -> None:
    database = open_database(path)
    store = Trajectories(database)
    for _ in range(EACH):
        store.record(ended(steps=(step(0), step(1))))
    database.close()


def test_five_processes_record_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "metaclaw.db"
    context = multiprocessing.get_context("fork")
    recorders = [context.Process(target=record_many, args=(path,)) for _ in range(PROCESSES)]
    for recorder in recorders:
        recorder.start()
    for recorder in recorders:
        recorder.join(timeout=100)
    assert [recorder.exitcode for recorder in recorders] == [0] * PROCESSES
    database = open_database(path)
    assert Trajectories(database).counts().trajectories == PROCESSES * EACH
    assert database.problems() == ()
    database.close()


def test_a_killed_writer_leaves_the_old_generation_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "metaclaw.db"
    rng = random.Random(0)
    told = 0
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        for _ in range(rng.randint(1, 15)):
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        told = max([told, *map(int, writer.stdout.read().split("\n")[:-1])])
        writer.wait()
        writer.stdout.close()
        database = open_database(path)
        generations = Skills(database).generations(1_000_000)
        support = Trajectories(database).counts().roles
        assert database.problems() == ()
        assert [generation.number for generation in generations] == list(range(len(generations) - 1, -1, -1))
        # What the writer was told is there; at most the one that it had not been told of besides.
        assert generations[0].number - told in {0, 1}
        assert sum(len(generation.evidence) for generation in generations) == support["support"]  # type: ignore[index]
        database.close()

"""How long writing a trajectory of 10 steps takes, beside as many bare sqlite3 inserts of the same text.

Writes build/bench/store_write.json: medians in ms and their ratio.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Score, ScoreSource
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Observation, Stamp, Step, StopReason, Trajectory, new_trajectory_id
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.skills import Skills
from metaclaw_jlab.store.trajectories import Trajectories

OUTPUT = Path("build/bench/store_write.json")
ROUNDS = 300
STEPS = 10
LIMIT_MS = 5.0


def steps() -> tuple[Step, ...]:
    """Ten steps with prompts of a real size: 4,000 characters to begin with, 1,200 more each step."""
    prompt = (Message("system", "s" * 3000), Message("user", "u" * 1000))
    made = []
    for index in range(STEPS):
        observation = Observation(stdout="o" * 600, seconds=0.1)
        score = Score(0.5, ScoreSource.OUTCOME)
        made.append(Step(index, prompt, "r" * 600, "a" * 500, observation, (score,), Usage(900, 150), 0.4))
        prompt = (*prompt, Message("assistant", "r" * 600), Message("user", "o" * 600))
    return tuple(made)


def timed(action: Callable[[], None]) -> list[float]:
    """Milliseconds of each round."""
    spent = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        spent.append((time.perf_counter() - start) * 1000)
    return spent


def main() -> None:
    """Measure, print and write the result."""
    ten = steps()
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "metaclaw.db")
        store, skills = Trajectories(database), Skills(database)

        def blank() -> Trajectory:
            return Trajectory(new_trajectory_id(), Task("Count the rows"), Stamp(0, (), "tiny"))

        def as_it_happens() -> None:
            trajectory = blank()
            store.begin(trajectory)
            for step in ten:
                store.append(trajectory.id, step)
            store.close(trajectory.id, StopReason.DONE)

        def at_once() -> None:
            store.record(Trajectory(new_trajectory_id(), Task("x"), Stamp(0, (), "tiny"), steps=ten))

        bare = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = NORMAL")
        bare.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT)")

        def bare_inserts() -> None:
            for _ in range(STEPS + 2):
                bare.execute("INSERT INTO texts (text) VALUES (?)", ("x" * 2400,))

        spent = {
            "step_by_step": timed(as_it_happens),
            "at_once": timed(at_once),
            "bare_sqlite3": timed(bare_inserts),
            "read_newest": timed(lambda: (store.last(), None)[1]),
            "current_generation": timed(lambda: (skills.current_generation(), None)[1]),
        }
        bare.close()
        database.close()
    result = {
        "steps": STEPS,
        "rounds": ROUNDS,
        "p50_ms": {name: round(median(values), 3) for name, values in spent.items()},
        "p99_ms": {name: round(quantiles(values, n=100)[98], 3) for name, values in spent.items()},
        "ratio_to_bare_sqlite3": round(median(spent["step_by_step"]) / median(spent["bare_sqlite3"]), 2),
        "limit_ms": LIMIT_MS,
        "within_limit": median(spent["step_by_step"]) <= LIMIT_MS,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

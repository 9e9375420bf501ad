"""A home in which a practice house's tasks were done, and wait to be trained on: what weeks of work would leave."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from random import Random

from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.task import Origin
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.core.trajectory import Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.practice import draw_house, sample_task
from metaclaw_jlab.runtime.home import open_home
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.query import Query, QueryCounts
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories

SEED = 3
TASKS = 160
HELD_OUT_SHARE = 0.5  # a gate decides on 50 held-out tasks and more
NOTEBOOK = "practice.ipynb"
IDLE_SECONDS = 12.0

CONFIG = f"""\
[training]
steps = {{steps}}
held_out_share = {HELD_OUT_SHARE}
replay_share = 0.25

[scheduler]
idle_minutes = {{idle_minutes}}
min_window_minutes = 0
reattempt = false
desktop = false
battery = true
load_percent = 100

[evolver]
kind = "off"

[sandbox]
unattended = true
"""


def prepare(
    path: Path,
    *,
    steps: int = 20,
    tasks: int = TASKS,
    seed: int = SEED,
    idle_seconds: float = IDLE_SECONDS,
) -> QueryCounts:
    """Make the home; how many tasks wait in it. The same arguments make the same tasks."""
    home = open_home(path)
    home.config.write_text(CONFIG.format(steps=steps, idle_minutes=idle_seconds / 60))
    rng = Random(seed)
    house = draw_house(rng, "train")
    database = open_database(home.database)
    query = Query(database, held_out_share=HELD_OUT_SHARE)
    for number in range(tasks):
        task = sample_task(rng, "train", house, compound=False)
        prompt = practice_prompt(task, (), f"practised-{number:03d}", PromptKind.QUERY)
        Trajectories(database).record(_done(prompt, number))
        StartStates(database).keep(prompt.id, prompt.start)
        query.admit(prompt.id)
    counts = query.counts()
    database.close()
    return counts


def _done(prompt: TrainingPrompt, number: int) -> Trajectory:
    """The task as a user's that ended; how well it was done is for the training to find out."""
    step = Step(0, prompt.messages, "Done.", "")
    placed = replace(prompt.task, origin=Origin(NOTEBOOK, f"cell-{number}"))
    return Trajectory(
        prompt.id,
        placed,
        Stamp(0, (), EMBEDDED_MODEL),
        steps=(step,),
        stop=StopReason.NO_ACTION,
        created_at=time.time(),
    )

"""A home with a training of the embedded model on practice tasks, drained and ready for a worker."""

from __future__ import annotations

from pathlib import Path
from random import Random

from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.training import PromptKind, RunState, TrainingPrompt
from metaclaw_jlab.core.trajectory import Stamp, StopReason, Trajectory
from metaclaw_jlab.practice import draw_house, sample_task
from metaclaw_jlab.practice.replay_set import replay_set
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.training_folder import Job, TrainingFolder, training_folder, write_job
from metaclaw_jlab.store.database import open_database
from metaclaw_jlab.store.prompts import write_prompts
from metaclaw_jlab.store.query import Query
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.trajectories import Trajectories

TASKS = 40
SEED = 3


def query_prompts(n: int) -> list[TrainingPrompt]:
    """Tasks of one house without skills: half the attempts fail, so that there is something to learn."""
    rng = Random(SEED)
    house = draw_house(rng, "train")
    tasks = [sample_task(rng, "train", house, compound=False) for _ in range(n)]
    return [
        practice_prompt(task, (), f"task-{number:03d}", PromptKind.QUERY) for number, task in enumerate(tasks)
    ]


def prepare(path: Path, **plan: object) -> tuple[Home, int, TrainingFolder]:
    """A home, and a run with its folder furnished. `plan` are fields of a GrpoPlan."""
    home = open_home(path)
    database = open_database(home.database)
    trajectories, starts = Trajectories(database), StartStates(database)
    prompts = query_prompts(TASKS)
    for prompt in prompts:
        stamp = Stamp(0, (), EMBEDDED_MODEL)
        trajectories.record(
            Trajectory(prompt.id, prompt.task, stamp, stop=StopReason.NO_ACTION, created_at=1.0)
        )
        starts.keep(prompt.id, prompt.start)
        trajectories.admit(prompt.id)
    training = Training(database)
    run = training.begin(skill_generation=0, base=EMBEDDED_MODEL, base_sha256="", seed=SEED, steps=1).number
    query = Query(database)
    taken = set(query.drain(query.waiting(), run))
    training.change(run, RunState.TRAINING, "")
    database.close()
    folder = training_folder(home, run)
    write_prompts(folder.query, [prompt for prompt in prompts if prompt.id in taken])
    write_prompts(
        folder.replay,
        [practice_prompt(told.task, told.bodies, told.task.id, PromptKind.REPLAY) for told in replay_set(40)],
    )
    defaults: dict[str, object] = {
        "run": run,
        "model": EMBEDDED_MODEL,
        "seed": SEED,
        "steps": 10,
        "prompts": 8,
        "group": 8,
        "lr": 2e-3,
        "rank": 16,
        "temperature": 1.0,
        "replay_share": 0.5,
        "beta": 0.0,
        "process_weight": 0.25,
        "micro_batch": 0,
        "max_tokens": 256,
        "max_steps": 3,
    }
    write_job(folder, Job(defaults | plan, {"preload": ["pandas", "matplotlib"]}, unattended=True))
    return home, run, folder

"""How long it takes to look at an ablation of 2,000 tasks by 4 arms: read it, reckon the report, open the grid.

    python benchmarks/ablation_report.py [--tasks 2000] [--seeds 1]

A made-up run on disk, as a real one lies there; the first grid looks titles up, the second has them. The grid is to
open within 500 ms. Medians of several rounds. Writes build/bench/ablation_report.json.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from metaclaw_jlab.core.ablation import AblationPlan, Attempt
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.task_set import TaskSet, TrialTask
from metaclaw_jlab.evaluation.ablation.arms import parse_arms
from metaclaw_jlab.evaluation.ablation.attempts_log import attempt_record, read_attempts
from metaclaw_jlab.evaluation.ablation.grid import TITLES, task_grid
from metaclaw_jlab.evaluation.ablation.report import ablation_report
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, create_run
from metaclaw_jlab.evaluation.ablation.trial_files import tasks_path, write_tasks
from metaclaw_jlab.runtime.home import open_home

OUTPUT = Path("build/bench/ablation_report.json")
ARMS = "baseline,skills,full,placebo"
SHARES = (0.3, 0.4, 0.45, 0.31)
GRID_SECONDS = 0.5


def made_up(folder: Path, tasks: int, seeds: int) -> RunFolder:
    arms = parse_arms(ARMS)
    run = create_run(
        open_home(folder), AblationPlan(arms, "tasks.jsonl", "baseline", tasks, tuple(range(1, seeds + 1)))
    )
    rng = random.Random(0)
    with (run.jobs / "made-up.jsonl").open("w", encoding="utf-8") as file:
        for seed in range(1, seeds + 1):
            for number in range(tasks):
                luck = rng.random()
                for arm, share in zip(arms, SHARES, strict=True):
                    value = float(luck + rng.uniform(-0.2, 0.2) < share)
                    attempt = Attempt(
                        arm.name, f"t{number:05d}", seed, 0, value, seconds=1.0, prompt_tokens=900
                    )
                    file.write(json.dumps(attempt_record(attempt)) + "\n")
    trials = tuple(
        TrialTask(f"t{number:05d}", Task(f"Count the rows of {number}.csv.")) for number in range(tasks)
    )
    write_tasks(tasks_path(run), TaskSet("tasks.jsonl", trials))
    return run


def timed(what: Callable[[], object], rounds: int = 5) -> float:
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        what()
        found.append(time.perf_counter() - began)
    return round(median(found), 4)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = made_up(Path(folder), chosen.tasks, chosen.seeds)
        attempts = read_attempts(run)

        def first_grid() -> None:
            (run.path / TITLES).unlink(missing_ok=True)
            task_grid(run)

        found = {
            "tasks": chosen.tasks,
            "attempts": len(attempts),
            "read_seconds": timed(lambda: read_attempts(run)),
            "report_seconds": timed(lambda: ablation_report(run, attempts)),
            "first_grid_seconds": timed(first_grid),
            "grid_seconds": timed(lambda: json.dumps(task_grid(run))),
        }
    found["holds"] = max(found["first_grid_seconds"], found["grid_seconds"]) <= GRID_SECONDS
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

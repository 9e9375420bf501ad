"""The same measurement for several seeds, side by side where asked; a seed that was measured is not measured again."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import TaskFailed, UsageMistake
from metaclaw_jlab.evaluation.house_run import open_house
from metaclaw_jlab.evaluation.house_training import train_house
from metaclaw_jlab.evaluation.learning_seed import SeedPlan, measure_seed, summary

MeasureOne = Callable[[SeedPlan, int, Callable[[str], None]], dict[str, Any]]


def measure_seeds(
    plan: SeedPlan,
    seeds: Sequence[int],
    folder: Path,
    *,
    parallel: int = 1,
    say: Callable[[str], None],
    measure_one: MeasureOne | None = None,
) -> dict[str, Any]:
    """A report of each seed, kept in `folder` as it is done, and the summary.

    Those found there are not measured again. More than one at once are measured in processes of their own, each of
    which says what it does in a file beside its report. `measure_one` is for tests, and has this process alone.
    Raises UsageMistake where a report in the folder is of another plan; what went wrong with the first seed that
    failed, after the others are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    left = [seed for seed in seeds if _done(folder, plan, seed) is None]
    for seed in seeds:
        if seed not in left:
            say(f"seed {seed} was measured before: {report_file(folder, seed)}")
    if parallel > 1 and measure_one is None:
        _side_by_side(plan, left, folder, parallel, say)
    else:
        for seed in left:
            say(f"seed {seed}")
            _keep(folder, plan, seed, (measure_one or measured)(plan, seed, say))
            say(_line(seed, folder, plan))
    reports = [report for seed in seeds if (report := _done(folder, plan, seed)) is not None]
    return {"plan": asdict(plan), **summary(reports), "seeds": reports}


def report_file(folder: Path, seed: int) -> Path:
    """Where the report of a seed is kept."""
    return folder / f"seed-{seed}.json"


def measured(plan: SeedPlan, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """One seed, in a home of its own that is gone at the end. Raises MetaclawError."""
    with (
        tempfile.TemporaryDirectory(prefix="metaclaw-learning-", ignore_cleanup_errors=True) as folder,
        open_house(plan.of(seed), Path(folder) / "home", {}, say) as run,
    ):
        return measure_seed(run, plan, train_house)


def _side_by_side(
    plan: SeedPlan, seeds: Sequence[int], folder: Path, parallel: int, say: Callable[[str], None]
) -> None:
    failed: list[tuple[int, BaseException]] = []
    # Spawned: a fork would share the threads' locks and open connections of this process.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(parallel, mp_context=context, max_tasks_per_child=1) as processes:
        futures = {processes.submit(_measured_apart, plan, seed, folder): seed for seed in seeds}
        for future in as_completed(futures):
            seed = futures[future]
            error = future.exception()
            if error is None:
                say(_line(seed, folder, plan))
            else:
                failed.append((seed, error))
                say(f"seed {seed} failed: {error}")
    if failed:
        seed, error = failed[0]
        if isinstance(error, BrokenProcessPool):
            raise TaskFailed(
                "A measuring process was killed, perhaps for lack of memory.",
                "Run it again with a smaller --parallel; what was measured is kept.",
            ) from error
        raise error


def _measured_apart(plan: SeedPlan, seed: int, folder: Path) -> None:
    """Called in a process of its own."""
    with (folder / f"seed-{seed}.log").open("w", buffering=1, encoding="utf-8") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
        _keep(folder, plan, seed, measured(plan, seed, lambda line: print(line, file=log)))


def _keep(folder: Path, plan: SeedPlan, seed: int, report: dict[str, Any]) -> None:
    """Written aside and renamed: a report that is there is whole."""
    path = report_file(folder, seed)
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps({"plan": asdict(plan), **report}, indent=1) + "\n", encoding="utf-8")
    aside.replace(path)


def _done(folder: Path, plan: SeedPlan, seed: int) -> dict[str, Any] | None:
    path = report_file(folder, seed)
    if not path.is_file():
        return None
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if report["plan"] != asdict(plan):
        raise UsageMistake(f"{path} was measured by another plan.", "Name another folder with --out.")
    return report


def _line(seed: int, folder: Path, plan: SeedPlan) -> str:
    report = _done(folder, plan, seed)
    if report is None:
        return f"seed {seed} left no report"
    found = report["difference"]
    low, high = found["ci95"]
    return f"seed {seed}: full and skills {found['difference']:+.3f} ({low:+.3f} to {high:+.3f})"

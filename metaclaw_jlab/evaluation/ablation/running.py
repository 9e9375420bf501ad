"""An ablation is run: its home frozen, its tasks written down, its jobs given out, its budget kept.

What is finished is in the run's folder. Whoever resumes a run gives out only what is not.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.ablation import AblationPlan, AblationState, Budget
from metaclaw_jlab.core.errors import AblationError, LeaseHeld, MetaclawError
from metaclaw_jlab.core.task_set import TaskSet
from metaclaw_jlab.evaluation.ablation.attempts_log import forget, read_attempts
from metaclaw_jlab.evaluation.ablation.conducting import Conducting
from metaclaw_jlab.evaluation.ablation.frozen_home import freeze, open_frozen, place_of
from metaclaw_jlab.evaluation.ablation.jobs import Job, chain_jobs, planned, snapshot_jobs
from metaclaw_jlab.evaluation.ablation.plans import check_plan, is_practice, settings_of
from metaclaw_jlab.evaluation.ablation.precautions import check_rooms
from metaclaw_jlab.evaluation.ablation.progress import Progress
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder, RunState
from metaclaw_jlab.evaluation.ablation.trial_files import read_tasks, tasks_path, write_tasks
from metaclaw_jlab.evaluation.ablation.workers import LocalWorkers, Workers
from metaclaw_jlab.evaluation.task_sets import load_tasks
from metaclaw_jlab.evaluation.task_sets.leaks import refuse_leaks
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.leases import held_by, lease
from metaclaw_jlab.runtime.policy_server import stop as stop_server
from metaclaw_jlab.store.learnt_from import learnt_texts

logger = logging.getLogger(__name__)

MODULE = "metaclaw_jlab.evaluation.ablation"
LEASE_SECONDS = 600.0
START_SECONDS = 60.0
_WAIT_SECONDS = 2.0  # somebody may just be looking whether it runs
_POLL_SECONDS = 0.05
_TAIL_CHARS = 4000


def run_ablation(
    run: RunFolder,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    workers: Workers | None = None,
    heed_stop: bool = False,
    clock: Callable[[], float] = time.time,
) -> RunState:
    """Run an ablation in this process, or go on with it, and give the state that it came to: done, cancelled (asked to
    stop, or Ctrl-C), spent or failed, with the reason. All but a done one can be resumed.

    A wish to stop from before is forgotten unless `heed_stop`. Raises LeaseHeld where it runs already.
    """
    before = run.state()
    if before.state is AblationState.DONE:
        return before
    with _conducted(run):
        if not heed_stop:
            run.forget_stop()
        attempts = read_attempts(run)
        now = clock()
        used = before.seconds(now) if before.ended_at is not None else before.used
        run.change(
            state=AblationState.RUNNING,
            reason="",
            started_at=now,
            ended_at=None,
            used=used,
            before=len(attempts),
        )
        state, reason = AblationState.FAILED, "It broke off."
        try:
            state, reason = _run(run, on_progress, workers, clock)
        except KeyboardInterrupt:
            state, reason = AblationState.CANCELLED, "It was stopped by its user."
        except MetaclawError as error:
            logger.warning("Ablation %d has failed: %s", run.number, error)
            reason = str(error)
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"
            raise
        finally:
            stop_servers(run)
            run.forget_stop()
            ended = run.change(state=state, reason=reason, ended_at=clock())
            if state is AblationState.DONE:
                _clear(run)
        return ended


def start_beside(run: RunFolder, *, start_seconds: float = START_SECONDS) -> None:
    """Run an ablation, or go on with it, in a process of its own, which outlives this one; its log is run.log.

    Raises LeaseHeld where it runs already, AblationError where it does not come up.
    """
    if run.running():
        raise LeaseHeld(f"Ablation {run.number} is running.", f"See: metaclaw ablate show {run.number}.")
    run.forget_stop()
    descriptor = os.open(run.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, "--home", str(run.home.path), "--run", str(run.number)],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    except OSError as error:
        raise AblationError(f"The ablation cannot be started ({error}).", "See: metaclaw doctor.") from error
    finally:
        os.close(descriptor)
    # Whoever started it has to collect it when it ends, long after this call.
    threading.Thread(target=process.wait, name="metaclaw-ablation-end", daemon=True).start()
    _await(run, process, time.monotonic() + start_seconds)


def replan(run: RunFolder, budget: Budget) -> None:
    """Give a run another budget, before it is resumed. Raises LeaseHeld while it runs."""
    run.replan(replace(run.plan(), budget=budget))


def stop_servers(run: RunFolder) -> None:
    """Stop the policy servers of the run's homes."""
    for place in _homes(run):
        # A lease that is held is of a start under way, whose server nobody will use: it ends when idle.
        with suppress(MetaclawError):
            if (place / "runtime" / "policy.json").exists():
                stop_server(Home(place))


def _run(
    run: RunFolder,
    on_progress: Callable[[Progress], None],
    workers: Workers | None,
    clock: Callable[[], float],
) -> tuple[AblationState, str]:
    plan = run.plan()
    conducting = Conducting(run, plan, on_progress, clock)
    if (early := conducting.ended()) is not None:
        return early
    conducting.say("copying the home")
    jobs = _prepared(run, plan)
    own = workers or LocalWorkers(run, min(plan.parallel, max(1, len(jobs))))
    try:
        return conducting.conduct(jobs, own)
    finally:
        own.close()
        forget(run, conducting.void())


def _prepared(run: RunFolder, plan: AblationPlan) -> list[Job]:
    """The copy, the tasks, and what is left to be done. Raises MetaclawError where the plan cannot be carried out."""
    with closing(open_workspace(run.home.path, plan.settings, namespace=run.home.namespace)) as workspace:
        check_plan(plan, workspace)
        for sentence in check_rooms(plan, workspace):
            run.note(sentence)
        tasks = _tasks(run, plan, workspace)
    _freeze(run, plan)
    if plan.days is None or not is_practice(plan.tasks):
        _refuse_leaks(run, tasks)
    run.change(of=planned(plan, tasks))
    done = {attempt.key for attempt in read_attempts(run)}
    if plan.days is None:
        return snapshot_jobs(plan, next(iter(tasks.values())), done)
    return chain_jobs(plan, tasks, done)


def _tasks(run: RunFolder, plan: AblationPlan, workspace: Workspace) -> dict[int, TaskSet]:
    """The tasks by seed, loaded once and kept. In a stream each seed has a file: practice draws a house by it."""
    drawn = plan.days is not None
    sets: dict[Path, TaskSet] = {}
    found = {}
    for seed in plan.seeds:
        path = tasks_path(run, seed if drawn else None)
        if not path.exists():
            write_tasks(path, _loaded(plan, seed, workspace))
        if path not in sets:
            sets[path] = read_tasks(path)
            for sentence in sets[path].notes:
                run.note(sentence)
        found[seed] = sets[path]
    return found


def _loaded(plan: AblationPlan, seed: int, workspace: Workspace) -> TaskSet:
    tasks = load_tasks(plan.tasks, plan.n, seed=seed, workspace=workspace, days=plan.days)
    if not tasks.test:
        raise AblationError(f"{plan.tasks} has no test tasks.", "Choose other tasks, or a larger file.")
    return tasks


def _refuse_leaks(run: RunFolder, tasks: Mapping[int, TaskSet]) -> None:
    """The tasks may have been taken long before the copy, of a home that went on learning. Raises LeakFound."""
    with closing(open_workspace(run.frozen, namespace="")) as frozen:
        learnt = learnt_texts(frozen.database())
    for found in {id(one): one for one in tasks.values()}.values():
        refuse_leaks(found, learnt)


def _freeze(run: RunFolder, plan: AblationPlan) -> None:
    """The copy of the home, and one for each local model that only some arms have."""
    frozen = freeze(run.home, run.frozen, copy_of=f"ablation {run.number}")
    if plan.days is not None:
        return
    with closing(open_frozen(frozen.path, plan.settings)) as common:
        for arm in plan.arms:
            own = common.configuration(settings_of(plan, arm)).settings
            place = place_of(frozen.path, common.settings(), own)
            if place != frozen.path:
                freeze(frozen, place, copy_of=f"ablation {run.number}, arm {arm.name}")


def _homes(run: RunFolder) -> list[Path]:
    chains = sorted(run.chains.glob("*")) if run.chains.is_dir() else []
    return [*sorted(run.path.glob("home*")), *chains, *(path for chain in chains for path in chain.glob("*"))]


def _clear(run: RunFolder) -> None:
    """Delete the homes of a run that is done: nothing is to be resumed."""
    for place in (*run.path.glob("home*"), run.chains):
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _conducted(run: RunFolder) -> Iterator[None]:
    held = False
    try:
        with lease(run.home, run.lease_name, wait_seconds=_WAIT_SECONDS, valid_seconds=LEASE_SECONDS):
            held = True
            yield
    except LeaseHeld as error:
        if held:
            raise
        raise LeaseHeld(
            f"Ablation {run.number} is running already.", f"See: metaclaw ablate show {run.number}."
        ) from error


def _await(run: RunFolder, process: subprocess.Popen[bytes], deadline: float) -> None:
    while (code := process.poll()) is None:
        holder = held_by(run.home, run.lease_name)
        if holder is not None and holder.pid == process.pid:
            return
        if time.monotonic() > deadline:
            process.terminate()
            raise AblationError("The ablation did not come up.", f"What it says is in {run.log}.")
        time.sleep(_POLL_SECONDS)
    if code != 0 and not run.state().state.over:
        raise AblationError(_last_words(run) or f"The ablation ended with code {code}.", f"See {run.log}.")


def _last_words(run: RunFolder) -> str:
    try:
        said = run.log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARS:].strip()
    except OSError:
        return ""
    return said.splitlines()[-1].removeprefix("metaclaw: ") if said else ""


__all__ = ["Progress", "replan", "run_ablation", "start_beside", "stop_servers"]

"""A night of a chain: its home's slow loop as it is, from the query set to the gate, within a window."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from metaclaw_jlab.agent.graded_sandbox import asked
from metaclaw_jlab.agent.practice_prompts import practice_prompt
from metaclaw_jlab.agent.rooms import practice_start
from metaclaw_jlab.assembly.schedule import training_need
from metaclaw_jlab.core.arm import SkillSource
from metaclaw_jlab.core.errors import LeaseHeld, MetaclawError, NothingToTrain
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.task_set import TrialTask
from metaclaw_jlab.core.training import PromptKind, RunState, TrainingPrompt
from metaclaw_jlab.evaluation.ablation.chain_home import ChainHome
from metaclaw_jlab.evaluation.ablation.run_folder import RunFolder
from metaclaw_jlab.evaluation.ablation.seals import require_marker
from metaclaw_jlab.evaluation.ablation.unseparated import copy_older
from metaclaw_jlab.evaluation.ablation.wrong_outcomes import told_wrong
from metaclaw_jlab.evaluation.house_training import GATE_TASKS
from metaclaw_jlab.evaluation.task_sets.practice_tasks import household_of
from metaclaw_jlab.learning.inner_loop import evolve_once
from metaclaw_jlab.learning.outlook import lacking, wish
from metaclaw_jlab.practice import validation_tasks
from metaclaw_jlab.runtime.home import Home, replace_private
from metaclaw_jlab.runtime.train_worker import tell_to_stop

if TYPE_CHECKING:
    from metaclaw_jlab.learning.collecting import Collecting
    from metaclaw_jlab.learning.outer_loop import OuterLoop, Progress
    from metaclaw_jlab.learning.reattempts import Reattempts

SKIPPED = "skipped"  # nothing, or too little, is there to train on
POLL_SECONDS = 0.5
_FOLDER = "nights"
_SEEDS = 2**31
_FORCED = "In this arm every candidate serves."


@dataclass(frozen=True, slots=True)
class Night:
    """What came of the night after a day: how its training stands (a core.training.RunState, or SKIPPED) and why, the
    adapter that was made, and the one that serves since (0: the base alone)."""

    day: int
    state: str
    reason: str
    steps: int = 0
    adapter: int | None = None
    served: int = 0
    seconds: float = 0.0


def spend_night(
    home: ChainHome, day: int, stop: Callable[[], bool], *, clock: Callable[[], float] = time.monotonic
) -> Night:
    """One training of the home and its gate, as far as the arm's window goes: the next night takes up what is paused.

    A training that breaks off is the night's end, not the chain's. Raises KeyboardInterrupt that is the user's own,
    and AblationError.
    """
    began, window = clock(), home.arm.learning.window_minutes

    def over() -> bool:
        return stop() or (window is not None and clock() - began >= 60 * window)

    try:
        found = _trained(home, day, over)
    except NothingToTrain as error:
        found = Night(day, SKIPPED, str(error))
    except (KeyboardInterrupt, LeaseHeld):
        if not over():
            raise
        found = Night(day, RunState.PAUSED.value, "The window was over before a training had begun.")
    return replace(found, served=home.served, seconds=round(clock() - began, 1))


def _trained(home: ChainHome, day: int, over: Callable[[], bool]) -> Night:
    from metaclaw_jlab.learning.outer_loop import train_once

    if not home.arm.learning.separated:
        copy_older(home.workspace)
    need, settings = training_need(home.workspace), home.workspace.settings()
    if wish(need, settings.scheduler) is None:
        return Night(day, SKIPPED, lacking(need, settings.scheduler))
    loop = _slow_loop(home, over)
    try:
        with _ended_by(over, home.workspace.home):
            run = train_once(loop, seed=home.seed * 1000 + day)
    except (NothingToTrain, LeaseHeld):
        raise
    except (
        MetaclawError
    ) as error:  # a worker that broke off, files that are damaged: the base of the next night
        return Night(day, RunState.PAUSED.value if over() else RunState.FAILED.value, str(error))
    if not run.state.over and not over():
        raise KeyboardInterrupt
    said = run.reason if run.state.over else "The window was over; the next night goes on."
    if run.state is RunState.DONE and run.adapter is not None and not home.arm.learning.gated:
        _force(home, run.adapter)
        said = f"Adapter v{run.adapter} serves. {_FORCED}"
    return Night(day, run.state.value, said, run.steps_done, run.adapter)


def _slow_loop(home: ChainHome, over: Callable[[], bool]) -> OuterLoop:
    """The home's own, with fresh validation tasks for its gate where its tasks are practice tasks."""

    def on_progress(_: Progress) -> None:
        if over():
            raise KeyboardInterrupt

    def settle() -> bool:
        return not evolve_once(home.workspace.inner_loop(replayer=home.replayer())).idle

    loop = home.workspace.outer_loop(
        on_progress=on_progress,
        gate_prompts=(lambda seed: gate_prompts(home, seed)) if home.practice else None,
        settle=settle if home.evolves else lambda: False,
    )
    collecting, gating = loop.collecting, loop.gating
    if home.arm.skills is not SkillSource.LIBRARY:
        loop = replace(loop, collecting=lambda: _under_own_skills(collecting(), home))
    if (
        not home.arm.learning.gated
    ):  # the gate's word counts for nothing, so it is asked about what is held out alone
        loop = replace(loop, gating=lambda: replace(gating(), regression=lambda: (), fresh=lambda _: ()))
    return loop


def gate_prompts(home: ChainHome, seed: int, n: int = GATE_TASKS) -> tuple[TrainingPrompt, ...]:
    """Fresh validation tasks of the chain's house under the skills that its arm has for them now. Outcomes that the
    learner is told wrongly are told so to its gate too."""
    house, skills_of = household_of(home.tasks.test[0]).house, home.skills()
    own = Random(f"gate/{home.seed}/{seed}").randrange(_SEEDS)
    tested = {trial.task.text for trial in home.tasks.test}  # what serves is not chosen on those
    found = []
    for number, task in enumerate(validation_tasks(house, own, n)):
        if task.text in tested:
            continue
        id_ = f"{house.split}-{home.seed}-gate-{own}-{number:05d}"
        trial = TrialTask(id_, asked(task), practice_start(task), group=house.name)
        bodies = [match.skill.body for match in skills_of(trial)]
        told = replace(task, misjudged=told_wrong(home.arm.learning.wrong, home.seed, id_))
        found.append(practice_prompt(told, bodies, id_, PromptKind.QUERY))
    return tuple(found)


def _under_own_skills(collecting: Collecting, home: ChainHome) -> Collecting:
    """Older tasks are attempted again with the skills of the arm's own source."""
    trials = {trial.task.text: trial for day in home.tasks.days for trial in day}
    skills_of, lock = home.skills(), threading.Lock()

    def retrieve(task: Task) -> tuple[Match, ...]:
        with lock:
            return skills_of(trials.get(task.text) or TrialTask(task.name or "", task))

    def reattempts(rooms: Rooms) -> Reattempts:
        return replace(collecting.reattempts(rooms), retrieve=retrieve)

    return replace(collecting, reattempts=reattempts)


def _force(home: ChainHome, version: int) -> None:
    from metaclaw_jlab.learning.adapters import force
    from metaclaw_jlab.store.serving import Serving

    require_marker(home.workspace.home, "serving whatever the gate says")
    if Serving(home.workspace.database()).current() != version:
        force(home.workspace.home, home.workspace.database(), version, _FORCED)


@contextmanager
def _ended_by(over: Callable[[], bool], home: Home) -> Iterator[None]:
    """Inside, a train worker of this home is told to stop as soon as it is over; it pauses then."""
    left = threading.Event()

    def watch() -> None:
        while not left.wait(POLL_SECONDS):
            if over():
                tell_to_stop(home)

    thread = threading.Thread(target=watch, name="metaclaw-night", daemon=True)
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()


def write_night(run: RunFolder, arm: str, seed: int, night: Night) -> None:
    """Keep what came of a night with its run, in place of what is there of that day and later ones."""
    path = run.path / _FOLDER / f"{arm}-{seed}.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    known = [one for one in read_nights(run, arm, seed) if one.day < night.day]
    replace_private(path, json.dumps([asdict(one) for one in (*known, night)], indent=1))


def read_nights(run: RunFolder, arm: str, seed: int) -> tuple[Night, ...]:
    """What came of the nights of a chain so far."""
    path = run.path / _FOLDER / f"{arm}-{seed}.json"
    try:
        return tuple(Night(**record) for record in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return ()


__all__ = ["SKIPPED", "Night", "gate_prompts", "read_nights", "spend_night", "write_night"]

"""A home for the slow loop, and stand-ins for its train worker that speak the same events."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from metaclaw_jlab.core.config import TrainingSettings
from metaclaw_jlab.core.errors import ExecutorError
from metaclaw_jlab.core.executor import Executor
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.policy import Message, Sampling
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.start_state import Rooms, StartState
from metaclaw_jlab.core.task import Origin, Task
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt, TrainingRun
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.learning.collecting import Collecting
from metaclaw_jlab.learning.gating import CANDIDATE, Gating
from metaclaw_jlab.learning.outer_loop import OuterLoop, Progress
from metaclaw_jlab.learning.reattempts import Reattempts
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.runtime.train_worker import Ending, EventKind, WorkerEvent, WorkerJob
from metaclaw_jlab.runtime.training_folder import TrainingFolder, training_folder
from metaclaw_jlab.runtime.trials import Attempt, outcomes_file, read_plan, suite_file
from metaclaw_jlab.store.encoding import dump
from metaclaw_jlab.store.prompts import read_prompts
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.training import Training
from tests.learning.homes import CHECK, Ground, passed

BASE = "tiny"
START = StartState(objects={"df": b"pickled"})
GATE_TASKS = 60
Script = Callable[[TrainingFolder], Iterator[WorkerEvent]]


def ended(ending: Ending = Ending.DONE, reason: str = "") -> WorkerEvent:
    """The last event of a worker."""
    return WorkerEvent(EventKind.ENDED, {"ending": ending.value, "reason": reason})


def step(number: int) -> WorkerEvent:
    """What is told of a step."""
    return WorkerEvent(EventKind.STEP, {"step": number, "reward": 0.5})


def trains(folder: TrainingFolder) -> Iterator[WorkerEvent]:
    """A training of one step."""
    folder.checkpoints.mkdir()
    yield step(1)
    leave_adapter(folder)
    yield ended()


def leave_adapter(folder: TrainingFolder) -> None:
    """What a training makes."""
    folder.adapter.mkdir()
    (folder.adapter / "adapter_model.safetensors").write_bytes(b"weights")
    (folder.adapter / "adapter_config.json").write_text("{}")


def ends(ending: Ending, reason: str = "", *before: WorkerEvent) -> Script:
    """A worker that ends so, after some steps."""

    def script(_: TrainingFolder) -> Iterator[WorkerEvent]:
        yield from before
        yield ended(ending, reason)

    return script


def dies(folder: TrainingFolder) -> Iterator[WorkerEvent]:
    """A worker that is killed in its first step."""
    folder.checkpoints.mkdir(exist_ok=True)
    yield step(1)


def tries(
    *, candidate: bool = True, others: bool = False, regression: bool = True, kl: float = 0.1
) -> Script:
    """Trials in which the candidate solves all held-out tasks or none, and so do the others; all of them alike on the
    regression set unless the candidate is to fail there."""

    def script(folder: TrainingFolder) -> Iterator[WorkerEvent]:
        plan = read_plan(folder)
        lines = []
        for suite in plan.suites:
            for prompt in read_prompts(suite_file(folder, suite.name)):
                for arm in suite.arms:
                    own = arm == CANDIDATE
                    well = (candidate if own else others) if suite.name == "gain" else (not own or regression)
                    lines += [
                        Attempt(
                            suite.name,
                            plan.arms[arm] or "",
                            prompt.id,
                            temperature,
                            0,
                            float(well),
                            well,
                            10,
                            kl=kl if own else None,
                        )
                        for temperature in suite.temperatures
                    ]
        text = "".join(dump(asdict(line)) + "\n" for line in lines)
        outcomes_file(folder, plan).write_text(text)
        yield WorkerEvent(EventKind.TRIALS, {"done": len(lines), "total": len(lines)})
        yield ended()

    return script


@dataclass
class StandIn:
    """Stands for runtime.train_worker.Worker."""

    told: Iterator[WorkerEvent]
    last: WorkerEvent | None = None
    stopped: bool = False

    def events(self) -> Iterator[WorkerEvent]:
        for event in self.told:
            self.last = event if event.kind is EventKind.ENDED else self.last
            yield event

    def stop(self, _: float) -> float:
        self.stopped = True
        return 0.0

    def wait(self) -> WorkerEvent:
        for _ in self.events():
            pass
        return self.last or ended(Ending.KILLED, "The train worker was killed by signal 9.")


@dataclass
class Workers:
    """Starts stand-ins: one script after the other for each job, the last one again and again."""

    trainings: list[Script] = field(default_factory=lambda: [trains])
    trials: list[Script] = field(default_factory=lambda: [tries()])
    started: list[WorkerJob] = field(default_factory=list)
    made: list[StandIn] = field(default_factory=list)

    def __call__(self, home: Home, run: int, *, job: WorkerJob, resume: bool) -> StandIn:
        assert resume
        self.started.append(job)
        scripts = self.trainings if job is WorkerJob.TRAINING else self.trials
        script = scripts.pop(0) if len(scripts) > 1 else scripts[0]
        self.made.append(StandIn(script(training_folder(home, run))))
        return self.made[-1]


class NoRooms:
    """Implements core.start_state.Rooms: nothing can be attempted again."""

    def open(self, start: StartState, task: Task) -> Executor:
        raise ExecutorError("There is no room.", "Wait.")

    def isolated(self) -> bool:
        return True


def gate_prompt(number: int, name: str = "gate") -> TrainingPrompt:
    """A task that is held out."""
    task = Task(f"Task {number}", checks=(CHECK,))
    return TrainingPrompt(f"{name}-{number}", PromptKind.QUERY, task, (Message("user", "Do it."),), START)


@dataclass
class Slow:
    """A home, its slow loop and what it told."""

    ground: Ground
    workers: Workers = field(default_factory=Workers)
    progress: list[Progress] = field(default_factory=list)
    settling: Callable[[], bool] = field(default=lambda: False)
    rooms: Callable[[], AbstractContextManager[Rooms]] = field(default=lambda: nullcontext(NoRooms()))

    @property
    def runs(self) -> tuple[TrainingRun, ...]:
        """All runs, the first first."""
        return Training(self.ground.database).recent(100)[::-1]

    def folder(self, run: int = 1) -> TrainingFolder:
        return training_folder(self.ground.home, run)

    def works(self, cell: str, **changes: object) -> str:
        """A task that the user gives now and that passes, its start kept; its id."""
        generation = self.ground.skills.current_generation().number
        done = passed(f"Save what is dear in {cell}.csv", **changes)
        done = replace(
            done,
            task=replace(done.task, origin=Origin("report.ipynb", cell)),
            stamp=replace(done.stamp, skill_generation=generation),
            steps=tuple(replace(one, messages=(Message("user", cell),)) for one in done.steps),
        )
        return self.keeps(done)

    def keeps(self, trajectory: Trajectory, start: StartState = START) -> str:
        self.ground.trajectories.record(trajectory)
        StartStates(self.ground.database).keep(trajectory.id, start)
        return trajectory.id

    def advances(self) -> None:
        """The library gets another skill."""
        number = self.ground.skills.current_generation().number
        new = Skill(f"skill-{number}", "Says how.", "Do it.")
        self.ground.skills.commit_generation(Cause.USER, [new])

    def gating(self, **changes: Any) -> Gating:
        fields: dict[str, Any] = {
            "home": self.ground.home,
            "database": self.ground.database,
            "temperature": 0.7,
            "held_out_share": 0.2,
            "regression": lambda: [gate_prompt(number, "regression") for number in range(GATE_TASKS)],
            "fresh": lambda seed: [gate_prompt(number, f"fresh-{seed}") for number in range(GATE_TASKS)],
        }
        return Gating(**{**fields, **changes})

    def collecting(self) -> Collecting:
        ground = self.ground
        return Collecting(
            database=ground.database,
            held_out_share=0.0,
            generation=lambda: ground.skills.current_generation().number,
            settle=self.settling,
            rooms=self.rooms,
            reattempts=self.reattempts,
        )

    def reattempts(self, rooms: Rooms, *replies: str) -> Reattempts:
        return Reattempts(
            database=self.ground.database,
            policy=ScriptedPolicy(replies),
            rooms=rooms,
            generation=self.ground.skills.current_generation().number,
            retrieve=lambda _: (),
            sampling=Sampling(0.0, 64),
            max_steps=2,
        )

    def loop(self, **changes: Any) -> OuterLoop:
        fields: dict[str, Any] = {
            "home": self.ground.home,
            "database": self.ground.database,
            "settings": TrainingSettings(steps=3),
            "base": BASE,
            "base_sha256": lambda: "b" * 64,
            "plan_of": plan_of,
            "sandbox": {},
            "unattended": False,
            "collecting": self.collecting,
            "gating": self.gating,
            "replay": replay,
            "on_progress": self.progress.append,
            "start_worker": self.workers,
        }
        return OuterLoop(**{**fields, **changes})


def plan_of(run: TrainingRun, parent: object, judged: bool) -> dict[str, object]:
    """What a worker would be told."""
    assert not judged
    return {
        "run": run.number,
        "max_tokens": 8,
        "max_steps": 2,
        "parent": None if parent is None else str(parent),
    }


def replay() -> Sequence[TrainingPrompt]:
    """A frozen replay set of one."""
    return (replace(gate_prompt(0, "replay"), kind=PromptKind.REPLAY),)

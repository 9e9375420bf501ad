"""A model whose answers depend on how it is asked, and tasks that cost nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.core.config import EMBEDDED_MODEL, Settings
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.evaluation.calibration.bench import Bench, households
from metaclaw_jlab.evaluation.calibration.candidates import Candidate
from metaclaw_jlab.evaluation.practice_arms import Household
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.practice import PracticeTask
from metaclaw_jlab.runtime.home import Home, open_home

Answer = Callable[[PracticeTask, int, Candidate], tuple[bool, bool]]
MODEL = EMBEDDED_MODEL  # it is here without being fetched, and nothing of it is asked


@dataclass
class PlantedBench:
    """Attempts that come to what `answer` says of the task, its number and the candidate: right and strict."""

    answer: Answer
    households: tuple[Household, ...]
    seed: int
    settings: Settings = field(default_factory=Settings)
    policy: ScriptedPolicy = field(default_factory=lambda: ScriptedPolicy([]))
    made: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[int], None] = lambda _: None
    failure: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def tasks(self) -> tuple[PracticeTask, ...]:
        return Bench.tasks.fget(self)  # type: ignore[attr-defined]

    def trial(self) -> Callable[[PracticeTask, Candidate], tuple[Attempt, Trajectory | None]]:
        numbers = {task.id: number for number, task in enumerate(self.tasks)}

        def tried(task: PracticeTask, candidate: Candidate) -> tuple[Attempt, Trajectory | None]:
            with self.lock:
                self.before(len(self.made))
                self.made.append((candidate.key, task.id))
            right, strict = self.answer(task, numbers[task.id], candidate)
            value, failed = float(strict), self.failure
            made = Attempt(candidate.key, task.id, self.seed, 0, value, right, seconds=1.0, prompt_tokens=100)
            return replace(made, failure=failed), None

        return tried


class Planted:
    """Opens benches of one answer, and keeps the last."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.before: Callable[[int], None] = lambda _: None
        self.failure: str | None = None
        self.opened: list[PlantedBench] = []

    @property
    def made(self) -> list[tuple[str, str]]:
        return self.opened[-1].made

    @contextmanager
    def __call__(
        self, home: Home, name: str, seed: int, n: int, say: Callable[[str], None]
    ) -> Iterator[PlantedBench]:
        bench = PlantedBench(self.answer, households(seed, n), seed, before=self.before, failure=self.failure)
        self.opened.append(bench)
        yield bench


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def planted() -> type[Planted]:
    return Planted


@pytest.fixture
def small_model() -> Answer:
    """Right at two thirds of the tasks when asked briefly, shown rows and mended, at a third else; strict at half of
    what is right with one skill after the task, at less with more of them or at the system message."""

    def answer(_: PracticeTask, number: int, candidate: Candidate) -> tuple[bool, bool]:
        of = candidate.prompting
        well = of.instructions == "brief" and of.file_rows > 0 and of.ends == "ran"
        right = number % 3 < (2 if well else 1)
        crowded = of.max_skills not in (0, 1)
        told = of.max_skills == 1 and of.skills_at == "task" and candidate.temperature == 0
        right = right and not (crowded and number % 2)
        return right, right and told and number % 4 > 0

    return answer

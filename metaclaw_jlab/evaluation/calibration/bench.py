"""Where a model is calibrated: a home of its own with a policy server, the user's sandboxes, validation tasks."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import get_args

from metaclaw_jlab.agent.prompt import MEND, SKILLS_PREAMBLE, system_message
from metaclaw_jlab.assembly import Workspace, open_workspace
from metaclaw_jlab.core.ablation import Attempt
from metaclaw_jlab.core.config import Settings, SkillSettings
from metaclaw_jlab.core.errors import LeaseHeld
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.prompting import Instructions, Prompting
from metaclaw_jlab.core.trajectory import Trajectory
from metaclaw_jlab.evaluation.calibration.candidates import TRIED_COUNTS, Candidate
from metaclaw_jlab.evaluation.practice_arms import (
    Household,
    SkillsOf,
    attempt_record,
    draw_households,
    retrieved_skills,
)
from metaclaw_jlab.evaluation.practice_attempt import Conditions, attempt
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.policies.calibration import sha256_of
from metaclaw_jlab.policies.model_store import find_installed, share
from metaclaw_jlab.policies.served_model import resolve
from metaclaw_jlab.practice import PracticeTask
from metaclaw_jlab.runtime.home import Home, open_home, write_private
from metaclaw_jlab.runtime.policy_server import stop

SPLIT = "validation"
HOUSES = 4
WORKERS = 2
# No validation task needs more; a small model that runs on would take hours.
MOST_STEPS = 4
MOST_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Bench:
    """A policy that answers, and all that its attempts need beside a candidate."""

    policy: Policy
    pool: SandboxPool
    settings: Settings
    households: tuple[Household, ...]
    seed: int

    @property
    def tasks(self) -> tuple[PracticeTask, ...]:
        """The tasks of all houses in turn, so that the first few are of each."""
        rows = zip_longest(*(household.tasks for household in self.households))
        return tuple(task for row in rows for task in row if task is not None)

    def trial(self) -> Callable[[PracticeTask, Candidate], tuple[Attempt, Trajectory | None]]:
        """How a candidate's attempt at a task is made, from any thread."""
        retrieval, one_at_a_time = cache(self._skills_of), threading.Lock()

        def tried(task: PracticeTask, candidate: Candidate) -> tuple[Attempt, Trajectory | None]:
            with one_at_a_time:
                skills = retrieval(candidate.prompting)(task)
            done = attempt(task, skills, self._conditions(candidate))
            seen = attempt_record(candidate.key, task, skills, done)
            return Attempt(
                arm=candidate.key,
                task=task.id,
                seed=self.seed,
                sample=0,
                value=float(seen.verdict.strict),
                right=seen.verdict.task_right,
                stop=seen.stop,
                failure=seen.failure,
                skills=seen.skills,
                steps=seen.steps,
                seconds=round(seen.seconds, 3),
                prompt_tokens=seen.prompt_tokens,
                completion_tokens=seen.completion_tokens,
            ), done.trajectory

        return tried

    def _skills_of(self, prompting: Prompting) -> SkillsOf:
        limits = SkillSettings(max_skills=max(TRIED_COUNTS), max_tokens=self.settings.skills.max_tokens)
        return retrieved_skills(self.households, limits, prompting)

    def _conditions(self, candidate: Candidate) -> Conditions:
        wanted = self.settings.policy
        longest = min(wanted.max_tokens, MOST_TOKENS)
        return Conditions(
            policy=self.policy,
            pool=self.pool,
            sampling=Sampling(candidate.temperature, longest, self.seed, extra=wanted.extra),
            max_steps=min(self.settings.agent.steps, MOST_STEPS),
            prompting=candidate.prompting,
        )


def households(seed: int, n: int) -> tuple[Household, ...]:
    """n validation tasks with natural names; more of them begin with the same ones."""
    return draw_households(seed, n, houses=HOUSES, split=SPLIT, names="natural")


@contextmanager
def open_bench(home: Home, name: str, seed: int, n: int, say: Callable[[str], None]) -> Iterator[Bench]:
    """The bench of a local model, served from a home that is gone at the end.

    Raises ModelUnusable, ServerStartFailed, ExecutorError, ConfigError.
    """
    served = resolve(home, name)
    with (
        tempfile.TemporaryDirectory(prefix="metaclaw-calibration-", ignore_cleanup_errors=True) as folder,
        closing(open_workspace(home.root, namespace="")) as own,
        closing(_apart(own, Path(folder) / "home", served.name)) as apart,
    ):
        try:
            policy = apart.policy(say)
            with own.sandbox_pool(WORKERS) as pool:
                yield Bench(policy, pool, own.settings(), households(seed, n), seed)
        finally:
            # A lease that is held is of a start under way, whose server nobody will use: it ends when idle.
            with suppress(LeaseHeld):
                stop(apart.home)


def model_sha256(home: Home, name: str) -> str | None:
    """The hash of the model's file, of all its files where they are several; None where it is not known here."""
    served = resolve(home, name)
    here = find_installed(home, name)
    if here is not None:
        return sha256_of(here)
    if isinstance(served.place, Path) and served.place.is_file():
        with served.place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return None


def prompts_sha256() -> str:
    """Of the texts that stand in prompts whatever the task: attempts under others are not comparable."""
    fixed = [system_message((), Prompting(instructions=name)).content for name in get_args(Instructions)]
    return hashlib.sha256("\0".join([*fixed, SKILLS_PREAMBLE, MEND]).encode()).hexdigest()


def _apart(own: Workspace, place: Path, model: str) -> Workspace:
    """A workspace in a new home that shares the models: a server of its own, that no notebook's takes the place of."""
    apart = open_home(place)
    share(own.home, apart)
    if own.home.config.is_file():
        write_private(apart.config, own.home.config.read_text(encoding="utf-8"))
    overrides: dict[str, object] = {"policy.local_model": model}
    if own.settings().policy.base_url is not None:
        overrides["policy.base_url"] = None
    return open_workspace(place, overrides, namespace="")

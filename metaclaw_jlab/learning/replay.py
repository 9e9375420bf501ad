"""Does tasks of the user again in a sandbox, on a copy of their working folder. The user's files stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock

from metaclaw_jlab.agent.rollout import Rollout, run_task
from metaclaw_jlab.core.adapter import answering
from metaclaw_jlab.core.errors import ExecutorError, NotFound, StoreError
from metaclaw_jlab.core.policy import Policy, Sampling
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.replay import Case, Replayed
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Purpose, StopReason, Trajectory
from metaclaw_jlab.executors.folder import read_folder
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.learning.renaming import other_names, renamed
from metaclaw_jlab.skills.masking import own_words

# A larger working folder is not copied again and again beside the user's work.
FOLDER_BYTES = 16_000_000
CONCURRENCY = 8
_FAILED = frozenset({StopReason.POLICY_FAILED, StopReason.EXECUTOR_FAILED})


@dataclass(frozen=True, slots=True)
class SandboxReplayer:
    """Implements core.replay.Replayer for the tasks of one kernel.

    `folder_of` gives the working folder of a trajectory's task, None where it is not known. What lived in the
    kernel's memory is not there: a task that needs it fails otherwise than it did, and its trial does not count.
    `pinned_to` gives the policy that answered under a stamp's model name, where it has versions.
    """

    get: Callable[[str], Trajectory]
    folder_of: Callable[[str], Path | None]
    policy: Policy
    pool: SandboxPool
    sampling: Sampling
    max_steps: int
    concurrency: int = CONCURRENCY
    pinned_to: Callable[[str], Policy] | None = None
    prompting: Prompting = DEFAULT_PROMPTING
    _read: dict[Path, Future[dict[str, bytes]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def replay(self, case: Case) -> Replayed | None:
        """One case; None where the task cannot be done again: nothing checks it, its folder is gone, or another
        policy answers now."""
        try:
            trajectory = self.get(case.trajectory)
            folder = self.folder_of(case.trajectory)
            if folder is None or not (trajectory.task.checks or case.unchecked):
                return None
            policy = self._policy_of(trajectory)
            if trajectory.stamp.model != answering(policy.model)[0]:
                return None
            names = other_names(_names(trajectory), case.variation)
            files = _renamed_files(self._files(folder), names)
            done = self._do(_renamed_task(trajectory.task, names), files, case.skills, trajectory, policy)
        except (ExecutorError, NotFound, StoreError, OSError):
            return None
        if done.stop in _FAILED:
            return None
        if not done.checks and done.stop is not StopReason.DONE:
            return Replayed(False, (done.stop_detail or done.stop or "",))
        back = {new: old for old, new in names.items()}
        feedback = tuple(renamed(result.feedback, back) for result in done.checks if not result.passed)
        return Replayed(not feedback, feedback)

    def _policy_of(self, trajectory: Trajectory) -> Policy:
        return self.policy if self.pinned_to is None else self.pinned_to(trajectory.stamp.model)

    def _files(self, folder: Path) -> dict[str, bytes]:
        """What is in a folder, read once: all replays start from the same. Raises WorkingFolderTooLarge."""
        with self._lock:
            known = self._read.get(folder)
            if known is None:
                known = self._read[folder] = Future()
                mine = True
            else:
                mine = False
        if mine:
            try:
                known.set_result(read_folder(folder, min(FOLDER_BYTES, self.pool.folder_bytes)))
            except (ExecutorError, OSError) as error:
                known.set_exception(error)
        return known.result()

    def _do(
        self,
        task: Task,
        files: Mapping[str, bytes],
        skills: tuple[Skill, ...],
        before: Trajectory,
        policy: Policy,
    ) -> Trajectory:
        with self.pool.open(files=files) as sandbox:
            return run_task(
                task,
                Rollout(
                    policy=policy,
                    executor=sandbox,
                    retrieve=lambda _: tuple(Match(skill, 0.0) for skill in skills),
                    generation=before.stamp.skill_generation,
                    prompting=self.prompting,
                    sampling=replace(self.sampling, seed=before.stamp.seed),
                    max_steps=self.max_steps,
                    purpose=Purpose.SKILL_REPLAY,
                ),
            )


def _names(trajectory: Trajectory) -> tuple[str, ...]:
    """The words of a task that are names."""
    return own_words(trajectory.task.text, "\n".join(step.action for step in trajectory.steps))


def _renamed_task(task: Task, names: Mapping[str, str]) -> Task:
    return replace(
        task,
        text=renamed(task.text, names),
        references=tuple(
            replace(one, name=renamed(one.name, names), text=renamed(one.text, names))
            for one in task.references
        ),
        checks=tuple(
            replace(check, source=renamed(check.source, names), feedback=renamed(check.feedback, names))
            for check in task.checks
        ),
    )


def _renamed_files(files: Mapping[str, bytes], names: Mapping[str, str]) -> dict[str, bytes]:
    if not names:
        return dict(files)
    return {renamed(path, names): _renamed_content(content, names) for path, content in files.items()}


def _renamed_content(content: bytes, names: Mapping[str, str]) -> bytes:
    try:
        return renamed(content.decode("utf-8"), names).encode("utf-8")
    except UnicodeDecodeError:
        return content

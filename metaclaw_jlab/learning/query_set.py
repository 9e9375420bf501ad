"""The query set as prompts: every step of a query trajectory that can be brought about again."""

from __future__ import annotations

from collections.abc import Iterable

from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.core.trajectory import Purpose, Trajectory
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.start_states import StartStates
from metaclaw_jlab.store.trajectories import Trajectories


def prompts_of(trajectory: Trajectory, start: StartState) -> tuple[TrainingPrompt, ...]:
    """A prompt for each step that the policy was asked for, with the messages exactly as they were sent.

    The later ones begin where the recorded steps before them led.
    """
    kind = PromptKind.TURN if trajectory.purpose is Purpose.PROXY else PromptKind.QUERY
    found = []
    for index, step in enumerate(trajectory.steps):
        if any(earlier.observation is None for earlier in trajectory.steps[:index]):
            break
        found.append(
            TrainingPrompt(
                trajectory.id,
                kind,
                trajectory.task,
                step.messages,
                start,
                trajectory.steps[:index],
            )
        )
    return tuple(found)


def query_prompts(database: Database, ids: Iterable[str]) -> tuple[TrainingPrompt, ...]:
    """The prompts of these trajectories; those without a start state, or that never began, give none."""
    trajectories, starts = Trajectories(database), StartStates(database)
    found: list[TrainingPrompt] = []
    for trajectory_id in ids:
        start = starts.get(trajectory_id)
        if start is not None:
            found += prompts_of(trajectories.get(trajectory_id), start)
    return tuple(found)


def first_prompts(database: Database, ids: Iterable[str]) -> tuple[TrainingPrompt, ...]:
    """Only the first prompt of each: what a gate attempts."""
    return tuple(prompt for prompt in query_prompts(database, ids) if not prompt.before)

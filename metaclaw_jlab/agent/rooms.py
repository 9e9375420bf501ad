"""Sandboxes at the start of a task, and at the state that recorded steps led to."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from metaclaw_jlab.agent.graded_sandbox import GradedSandbox
from metaclaw_jlab.agent.prompt import observation_message
from metaclaw_jlab.core.executor import Executor
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Observation, Step
from metaclaw_jlab.executors.sandbox import SandboxPool
from metaclaw_jlab.practice import PracticeTask, from_dict, to_dict

_CUT_OFF = "ReplyCutOff"  # of a reply that was cut off nothing ran
_CELL_FILE = r"(?:<cell \d+>|<ipython-input[^>\n]*>|(?:[^\s():]*/)?ipykernel_\d+/\d+\.py|\d+\.py)"
_MAY_DIFFER = (
    (re.compile(rf"\({_CELL_FILE}, line "), "(line "),
    (re.compile(rf"^{_CELL_FILE}(?=:\d+: )", re.MULTILINE), "cell"),
    (re.compile(r"\b0x[0-9a-fA-F]{4,}"), "0x"),
    (re.compile(r"(?:/[^\s/'\"]+)*/metaclaw-sandboxes-\w+/sandbox-\w+(?=/)"), "/tmp"),
    (re.compile(r"\btmp[a-z0-9_]{8}\b"), "tmp"),
    (re.compile(r"\s+"), " "),  # a notebook breaks long values into lines
)


class SandboxRooms:
    """Opens sandboxes of a pool, which stays its owner's to close. Implements core.start_state.Rooms."""

    def __init__(self, pool: SandboxPool) -> None:
        self._pool = pool

    def open(self, start: StartState, task: Task) -> Executor:  # noqa: ARG002 - the protocol's
        """A new sandbox at this start; one that grades where the start is a practice task's. Raises ExecutorError."""
        if start.practice is not None:
            practice = from_dict(json.loads(start.practice))
            return GradedSandbox(self._pool.open(files=practice.files), practice)
        sandbox = self._pool.open(files=start.files)
        try:
            sandbox.load(start.objects)
        except BaseException:
            sandbox.close()
            raise
        return sandbox

    def isolated(self) -> bool:
        """Whether what runs in them cannot reach the user's files and network."""
        return self._pool.isolated


def practice_start(task: PracticeTask) -> StartState:
    """What a practice task starts from."""
    return StartState(practice=json.dumps(to_dict(task), sort_keys=True))


def replay_steps(executor: Executor, steps: Sequence[Step]) -> bool:
    """Run what ran in recorded steps, so that a room at their start comes to their state.

    False at the first observation that says otherwise than the recorded one: then the state is another one. Memory
    addresses, names of temporary folders and of cells, and white space may differ. Raises ExecutorError.
    """
    for step in steps:
        if step.observation is None:
            return False
        if step.observation.error is not None and step.observation.error.name == _CUT_OFF:
            continue
        observation = executor.execute(step.action if step.ran is None else step.ran)
        if told(observation) != told(step.observation):
            return False
    return True


def told(observation: Observation) -> str:
    """What an observation tells the policy, without what differs from run to run."""
    text = observation_message(observation).content
    for differing, instead in _MAY_DIFFER:
        text = differing.sub(instead, text)
    return text

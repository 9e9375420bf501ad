"""What ends a task before anything of a reply is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metaclaw_jlab.agent.parser import Reply
from metaclaw_jlab.agent.parts import next_part
from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.core.task import CheckResult, Task
from metaclaw_jlab.core.trajectory import ExecutionError, Observation, Step, StopReason

# What a policy is shown that wrote something else where code was due.
NO_CODE = Observation(error=ExecutionError("NoCode", "the reply holds no ```python block; nothing was run."))


@dataclass(frozen=True, slots=True)
class End:
    """Why a task is over, and what its checks said, None where they are still to be asked."""

    stop: StopReason
    detail: str = ""
    checks: tuple[CheckResult, ...] | None = None


def end_before(task: Task, steps: Sequence[Step], reply: Reply, prompting: Prompting) -> End | None:
    """The end of a task by a reply that holds no code, or code that just failed; None where it goes on."""
    if not reply.action:
        if _to_be_told(task, steps, reply, prompting):
            return None
        if any(step.action for step in steps):
            return End(StopReason.DONE)
        return End(StopReason.NO_ACTION, "The policy answered without code.")
    for step in reversed(steps):
        if step.observation is None or step.observation.error is None:
            return None
        if (step.action if step.ran is None else step.ran) == reply.action:
            error = step.observation.error
            return End(
                StopReason.REPEATED, f"The code that failed came again ({error.name}: {error.message})."
            )
    return None


def _to_be_told(task: Task, steps: Sequence[Step], reply: Reply, prompting: Prompting) -> bool:
    """Whether a policy that is not asked to say when it is done wrote something else where code was due: a file's
    content for the code that writes it, or nothing for a part that is left. It is told so once."""
    if prompting.ends == "said" or (steps and not steps[-1].action):
        return False
    return reply.foreign or (bool(steps) and next_part(task, steps, prompting) is not None)
